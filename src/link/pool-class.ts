/** Calls of a pool's threads, in a window, from which on a process is taken for one that has a pool. */
const FOREIGN = 8;
/** More than so many calls for one of them, and they are beside what the process serves. */
const MOST_CALLS = 16;
/** Calls after which the judgement is looked at again. */
const WINDOW = 256;
/** So many calls in a window have to be found to belong to a request. */
const LEAST_FOUND = 4;
/** Calls of a pool's threads after which a process in which next to nothing was found is watched again; twice as many each time. */
const FIRST_REST = 5000;
const MAX_REST = 320_000;

/**
 * Whether a process hands its calls to the threads of a pool, by its own traffic: while it serves requests, calls are sent by threads that never read
 * one. Only then is it watched whom its threads wake, which costs it a little, and only as long as something is found by it.
 */
export class PoolClass {
  isPool = false;
  #calls = 0;
  #foreign = 0;
  #found = 0;
  #resting = 0;
  #rest = FIRST_REST;

  /**
   * A call was sent while requests were open. `foreign`: of no known origin, by a thread that never read a request. Returns true if `isPool` has
   * changed.
   */
  called(foreign: boolean): boolean {
    if (this.#resting > 0) {
      if (foreign) this.#resting--;
      return false;
    }
    this.#calls++;
    if (foreign) this.#foreign++;
    const fits = this.#foreign >= FOREIGN && this.#foreign * MOST_CALLS >= this.#calls;
    const full = this.#calls >= WINDOW;
    if (!full && (this.isPool || !fits)) return false;
    const before = this.isPool;
    this.isPool = before ? fits && this.#found >= LEAST_FOUND : fits;
    if (before && fits && !this.isPool) this.#pause();
    this.#calls = this.#foreign = this.#found = 0;
    return this.isPool !== before;
  }

  /** A call was found to belong to a request. */
  found(): void {
    this.#found++;
  }

  #pause(): void {
    this.#resting = this.#rest;
    this.#rest = Math.min(2 * this.#rest, MAX_REST);
  }
}
