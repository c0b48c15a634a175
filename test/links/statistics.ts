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

/** Answers of about the same confidence. */
export interface Bin {
  readonly count: number;
  /** In the mean, 0 to 1. */
  readonly confidence: number;
  /** Share, 0 to 1. */
  readonly right: number;
}

/** The answers, sorted by confidence and cut into bins of equal size. */
export function calibrationBins(answers: readonly Graded[], bins = 10): Bin[] {
  const sorted = [...answers].sort((a, b) => a.confidence - b.confidence);
  return Array.from({ length: bins }, (_, bin) => {
    const from = Math.floor((bin * sorted.length) / bins);
    const within = sorted.slice(from, Math.floor(((bin + 1) * sorted.length) / bins));
    const count = within.length;
    return {
      count,
      confidence: within.reduce((sum, { confidence }) => sum + confidence, 0) / count,
      right: within.filter(({ right }) => right).length / count,
    };
  }).filter(({ count }) => count > 0);
}

/** Expected calibration error, 0 to 1: the mean distance between confidence and share of right ones over the bins. Undefined without answers. */
export function calibrationError(answers: readonly Graded[]): number | undefined {
  if (answers.length === 0) return undefined;
  const off = calibrationBins(answers).map(
    ({ count, confidence, right }) => count * Math.abs(confidence - right),
  );
  return off.reduce((sum, each) => sum + each) / answers.length;
}
