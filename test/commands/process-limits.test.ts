import assert from 'node:assert/strict';
import { spawnSync, type SpawnSyncReturns } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { inCheckout, lacking } from '../support/programs.ts';

const MIB = 1 << 20;
const LIMITS = JSON.stringify(inCheckout('src', 'commands', 'process-limits.ts'));

/** A program that keeps much alive for a while; it says who it is before and after, and how large its young generation has become. */
const SCRIPT = `
  import { getHeapSpaceStatistics } from 'node:v8';
  console.log(process.pid);
  const { limitProcess } = await import(${LIMITS});
  limitProcess();
  const ring = new Array(60_000);
  for (let i = 0; i < 2e6; i++) ring[i % ring.length] = { i, of: [i, i, i, i], more: { i } };
  console.log(getHeapSpaceStatistics().find((space) => space.space_name === 'new_space').space_size);`;

/** Tells the priorities of its threads, of which those of the pool are made last. */
const YIELDING = `
  import { readdirSync, promises } from 'node:fs';
  import { getPriority } from 'node:os';
  const { yieldToHost } = await import(${LIMITS});
  const priorities = () => readdirSync('/proc/self/task').map((thread) => getPriority(Number(thread)));
  const before = priorities();
  yieldToHost();
  await promises.stat('/');
  console.log(JSON.stringify([before, priorities()]));`;

function runScript(script: string): SpawnSyncReturns<string> {
  return spawnSync(process.execPath, ['--import=tsx', '--input-type=module', '-e', script], {
    encoding: 'utf8',
  });
}

describe('commands/process-limits', () => {
  it('starts the program anew in the same process, once, with a bounded young generation', function () {
    if (!existsSync(inCheckout('build', 'undertrace.node'))) lacking(this, 'the addon is not built');
    const { stdout, stderr, pid } = runScript(SCRIPT);
    const [before, after, young, ...more] = stdout.trim().split('\n').map(Number);
    assert.deepEqual([before, after, more], [pid, pid, []], stderr);
    assert.ok(young! <= 24 * MIB, `${young} bytes`);
  });

  it('lowers the priority of every thread', () => {
    const { stdout, stderr } = runScript(YIELDING);
    const [before, after] = JSON.parse(stdout) as [number[], number[]];
    const low = constants.priority.PRIORITY_BELOW_NORMAL;
    assert.ok(
      before.every((each) => each < low),
      stderr,
    );
    assert.ok(after.length > 1 && after.every((each) => each === low), stdout);
  });
});
