/** Wrong parents that a process's guesses may make, as they are expected, of all its links: so far below the one in a thousand that is promised that chance does not exceed it. */
const MOST_WRONG = 0.0003;
/** Links that are no guesses before a guess is told as sure: what guesses are worth is learnt from them, too, and the first ones flatter. */
const APPRENTICESHIP = 4000;
/** From here on a guess is a parent. */
const SURE = 0.9;
/** The most that is said of what is to be no parent: of a guess that would be one, were it not for the allowance, for example. */
export const UNSURE = 0.899;
/** Counts are halved from here on. */
const MAX_LINKS = 20_000;

/**
 * How many doubtful parents a process can bear. A guess of 0.95 is wrong once in twenty times: nothing where one link in a hundred is guessed, too
 * much where most are. The more of the allowance is used up, the surer a guess must be to be told as sure.
 */
export class Allowance {
  #links = 0;
  #doubt = 0;

  /** A link that is no guess. */
  known(): void {
    if (++this.#links < MAX_LINKS) return;
    this.#links /= 2;
    this.#doubt /= 2;
  }

  /** What is to be said of a guess. */
  tell(confidence: number): number {
    if (confidence < SURE) return confidence;
    if (this.#links < APPRENTICESHIP) return UNSURE;
    const doubt = 1 - confidence;
    const free = 1 - this.#doubt / (MOST_WRONG * this.#links);
    if (!(doubt <= (1 - SURE) * free)) return UNSURE;
    this.#doubt += doubt;
    this.known();
    return confidence;
  }
}
