import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { inCheckout, lacking } from '../support/programs.ts';

const MIB = 1 << 20;

/** A program that keeps much alive for a while; it says who it is before and after, and how large its young generation has become. */
const SCRIPT = `
  import { getHeapSpaceStatistics } from 'node:v8';
  console.log(process.pid);
  const { limitProcess } = await import(${JSON.stringify(inCheckout('src', 'commands', 'process-limits.ts'))});
  limitProcess();
  const ring = new Array(60_000);
  for (let i = 0; i < 2e6; i++) ring[i % ring.length] = { i, of: [i, i, i, i], more: { i } };
  console.log(getHeapSpaceStatistics().find((space) => space.space_name === 'new_space').space_size);`;

describe('commands/process-limits', () => {
  it('starts the program anew in the same process, once, with a bounded young generation', function () {
    if (!existsSync(inCheckout('build', 'undertrace.node'))) lacking(this, 'the addon is not built');
    const args = ['--import=tsx', '--input-type=module', '-e', SCRIPT];
    const { stdout, stderr, pid } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    const [before, after, young, ...more] = stdout.trim().split('\n').map(Number);
    assert.deepEqual([before, after, more], [pid, pid, []], stderr);
    assert.ok(young! <= 24 * MIB, `${young} bytes`);
  });
});
