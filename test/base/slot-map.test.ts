import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { SlotMap } from '../../src/base/slot-map.ts';
import { random } from '../support/random.ts';

describe('base/slot-map', () => {
  it('holds what a Map holds, in its order', () => {
    const next = random(7);
    const map = new Map<number, { n: number }>();
    const slots = new SlotMap<number, { n: number }>();
    for (let n = 0; n < 20_000; n++) {
      const key = Math.floor(next() * 50);
      if (next() < 0.5) {
        const value = { n };
        map.set(key, value);
        slots.set(key, value);
      } else assert.equal(slots.delete(key), map.delete(key));
      assert.equal(slots.get(key), map.get(key));
      assert.equal(slots.size, map.size);
      assert.equal(slots.oldest, [...map.values()][0]);
    }
    assert.deepEqual([...slots.entries()], [...map]);
    assert.deepEqual([...slots.values()], [...map.values()]);
  });

  it('keeps nothing alive that has left it, where collections of the young generation alone are made', () => {
    const [slots, map] = [survivingMb('new SlotMap()'), survivingMb('new Map()')];
    assert.ok(slots < 20 && map > 80, `${slots} MB of what went through it survive, ${map} MB of a Map`);
  });
});

/** Of 100 MB in objects that came and went after a full collection had found some. */
function survivingMb(made: string): number {
  const file = JSON.stringify(new URL('../../src/base/slot-map.ts', import.meta.url).href);
  const script = `
    const { SlotMap } = await import(${file});
    const map = ${made};
    const go = (from, to) => {
      for (let i = from; i < to; i++) {
        map.set(i, new Array(64).fill(i));
        map.delete(i - 100);
      }
      gc({ type: 'minor' });
      gc({ type: 'minor' });
    };
    go(0, 20_000);
    gc();
    const before = process.memoryUsage().heapUsed;
    for (let i = 1; i <= 10; i++) go(20_000 * i, 20_000 * (i + 1));
    console.log((process.memoryUsage().heapUsed - before) / 1e6);`;
  // Room enough, so that there is no other full collection.
  const flags = ['--expose-gc', '--initial-old-space-size=512'];
  const args = [...flags, '--import', 'tsx', '--input-type=module', '-e', script];
  const { stdout, stderr, status } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  return Number(stdout);
}
