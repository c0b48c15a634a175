import assert from 'node:assert/strict';
import { Allowance } from '../../../src/link/residual/allowance.ts';

const LEAST = 0.9;
const sure = (confidence: number, floor = confidence) => ({ confidence, floor });

/** After so many known links. */
function allowanceAfter(known: number, least = LEAST): Allowance {
  const allowance = new Allowance(least);
  for (let n = 0; n < known; n++) allowance.known();
  return allowance;
}

/** Of `guesses` of a confidence, with so many known links for each: how many become parents. */
function parentsOf(confidence: number, known: number, guesses = 1000): number {
  const allowance = allowanceAfter(4000);
  let parents = 0;
  for (let i = 0; i < guesses; i++) {
    for (let n = 0; n < known; n++) allowance.known();
    if (!allowance.holdsBack(sure(confidence))) parents++;
  }
  return parents;
}

describe('link/residual/allowance', () => {
  it('lets doubtful guesses pass where they are few', () => {
    assert.ok(parentsOf(0.95, 1000) > 990);
  });

  it('holds the wrong ones down where they are many', () => {
    const parents = parentsOf(0.95, 4);
    assert.ok(parents * 0.05 <= 0.001 * 9000, String(parents));
    assert.ok(parents > 10);
  });

  it('asks more of a guess the more has been used up', () => {
    assert.ok(parentsOf(0.999, 4) === 1000);
  });

  it('holds everything back before a process has shown much', () => {
    const allowance = allowanceAfter(3999);
    assert.equal(allowance.holdsBack(sure(0.999)), true);
    allowance.known();
    assert.equal(allowance.holdsBack(sure(0.999)), false);
  });

  it('goes by what is borne out rather than by what is likely', () => {
    assert.equal(allowanceAfter(4000).holdsBack(sure(0.99, 0.85)), true);
  });

  it('holds nothing back that is no parent anyway, nor where less sure ones are wanted', () => {
    assert.equal(allowanceAfter(0).holdsBack(sure(0.7)), false);
    assert.equal(allowanceAfter(0, 0.95).holdsBack(sure(0.94)), false);
    assert.equal(allowanceAfter(0, 0.95).holdsBack(sure(0.96)), true);
    assert.equal(allowanceAfter(0, 0.8).holdsBack(sure(0.96)), false);
  });
});
