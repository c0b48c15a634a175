import { IdleMap } from '../base/idle-map.ts';
import type { Pending } from './pending.ts';
import { PoolClass } from './pool-class.ts';
import { Need } from './residual/need.ts';
import { rules } from './rule/index.ts';
import { Trust } from './trust.ts';

/** Requests that are older than the watch do not keep it from being believed for longer. */
const UNWATCHED_NS = 5e9;
/** Threads that have read requests and are remembered, at least. */
const MIN_THREADS = 256;

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
  /** What is left to the residual matcher. */
  readonly need = new Need();
  /** The open requests of the threads that have read some, in any order; `Pending.place` is where. */
  readonly #byThread = new IdleMap<number, Pending[]>(MIN_THREADS, (requests) => requests.length === 0);

  constructor(startNs: number) {
    this.startNs = startNs;
  }

  add(pending: Pending): void {
    const { tid } = pending.exchange;
    let requests = this.#byThread.get(tid);
    if (requests === undefined) {
      requests = [];
      this.#byThread.set(tid, requests);
    }
    pending.place = requests.length;
    requests.push(pending);
    if (pending.exchange.startNs < this.#watchedNs) this.#unwatched++;
    this.open++;
    this.serial++;
  }

  remove(pending: Pending): void {
    const requests = this.#byThread.get(pending.exchange.tid);
    if (requests?.[pending.place] !== pending) return;
    const last = requests.pop()!;
    if (last !== pending) {
      requests[pending.place] = last;
      last.place = pending.place;
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
    return this.#byThread.has(tid);
  }

  /** The one open request that a thread has read, if it is one. */
  soleOf(tid: number): Pending | undefined {
    const requests = this.#byThread.get(tid);
    return requests?.length === 1 ? requests[0] : undefined;
  }
}
