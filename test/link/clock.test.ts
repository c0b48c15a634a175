import assert from 'node:assert/strict';

import { UnixClock, addNs, toHrTime } from '../../src/link/clock.ts';

describe('link/clock', () => {
  it('keeps every nanosecond, before and after the pair', () => {
    const clock = new UnixClock();
    clock.update(5_000_000_000, 1_800_000_000, 999_999_999, 5_000_000_000);
    assert.deepEqual(toHrTime(clock.pair!, 5_000_000_000), [1_800_000_000, 999_999_999]);
    assert.deepEqual(toHrTime(clock.pair!, 5_000_000_001), [1_800_000_001, 0]);
    assert.deepEqual(toHrTime(clock.pair!, 4_000_000_000), [1_799_999_999, 999_999_999]);
    assert.deepEqual(toHrTime(clock.pair!, 3_000_000_001), [1_799_999_999, 0]);
  });

  it('is exact days away from the pair', () => {
    const clock = new UnixClock();
    const month = 30 * 86_400 * 1e9;
    clock.update(month, 1_800_000_000, 0, month);
    assert.deepEqual(toHrTime(clock.pair!, 1), [1_800_000_000 - 30 * 86_400, 1]);
  });

  it('leaves a pair that was taken as it was', () => {
    const clock = new UnixClock();
    clock.update(1, 100, 0, 1);
    const before = clock.pair!;
    clock.update(2, 999, 0, 2);
    assert.deepEqual(toHrTime(before, 1), [100, 0]);
  });

  it('adds durations over the second', () => {
    assert.deepEqual(addNs([10, 999_999_999], 2), [11, 1]);
    assert.deepEqual(addNs([10, 0], 3_500_000_000), [13, 500_000_000]);
  });
});
