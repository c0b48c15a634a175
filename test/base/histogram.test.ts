import assert from 'node:assert/strict';
import { Histogram } from '../../src/base/histogram.ts';

describe('base/histogram', () => {
  it('counts a value at its bound into that bucket, a larger one into the last', () => {
    const histogram = new Histogram([1, 10]);
    for (const value of [0, 1, 1.5, 10, 11]) histogram.observe(value);
    assert.deepEqual(histogram.counts, [2, 2, 1]);
    assert.equal(histogram.count, 5);
    assert.equal(histogram.sum, 23.5);
  });
});
