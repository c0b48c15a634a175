import assert from 'node:assert/strict';
import { PoolClass } from '../../src/link/pool-class.ts';

/** `count` calls, of which every `each`th is a pool's, and every one of those is found to belong to a request with `found`. */
function call(pool: PoolClass, count: number, each: number, found: boolean): boolean[] {
  const seen: boolean[] = [];
  for (let i = 1; i <= count; i++) {
    const foreign = i % each === 0;
    if (pool.called(foreign)) seen.push(pool.isPool);
    if (foreign && found && pool.isPool) pool.found();
  }
  return seen;
}

describe('link/pool-class', () => {
  it('takes a process for a pool when its calls come from threads that serve nothing', () => {
    const pool = new PoolClass();
    assert.deepEqual(call(pool, 7, 1, true), []);
    assert.deepEqual(call(pool, 1, 1, true), [true]);
    assert.deepEqual(call(pool, 10_000, 1, true), []);
  });

  it('does not where such calls are few', () => {
    const pool = new PoolClass();
    assert.deepEqual(call(pool, 10_000, 40, true), []);
    assert.equal(pool.isPool, false);
  });

  it('gives a process up whose calls come from elsewhere by now, and takes it again', () => {
    const pool = new PoolClass();
    call(pool, 1000, 1, true);
    assert.deepEqual(call(pool, 600, 1000, true), [false]);
    assert.deepEqual(call(pool, 300, 1, true), [true]);
  });

  it('gives a process up in which nothing is found, for longer each time', () => {
    const pool = new PoolClass();
    for (const rest of [5000, 10_000, 20_000]) {
      assert.deepEqual(call(pool, 8, 1, false), [true]);
      assert.deepEqual(call(pool, 256, 1, false), [false]);
      assert.deepEqual(call(pool, rest, 1, false), []);
    }
  });
});
