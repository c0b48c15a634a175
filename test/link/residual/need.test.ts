import assert from 'node:assert/strict';
import { Need } from '../../../src/link/residual/need.ts';

/** What is decided at the looks at so many calls, of which each `every`th is loose. */
function looks(need: Need, calls: number, every: number): Array<boolean | undefined> {
  return Array.from({ length: calls }, (_, i) => need.left((i + 1) % every !== 0)).filter(
    (needed) => needed !== undefined,
  );
}

describe('link/residual/need', () => {
  it('is there where some calls are loose and some are known', () => {
    assert.deepEqual(looks(new Need(), 64, 8), [true]);
    assert.deepEqual(looks(new Need(), 64, 1), [false]);
    assert.deepEqual(looks(new Need(), 64, 1000), [false]);
  });

  it('ends after many looks without', () => {
    const need = new Need();
    looks(need, 64, 8);
    assert.deepEqual(looks(need, 64 * 64, 100_000), []);
    assert.deepEqual(looks(need, 64, 100_000), [false]);
  });

  it('is taken for granted of a new process with a few loose calls, and only of a new one', () => {
    const need = new Need();
    assert.deepEqual([need.isEarly, need.isEarly, need.isEarly, need.isEarly], [false, false, false, true]);
    looks(need, 64, 1);
    assert.equal(need.isEarly, false);
  });
});
