/** Figures about counts of right and wrong. */

const STEPS = 60;

/**
 * The exact (Clopper-Pearson) upper bound of a rate of which `count` of `of` were seen: with the given confidence the true rate is not higher.
 * Where none was seen it is the rule of three, 3 / of.
 */
export function upperBound(count: number, of: number, confidence = 0.95): number {
  if (count >= of) return 1;
  let [low, high] = [count / of, 1];
  for (let step = 0; step < STEPS; step++) {
    const rate = (low + high) / 2;
    if (binomialAtMost(count, of, rate) > 1 - confidence) low = rate;
    else high = rate;
  }
  return high;
}

/** Probability of at most `count` hits in `of` trials. */
function binomialAtMost(count: number, of: number, rate: number): number {
  let logTerm = of * Math.log1p(-rate);
  let sum = Math.exp(logTerm);
  for (let hits = 1; hits <= count; hits++) {
    logTerm += Math.log((of - hits + 1) / hits) + Math.log(rate) - Math.log1p(-rate);
    sum += Math.exp(logTerm);
  }
  return sum;
}

/** One answer that was given with a confidence. */
export interface Graded {
  readonly confidence: number;
  readonly right: boolean;
}

/**
 * Expected calibration error, 0 to 1: the answers are sorted by confidence and cut into bins of equal size; in each, the mean confidence is
 * compared with the share that was right. Undefined without answers.
 */
export function calibrationError(answers: readonly Graded[], bins = 10): number | undefined {
  if (answers.length === 0) return undefined;
  const sorted = [...answers].sort((a, b) => a.confidence - b.confidence);
  let error = 0;
  for (let bin = 0; bin < bins; bin++) {
    const from = Math.floor((bin * sorted.length) / bins);
    const until = Math.floor(((bin + 1) * sorted.length) / bins);
    const within = sorted.slice(from, until);
    const confidence = within.reduce((sum, answer) => sum + answer.confidence, 0);
    const right = within.filter((answer) => answer.right).length;
    error += Math.abs(confidence - right);
  }
  return error / sorted.length;
}
