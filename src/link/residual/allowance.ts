import type { Sureness } from './subject.ts';

/** Wrong parents that a process's guesses may make, as they are expected, of all its links: so far below the one in a thousand that is promised that chance does not exceed it. */
const MOST_WRONG = 0.0003;
/** The least confidence of which that is promised. Whoever makes parents of less wants them, and gets all. */
const PROMISED = 0.9;
/** Links that are no guesses before a guess becomes a parent: what guesses are worth is learnt from them, too, and the first ones flatter. */
const APPRENTICESHIP = 4000;
/** Counts are halved from here on. */
const MAX_LINKS = 20_000;

/**
 * How many doubtful parents a process can bear. A guess of 0.95 is wrong once in twenty times: nothing where one link in a hundred is guessed, too
 * much where most are. The more of the allowance is used up, the surer a guess must be to become a parent.
 *
 * What is held back tells how sure it is under another name. Whoever reads a number wants to know how often such a link is right, and that a process has
 * too many guesses says nothing about any of them: a confidence that is told as less, so that it stays below the least of parents, is wrong. And a
 * confidence that is as high as that of parents belongs to one.
 */
export class Allowance {
  readonly #minConfidence: number;
  #links = 0;
  #doubt = 0;

  /** `minConfidence`: from which on a guess becomes a parent. */
  constructor(minConfidence: number) {
    this.#minConfidence = minConfidence;
  }

  /** A link that is no guess. */
  known(): void {
    if (++this.#links < MAX_LINKS) return;
    this.#links /= 2;
    this.#doubt /= 2;
  }

  /** Whether a guess that is sure enough is to be no parent all the same. One that is to be a parent uses up some of the allowance. */
  holdsBack({ confidence, floor }: Sureness): boolean {
    const least = this.#minConfidence;
    if (confidence < least || least < PROMISED) return false;
    if (this.#links < APPRENTICESHIP) return true;
    const doubt = 1 - floor;
    const free = 1 - this.#doubt / (MOST_WRONG * this.#links);
    if (!(doubt <= (1 - PROMISED) * free)) return true;
    this.#doubt += doubt;
    this.known();
    return false;
  }
}
