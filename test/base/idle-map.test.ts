import assert from 'node:assert/strict';
import { IdleMap } from '../../src/base/idle-map.ts';

describe('base/idle-map', () => {
  const keysOf = (map: IdleMap<number, { busy: boolean }>): number[] => [...map].map(([key]) => key);

  it('keeps what is idle until there is too much, and forgets nothing that is busy', () => {
    const map = new IdleMap<number, { busy: boolean }>(4, ({ busy }) => !busy);
    for (let key = 0; key < 4; key++) map.set(key, { busy: key === 2 });
    assert.deepEqual(keysOf(map), [0, 1, 2, 3]);
    map.set(4, { busy: true });
    assert.deepEqual(keysOf(map), [2, 4]);
    assert.deepEqual([map.has(2), map.has(3), map.get(4)?.busy, map.get(3)], [true, false, true, undefined]);
  });

  it('looks for idle ones the more seldom the more are busy', () => {
    let looks = 0;
    const map = new IdleMap<number, object>(4, () => {
      looks++;
      return false;
    });
    for (let key = 0; key < 4096; key++) map.set(key, {});
    assert.equal(keysOf(map as IdleMap<number, { busy: boolean }>).length, 4096);
    assert.ok(looks < 2 * 4096, String(looks));
  });
});
