import assert from 'node:assert/strict';
import { calibrationError, upperBound } from './statistics.ts';

const near = (found: number, expected: number): void =>
  assert.ok(Math.abs(found - expected) < 1e-4, `${found} is not ${expected}`);

describe('links/statistics', () => {
  it('bounds a rate that was never seen by the rule of three', () => {
    near(upperBound(0, 10_000), 1 - 0.05 ** (1 / 10_000));
    near(upperBound(0, 3), 1 - 0.05 ** (1 / 3));
  });

  it('gives the exact bound of a rate that was seen', () => {
    // One-sided Clopper-Pearson, from tables of the beta distribution: qbeta(0.95, 2, 9) and qbeta(0.95, 6, 95).
    near(upperBound(1, 10), 0.394163);
    near(upperBound(5, 100), 0.102253);
    assert.equal(upperBound(7, 7), 1);
    assert.equal(upperBound(0, 0), 1);
  });

  it('stays exact where there are very many', () => {
    const bound = upperBound(5_000, 10_000);
    assert.ok(bound > 0.508 && bound < 0.5085, String(bound));
  });

  it('compares confidence with what was right, bin by bin', () => {
    const answers = Array.from({ length: 100 }, (_, n) => ({
      confidence: n < 50 ? 0.2 : 0.8,
      right: n % 5 === 0,
    }));
    // One of five is right everywhere: true of the first half, 0.6 too sure in the second.
    near(calibrationError(answers)!, 0.3);
    assert.equal(calibrationError([]), undefined);
  });

  it('is not fooled by errors that cancel out over bins', () => {
    const answers = [
      ...Array.from({ length: 50 }, () => ({ confidence: 0.4, right: true })),
      ...Array.from({ length: 50 }, () => ({ confidence: 0.6, right: false })),
    ];
    near(calibrationError(answers)!, 0.6);
  });
});
