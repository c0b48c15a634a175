import assert from 'node:assert/strict';
import { Allowance, UNSURE } from '../../../src/link/residual/allowance.ts';

/** Of `guesses` of a confidence, after so many known links for each: how many are told as sure. */
function toldAsSure(confidence: number, known: number, guesses = 1000): number {
  const allowance = new Allowance();
  for (let n = 0; n < 4000; n++) allowance.known();
  let sure = 0;
  for (let i = 0; i < guesses; i++) {
    for (let n = 0; n < known; n++) allowance.known();
    if (allowance.tell(confidence) >= 0.9) sure++;
  }
  return sure;
}

describe('link/residual/allowance', () => {
  it('lets doubtful guesses pass where they are few', () => {
    assert.ok(toldAsSure(0.95, 1000) > 990);
  });

  it('holds the wrong ones down where they are many', () => {
    const sure = toldAsSure(0.95, 4);
    assert.ok(sure * 0.05 <= 0.001 * 9000, String(sure));
    assert.ok(sure > 10);
  });

  it('asks more of a guess the more has been used up, and never touches what is said with less', () => {
    assert.ok(toldAsSure(0.999, 4) === 1000);
    assert.equal(new Allowance().tell(0.7), 0.7);
  });

  it('tells nothing as sure before a process has shown much', () => {
    const allowance = new Allowance();
    for (let n = 0; n < 3999; n++) allowance.known();
    assert.equal(allowance.tell(0.999), UNSURE);
    allowance.known();
    assert.equal(allowance.tell(0.999), 0.999);
  });
});
