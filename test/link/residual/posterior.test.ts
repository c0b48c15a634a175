import assert from 'node:assert/strict';
import { Assignment } from '../../../src/link/residual/posterior.ts';
import { random } from '../../support/random.ts';

/** Probability of each pair by enumerating every assignment: calls in turn, each alone or at a place that is free. */
function enumerate(weights: readonly number[][]): number[][] {
  const sums = weights.map((row) => row.map(() => 0));
  let all = 0;
  const chosen: Array<number | undefined> = [];
  const visit = (product: number): void => {
    if (chosen.length === weights.length) {
      all += product;
      for (const [call, place] of chosen.entries()) if (place !== undefined) sums[call]![place]! += product;
      return;
    }
    const row = weights[chosen.length]!;
    chosen.push(undefined);
    visit(product);
    chosen.pop();
    for (const [place, weight] of row.entries()) {
      if (weight === 0 || chosen.includes(place)) continue;
      chosen.push(place);
      visit(product * weight);
      chosen.pop();
    }
  };
  visit(1);
  return sums.map((row) => row.map((sum) => sum / all));
}

function solve(weights: readonly number[][]): number[][] {
  const assignment = new Assignment();
  const pairs = weights.map((row, call) =>
    row.map((weight, place) => (weight === 0 ? undefined : assignment.add(call, place, Math.log(weight)))),
  );
  const probabilities = assignment.solve(weights.length, weights[0]!.length);
  return pairs.map((row) => row.map((pair) => (pair === undefined ? 0 : probabilities[pair]!)));
}

function worstError(weights: readonly number[][]): number {
  const [found, exact] = [solve(weights), enumerate(weights)];
  return Math.max(...found.flatMap((row, call) => row.map((p, place) => Math.abs(p - exact[call]![place]!))));
}

describe('link/residual/posterior', () => {
  it('is exact where there is no circle', () => {
    assert.ok(worstError([[3]]) < 1e-6);
    assert.ok(worstError([[3, 7, 0.1]]) < 1e-6);
    assert.ok(
      worstError([
        [5, 20, 0],
        [0, 4, 0.5],
        [0, 0, 9],
      ]) < 1e-3,
    );
  });

  it('is near the truth in small groups of all kinds, and finds the same best places where one is clearly best', () => {
    const next = random(7);
    for (let group = 0; group < 200; group++) {
      const [calls, places] = [1 + Math.floor(5 * next()), 1 + Math.floor(5 * next())];
      const weights = Array.from({ length: calls }, () =>
        Array.from({ length: places }, () => (next() < 0.2 ? 0 : Math.exp(10 * (next() - 0.5)))),
      );
      const [found, exact] = [solve(weights), enumerate(weights)];
      for (const [call, row] of exact.entries()) {
        for (const [place, probability] of row.entries()) {
          assert.ok(
            Math.abs(found[call]![place]! - probability) < 0.2,
            JSON.stringify({ weights, found, exact }),
          );
          if (probability > 0.9) assert.ok(found[call]![place]! > 0.75);
        }
      }
    }
  });

  it('halves what a second assignment, as good as the first, takes away', () => {
    const even = solve([
      [1e6, 1e6],
      [1e6, 1e6],
    ]);
    for (const probability of even.flat()) assert.ok(Math.abs(probability - 0.5) < 0.01, String(probability));
  });

  it('lets what is certain decide what is not', () => {
    // The second call has one place only, which leaves the other to the first.
    const [first, second] = solve([
      [1e5, 1e5],
      [0, 1e5],
    ]);
    assert.ok(first![0]! > 0.99 && first![1]! < 0.01 && second![1]! > 0.99);
  });

  it('gives no place away twice', () => {
    const next = random(3);
    const weights = Array.from({ length: 40 }, () =>
      Array.from({ length: 30 }, () => Math.exp(8 * next() - 4)),
    );
    const found = solve(weights);
    for (let place = 0; place < 30; place++)
      assert.ok(found.reduce((sum, row) => sum + row[place]!, 0) < 1.01, String(place));
    for (const row of found) assert.ok(row.reduce((sum, p) => sum + p, 0) < 1.01);
  });
});
