import assert from 'node:assert/strict';
import { Calibration } from '../../../src/link/residual/calibration.ts';
import { random } from '../../support/random.ts';

/** Answers that are right as often as `truth` says of their probability. */
function calibrate(answers: number, truth: (probability: number) => number, loose = answers): Calibration {
  const calibration = new Calibration();
  const next = random(1);
  for (let i = 0; i < answers; i++) {
    const probability = next();
    calibration.learn(probability, next() < truth(probability));
    if (i < loose) calibration.meet(probability);
  }
  return calibration;
}

describe('link/residual/calibration', () => {
  it('says what share of such answers was right', () => {
    const boastful = calibrate(6000, (probability) => probability * probability);
    for (const probability of [0.35, 0.65, 0.75, 0.9])
      assert.ok(Math.abs(boastful.confidence(probability) - probability * probability) < 0.06);
    const useless = calibrate(6000, () => 0.2);
    assert.ok(Math.abs(useless.confidence(0.9) - 0.2) < 0.1, String(useless.confidence(0.9)));
  });

  it('says it where no power of the odds is right for all of them, too', () => {
    // Most answers are sure ones, of which some are wrong all the same; of the others as many are right as was said.
    const calibration = new Calibration();
    const next = random(3);
    for (let i = 0; i < 6000; i++) {
      const probability = i % 3 === 0 ? next() : 0.9999;
      calibration.learn(probability, next() < Math.min(probability, 0.97));
    }
    for (const probability of [0.3, 0.5, 0.7, 0.8])
      assert.ok(Math.abs(calibration.confidence(probability) - probability) < 0.05, String(probability));
    assert.ok(Math.abs(calibration.confidence(0.9999) - 0.97) < 0.01);
  });

  it('has a floor that is no surer than answers are in number that bear it out', () => {
    const calibration = new Calibration();
    const answer = (times: number): void => {
      for (let i = 0; i < times; i++) calibration.learn(0.9999, true);
    };
    answer(100);
    assert.ok(calibration.floor(0.9999) > 0.98 && calibration.floor(0.9999) < 0.997);
    answer(2000);
    assert.ok(calibration.floor(0.9999) > 0.997);
  });

  it('has a floor that is never above the confidence', () => {
    const boastful = calibrate(2000, (probability) => probability * probability);
    for (let percent = 1; percent < 100; percent++)
      assert.ok(boastful.floor(percent / 100) <= boastful.confidence(percent / 100));
  });

  it('is ready after enough answers and enough calls to answer for', () => {
    assert.equal(calibrate(50, () => 1).ready, false);
    const calibration = calibrate(500, () => 1, 10);
    assert.equal(calibration.ready, false);
    for (let i = 0; i < 100; i++) calibration.meet(0.5);
    assert.equal(calibration.ready, true);
  });

  it('follows what changes', () => {
    const calibration = calibrate(3999, () => 1);
    for (let i = 0; i < 40_000; i++) calibration.learn(0.9999, false);
    assert.ok(calibration.confidence(0.9999) < 0.1);
  });

  it('holds for calls that are as sure as the known ones, and for no others', () => {
    const calibration = new Calibration();
    for (let i = 0; i < 1000; i++) calibration.learn(0.999, true);
    // One in ten is as the known ones are; the others are anywhere.
    const next = random(2);
    for (let i = 0; i < 1000; i++) calibration.meet(i % 10 === 0 ? 0.999 : next());
    assert.equal(calibration.holds, false);
    for (let i = 0; i < 1000; i++) calibration.meet(0.999);
    assert.equal(calibration.holds, true);
  });
});
