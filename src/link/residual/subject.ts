import { Calibration } from './calibration.ts';

/** Counts are halved from here on. */
const MAX_COUNT = 4000;
/** A share of requests is never taken for certain. */
const MOST = 0.95;
/** The latest of what was seen. */
const MAX_SEEN = 64;
/** So many calls of a kind wait until it is known whether anything can be said of them. */
const YOUTH = 1000;
/** Less is not worth saying: it is more likely wrong than right. */
export const LEAST = 0.5;

/** What there is to say of an answer. */
export interface Sureness {
  /** How often such answers are right. */
  readonly confidence: number;
  /** How often at least, to decide by. */
  readonly floor: number;
}

/** What is known of the loose calls of one kind, beside the habits of those that are known. */
export class Subject {
  readonly calibration = new Calibration();
  /** Known calls that were made until then have been hidden and asked for, or will not be. */
  askedUntilNs = 0;
  #early = 0;
  #calls = 1;
  #places = 1;
  readonly #seen: number[] = [];
  #next = 0;

  /** Whether a call may have something to wait for. */
  get isHopeful(): boolean {
    const { calibration } = this;
    return calibration.ready ? calibration.holds && calibration.best >= LEAST : ++this.#early < YOUTH;
  }

  /** How sure an answer of such a probability is; undefined where it is not worth saying. */
  sureness(probability: number): Sureness | undefined {
    const { calibration } = this;
    if (!calibration.ready || !calibration.holds) return undefined;
    const confidence = calibration.confidence(probability);
    return confidence < LEAST ? undefined : { confidence, floor: calibration.floor(probability) };
  }

  /** A call was assigned for the first time, most likely to a request of which calls of these kinds are known, as bits. */
  met(probability: number, kinds: number): void {
    this.calibration.meet(probability);
    if (probability > 0) this.#seen[this.#next++ % MAX_SEEN] = kinds;
    this.#calls++;
  }

  /** Places that a request has for such calls beside those that are known. */
  vacant(places: number): void {
    this.#places += places;
    if (this.#places < MAX_COUNT) return;
    this.#calls /= 2;
    this.#places /= 2;
  }

  /** The logarithm of the odds that such a place is taken. */
  get logOdds(): number {
    const share = Math.min(MOST, Math.max(1 - MOST, this.#calls / this.#places));
    return Math.log(share / (1 - share));
  }

  /** Kinds of calls that may be known of a request with a loose call, one answer after the other. */
  seen(number: number): number {
    return this.#seen.length === 0 ? -1 : this.#seen[number % this.#seen.length]!;
  }
}
