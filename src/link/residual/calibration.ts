/** Probabilities are compared by the logarithms of their odds, in bins of this width, up to so much for or against. */
const WIDTH = 0.5;
const MOST = 9;
const BINS = 2 * (MOST / WIDTH) + 1;
/** Answers of which at most half are forgotten at a time. */
const MAX_COUNT = 4000;
/** So many answers are needed before anything is said. */
const ENOUGH = 100;
const RICH = 1000;
/** As if so many answers had borne out the probabilities as they are, and in each bin what is said of all. */
const PRIOR = 8;
const STEPS = 8;
/** The surest of the answers, by which it is judged how many of the others are like them. */
const SUREST = 0.25;
/** They are alike if there are at least so many of the surest, in proportion. */
const ALIKE = 0.5;
/** Of so many it is known how many are right. */
const MANY = 50;

/** What there is to say by bin. */
interface Curves {
  readonly confidences: Float64Array;
  /** The highest of them. */
  readonly best: number;
  readonly floors: Float64Array;
}

/**
 * What the probabilities of the matcher are worth for one kind of call. Of calls that are known it is asked as if they were not, and what it says is
 * compared with what is known: nobody tells it a truth that the agent has not found itself.
 *
 * The odds that an answer is right are taken to be a power of the odds that were said, times a factor (Platt's scaling), and corrected where answers
 * of about the same probability are right more often or less often than that: no power is right for all of them, and most answers are sure ones, which
 * decide which power it is.
 *
 * Two numbers come of it. The confidence is the best estimate: what is told. The floor is never above it, and no surer than the answers are in number
 * that were as sure: what may be done because of it. An estimate that is careful by itself would be right more often than it says.
 *
 * The calls that rules know may be others than those that they do not: those that had not to wait for a connection, for example. Then the probabilities
 * of the two are spread differently, and where the surest ones are few among the calls to be answered for, they are sure by chance, and what is known of
 * the others does not hold for them.
 */
export class Calibration {
  readonly #asked = new Float64Array(BINS);
  readonly #right = new Float64Array(BINS);
  readonly #loose = new Float64Array(BINS);
  #askedCount = 0;
  #looseCount = 0;
  /** What follows from the counts, until they change. */
  #curves: Curves | undefined;

  /** There are enough answers to go by. */
  get ready(): boolean {
    return this.#askedCount >= ENOUGH && this.#looseCount >= ENOUGH / 2;
  }

  /** There are so many that a few more change little. */
  get rich(): boolean {
    return this.#askedCount >= RICH;
  }

  /** Whether the calls that are not known are so much like those that are that this may be believed. */
  get holds(): boolean {
    let [asked, loose] = [0, 0];
    for (let bin = BINS - 1; bin >= 0 && asked < SUREST * this.#askedCount; bin--) {
      asked += this.#asked[bin]!;
      loose += this.#loose[bin]!;
    }
    return loose * this.#askedCount >= ALIKE * asked * this.#looseCount;
  }

  /** The most that it ever says. */
  get best(): number {
    return this.#current().best;
  }

  /** Of a call that is known. */
  learn(probability: number, right: boolean): void {
    const bin = binOf(probability);
    this.#asked[bin]!++;
    if (right) this.#right[bin]!++;
    this.#curves = undefined;
    if (++this.#askedCount < MAX_COUNT) return;
    this.#askedCount /= 2;
    halve(this.#asked);
    halve(this.#right);
  }

  /** Of a call that is not. */
  meet(probability: number): void {
    this.#loose[binOf(probability)]!++;
    if (++this.#looseCount < MAX_COUNT) return;
    this.#looseCount /= 2;
    halve(this.#loose);
  }

  /** The share of right ones among answers of such a probability. */
  confidence(probability: number): number {
    return this.#current().confidences[binOf(probability)]!;
  }

  /** That share, no higher than what has been seen bears out. */
  floor(probability: number): number {
    return this.#current().floors[binOf(probability)]!;
  }

  #current(): Curves {
    if (this.#curves !== undefined) return this.#curves;
    const { slope, shift } = fit(this.#asked, this.#right);
    const logOdds = Float64Array.from({ length: BINS }, (_, bin) => slope * logOddsOf(bin) + shift);
    const said = logOdds.map(logistic);
    const confidences = logOdds.map((each, bin) => logistic(each + this.#correction(bin, said)));
    const floors = confidences.map((share, bin) => Math.min(share, this.#leastFrom(bin)));
    return (this.#curves = { confidences, best: Math.max(...confidences), floors });
  }

  /** By what logarithm of odds the answers of a bin, and of those beside it, were right more often than is said of each of these bins. */
  #correction(bin: number, said: Float64Array): number {
    let [right, wrong, saidRight, saidWrong] = [PRIOR, PRIOR, PRIOR, PRIOR];
    for (let i = Math.max(0, bin - 1); i <= Math.min(BINS - 1, bin + 1); i++) {
      right += this.#right[i]!;
      wrong += this.#asked[i]! - this.#right[i]!;
      saidRight += this.#asked[i]! * said[i]!;
      saidWrong += this.#asked[i]! * (1 - said[i]!);
    }
    return Math.log(right / saidRight) - Math.log(wrong / saidWrong);
  }

  /**
   * The share of right ones of all that were as sure as this or surer; with less sure ones, where these are few. Less its standard error: answers of
   * one moment are right or wrong together, so that chance goes further than their number says.
   */
  #leastFrom(bin: number): number {
    let [asked, right] = [0, 0];
    for (let i = BINS - 1; i >= 0 && (i >= bin || asked < MANY); i--) {
      asked += this.#asked[i]!;
      right += this.#right[i]!;
    }
    const share = (right + 0.5) / (asked + 1);
    return share - Math.sqrt((share * (1 - share)) / (asked + 1));
  }
}

/** The likeliest power and factor, by Newton's method; those that leave everything as it is have some weight, too. */
function fit(asked: Float64Array, right: Float64Array): { slope: number; shift: number } {
  let [slope, shift] = [1, 0];
  for (let step = 0; step < STEPS; step++) {
    let [toSlope, toShift] = [PRIOR * (1 - slope), PRIOR * (0 - shift)];
    let [both, slopes, shifts] = [0, PRIOR, PRIOR];
    for (let bin = 0; bin < BINS; bin++) {
      const x = logOddsOf(bin);
      const said = logistic(slope * x + shift);
      const off = right[bin]! - asked[bin]! * said;
      const weight = asked[bin]! * said * (1 - said);
      toSlope += off * x;
      toShift += off;
      slopes += weight * x * x;
      both += weight * x;
      shifts += weight;
    }
    const determinant = slopes * shifts - both * both;
    slope += (shifts * toSlope - both * toShift) / determinant;
    shift += (slopes * toShift - both * toSlope) / determinant;
    slope = Math.max(0, slope);
  }
  return { slope, shift };
}

function halve(counts: Float64Array): void {
  for (let bin = 0; bin < counts.length; bin++) counts[bin]! /= 2;
}

function binOf(probability: number): number {
  const logOdds = Math.log(probability / (1 - probability));
  return Math.round((Math.min(MOST, Math.max(-MOST, logOdds)) + MOST) / WIDTH);
}

function logOddsOf(bin: number): number {
  return bin * WIDTH - MOST;
}

function logistic(logOdds: number): number {
  return 1 / (1 + Math.exp(-logOdds));
}
