import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const HEAP = fileURLToPath(new URL('../../src/base/heap.ts', import.meta.url));
const MIB = 1 << 20;

/** In a process of its own: much is alive for a while, little for long. Gives back the young generation and the largest old one, in bytes. */
function underPressure(prelude: string): { young: number; old: number } {
  const script = `
    import { getHeapSpaceStatistics } from 'node:v8';
    ${prelude}
    const size = (name) => getHeapSpaceStatistics().find((space) => space.space_name === name).space_size;
    const ring = new Array(60_000);
    let old = 0;
    for (let i = 0; i < 2e6; i++) {
      ring[i % ring.length] = { i, of: [i, i, i, i], more: { i } };
      if (i % 10_000 === 0) old = Math.max(old, size('old_space'));
    }
    console.log(JSON.stringify({ young: size('new_space'), old }));`;
  const args = ['--import=tsx', '--input-type=module', '-e', script];
  return JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' })) as {
    young: number;
    old: number;
  };
}

describe('base/heap', () => {
  it('keeps the young generation at 16 MiB and the old one near what is alive', () => {
    const free = underPressure('');
    const bound = underPressure(`import { boundHeap } from ${JSON.stringify(HEAP)}; boundHeap();`);
    assert.equal(bound.young, 16 * MIB);
    assert.ok(free.young > bound.young, 'this V8 would not have needed it');
    assert.ok(bound.old < free.old, `${bound.old} of ${free.old} bytes`);
  });
});
