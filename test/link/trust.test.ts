import assert from 'node:assert/strict';
import { Trust } from '../../src/link/trust.ts';

/** Checks until the rule is switched off, `most` at most. */
function checksUntilOff(failsOneIn: number, most: number, before = 0): number {
  const trust = new Trust();
  for (let i = 0; i < before; i++) trust.check(true, 0);
  for (let i = 1; i <= most; i++) if (trust.check(i % failsOneIn !== 0, i)) return i;
  return Infinity;
}

describe('link/trust', () => {
  it('switches a rule off that fails, within 200 checks of the start or of a change', () => {
    for (const before of [0, 500, 10_000])
      for (const failsOneIn of [1, 2, 10, 40]) {
        const checks = checksUntilOff(failsOneIn, 1000, before);
        assert.ok(checks <= 200, `1 in ${failsOneIn} after ${before}: ${checks}`);
      }
  });

  it('says how often it is right, by what was checked', () => {
    const trust = new Trust();
    assert.equal(trust.rate, 0.5);
    for (const passed of [true, true, true, false]) trust.check(passed, 1);
    assert.equal(trust.rate, 4 / 6);
  });

  it('does not give up a rule for a failure in a thousand', () => {
    assert.equal(checksUntilOff(1000, 100_000, 500), Infinity);
  });

  it('is proven by checks that were passed, and settled by enough of them', () => {
    const trust = new Trust();
    assert.deepEqual([trust.proven, trust.settled], [false, false]);
    for (let i = 0; i < 20; i++) trust.check(true, 0);
    assert.deepEqual([trust.proven, trust.settled], [true, false]);
    for (let i = 0; i < 44; i++) trust.check(true, 0);
    assert.deepEqual([trust.proven, trust.settled], [true, true]);
    for (let i = 0; i < 3; i++) trust.check(false, 0);
    assert.deepEqual([trust.off, trust.proven, trust.settled], [true, false, true]);
  });

  it('tries a rule again that was switched off, later each time', () => {
    const trust = new Trust();
    let requests = 0;
    for (const rest of [5000, 10_000, 20_000]) {
      while (!trust.off) trust.check(false, requests);
      assert.equal(trust.rests(requests + rest - 1), true);
      assert.equal(trust.rests((requests += rest)), false);
      assert.deepEqual([trust.off, trust.proven], [false, false]);
    }
  });
});
