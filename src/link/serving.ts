import type { Pending } from './pending.ts';
import { PoolClass } from './pool-class.ts';
import { Need } from './residual/need.ts';
import { rules } from './rule/index.ts';
import { Trust } from './trust.ts';

/** Requests that are older than the watch do not keep it from being believed for longer. */
const UNWATCHED_NS = 5e9;
const MAX_READERS = 256;

/** The requests that one process serves, by the thread that read them, and what the rules are worth there. */
export class Serving {
  readonly startNs: number;
  /** In the order of `rules`. */
  readonly trust: readonly Trust[] = rules.map(() => new Trust());
  /** Requests that are open. */
  open = 0;
  /** Requests so far. */
  serial = 0;
  /** Responses to requests with calls of which no rule could say whose they are. */
  silent = 0;
  readonly pool = new PoolClass();
  /** Open requests that were read before `pool` was watched, when their threads may have begun to wait unseen. */
  #unwatched = 0;
  #watchedNs = Infinity;
  /** Threads that have read requests; forgotten when there are too many, as where every request has a thread of its own. */
  readonly #readers = new Set<number>();
  /** What is left to the residual matcher. */
  readonly need = new Need();
  /** The one open request of a thread as it is, several as a set: most threads have one, and a set costs more than the rest of the rule. */
  readonly #byThread = new Map<number, Pending | Set<Pending>>();

  constructor(startNs: number) {
    this.startNs = startNs;
  }

  add(pending: Pending): void {
    const { tid } = pending.exchange;
    const known = this.#byThread.get(tid);
    if (known === undefined) this.#byThread.set(tid, pending);
    else if (known instanceof Set) known.add(pending);
    else this.#byThread.set(tid, new Set([known, pending]));
    if (this.#readers.size >= MAX_READERS) this.#readers.clear();
    this.#readers.add(tid);
    if (pending.exchange.startNs < this.#watchedNs) this.#unwatched++;
    this.open++;
    this.serial++;
  }

  remove(pending: Pending): void {
    const { tid } = pending.exchange;
    const known = this.#byThread.get(tid);
    if (known === pending) {
      this.#byThread.delete(tid);
    } else {
      if (!(known instanceof Set) || !known.delete(pending)) return;
      if (known.size === 1) for (const last of known) this.#byThread.set(tid, last);
    }
    if (pending.exchange.startNs < this.#watchedNs) this.#unwatched--;
    this.open--;
  }

  /** From now on it is told whom the threads wake. Undefined: not any more. */
  watch(nowNs: number | undefined): void {
    this.#watchedNs = nowNs ?? Infinity;
    this.#unwatched = this.open;
  }

  /** Whether it is seen for certain who waits for a call. */
  watches({ exchange }: Pending): boolean {
    const ns = exchange.startNs - this.#watchedNs;
    return ns >= UNWATCHED_NS || (ns >= 0 && this.#unwatched === 0);
  }

  /** Whether a thread has read requests. */
  reads(tid: number): boolean {
    return this.#readers.has(tid) || this.#byThread.has(tid);
  }

  /** The one open request that a thread has read, if it is one. */
  soleOf(tid: number): Pending | undefined {
    const known = this.#byThread.get(tid);
    return known instanceof Set ? undefined : known;
  }
}
