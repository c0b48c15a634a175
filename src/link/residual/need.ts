import type { Matcher } from './matcher.ts';

/** Calls after which it is looked whether a process needs a matcher, and whether it still does. */
const LOOK_AFTER = 64;
/** It does if at least one call in so many is loose and one in so many is known: there is something to find out, and somebody to teach it. */
const RARE = 100;
/** A matcher that was not needed in so many looks in a row goes. */
const MAX_UNNEEDED = 64;
/** Until the first look a process has a matcher from so many loose calls on: the first traces are not to be the worst. */
const FIRST = 4;

/** Whether one process has calls that no rule has an answer for beside others, and the matcher that it has for them. */
export class Need {
  matcher: Matcher | undefined;
  #known = 0;
  #loose = 0;
  #early = 0;
  #unneeded = 0;
  #looked = false;

  /** A loose call has ended. Whether that is reason enough to have a matcher. */
  get isEarly(): boolean {
    return !this.#looked && ++this.#early >= FIRST;
  }

  /** The span of a call has been made. Whether there is to be a matcher; undefined: as it is. */
  left(isKnown: boolean): boolean | undefined {
    if (isKnown) this.#known++;
    else this.#loose++;
    const calls = this.#known + this.#loose;
    if (calls < LOOK_AFTER) return undefined;
    const needed = Math.min(this.#known, this.#loose) * RARE >= calls;
    const first = !this.#looked;
    this.#looked = true;
    this.#known = this.#loose = 0;
    if (needed) this.#unneeded = 0;
    else if (!first && ++this.#unneeded <= MAX_UNNEEDED) return undefined;
    return needed;
  }
}
