import type { Pending } from '../pending.ts';
import type { KnownCall, KnownRequest } from './habits.ts';

/** Requests and calls of one process that are remembered at once. */
const MAX_REQUESTS = 4096;
const MAX_CALLS = 4096;
/** A request that is open for longer is not waited for, and is no candidate. */
const MAX_OPEN_NS = 10_000_000_000;

/** A request that a process serves, with the calls that are known to be its own. */
export interface Served extends KnownRequest {
  readonly pending: Pending;
  endNs: number;
  calls: Call[];
  /** Its calls have taught. */
  learnt: boolean;
}

/** A call that a process has made. */
export interface Call extends KnownCall {
  readonly pending: Pending;
  /** Known for certain. */
  request: Served | undefined;
  /** Nothing is to be found out about it any more. */
  done: boolean;
  /** It was assigned before. */
  met: boolean;
  /** It was hidden once, to see what would be said of it. */
  asked: boolean;
}

/** The requests and the calls of one process that may still have to do with each other, in the order of their starts. */
export class Window {
  requests: Served[] = [];
  calls: Call[] = [];
  readonly #served = new Map<Pending, Served>();
  readonly #onOverflow: () => void;

  /** `onOverflow`: a call or a request has made room for another before anything was said of it. */
  constructor(onOverflow: () => void) {
    this.#onOverflow = onOverflow;
  }

  opened(pending: Pending): void {
    if (this.requests.length >= MAX_REQUESTS) this.#forgetOldest();
    const { startNs } = pending.exchange;
    const served: Served = { pending, startNs, endNs: Infinity, calls: [], learnt: false };
    insert(this.requests, served);
    this.#served.set(pending, served);
  }

  ended(pending: Pending): void {
    const served = this.#served.get(pending);
    if (served !== undefined) served.endNs = pending.exchange.endNs;
  }

  /** There will be no span of it. */
  lost(pending: Pending): void {
    const served = this.#served.get(pending);
    if (served === undefined) return;
    this.#served.delete(pending);
    this.requests.splice(this.requests.indexOf(served), 1);
  }

  add(call: Call): void {
    if (this.calls.length >= MAX_CALLS) {
      const oldest = this.calls.shift()!;
      if (!oldest.done) this.#onOverflow();
      oldest.done = true;
    }
    insert(this.calls, call);
  }

  find(pending: Pending): Served | undefined {
    return this.#served.get(pending);
  }

  /** When the oldest request began that is open, or has been until `sinceNs`. */
  oldestOpenNs(sinceNs: number): number {
    for (const { startNs, endNs } of this.requests) if (endNs > sinceNs) return startNs;
    return Infinity;
  }

  /** Forgets what can have to do with nothing any more that is yet to be found out. */
  forget(nowNs: number, keepNs: number): void {
    let neededNs = nowNs - keepNs;
    for (const { done, startNs } of this.calls) {
      if (done) continue;
      neededNs = Math.min(neededNs, startNs);
      break;
    }
    const kept: Served[] = [];
    for (const served of this.requests) {
      const { startNs, endNs } = served;
      if (endNs > neededNs && (endNs !== Infinity || startNs + MAX_OPEN_NS > nowNs)) {
        kept.push(served);
        continue;
      }
      this.#served.delete(served.pending);
    }
    this.requests = kept;
    const oldestNs = kept[0]?.startNs ?? Infinity;
    this.calls = this.calls.filter(({ done, startNs }) => !done || startNs > oldestNs);
  }

  #forgetOldest(): void {
    this.#onOverflow();
    this.#served.delete(this.requests.shift()!.pending);
  }
}

/** Most come in order. */
function insert<T extends { startNs: number }>(list: T[], item: T): void {
  let place = list.length;
  while (place > 0 && list[place - 1]!.startNs > item.startNs) place--;
  if (place === list.length) list.push(item);
  else list.splice(place, 0, item);
}
