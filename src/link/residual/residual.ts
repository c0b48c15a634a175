import type { Description } from '../../decode/exchange.ts';
import type { Origins } from '../origins.ts';
import type { Pending } from '../pending.ts';
import type { Serving } from '../serving.ts';
import { type OnDecided, Matcher } from './matcher.ts';

/** Processes that have a matcher at once. */
const MAX_MATCHERS = 64;

/** What is counted, and shown as metrics. */
export interface ResidualCounts {
  /** Calls of which nothing was said because they competed with too many, and calls and requests that made room for others before. */
  overflows: number;
}

export interface ResidualOptions {
  origins: Origins;
  describe: (pending: Pending) => Description;
  /** How long a call waits for the requests that were open with it. */
  waitNs: number;
  /** From which confidence on a guess becomes a parent. */
  minConfidence: number;
}

/**
 * Calls that no rule has an answer for, in processes where others have one: for each such process a matcher, made when it is needed. Processes whose links
 * are all known, or all unknown, cost a counter.
 */
export class Residual {
  readonly counts: ResidualCounts = { overflows: 0 };
  readonly #options: ResidualOptions;
  readonly #active = new Set<Matcher>();
  #readUntilNs = 0;

  constructor(options: ResidualOptions) {
    this.#options = options;
  }

  /** An exchange's request has been seen. */
  opened(pending: Pending): void {
    if (pending.exchange.role === 'server') pending.serving?.need.matcher?.window.opened(pending);
  }

  /** An exchange has ended. */
  closed(pending: Pending): void {
    const { exchange, serving, origin } = pending;
    if (serving === undefined) return;
    const { need } = serving;
    if (exchange.role === 'server') {
      if (need.matcher === undefined) return;
      need.matcher.window.ended(pending);
      // An agent that reads late what its host has done gets much of it between two clocks.
      return need.matcher.clock(exchange.endNs, keep);
    }
    if (pending.match !== undefined || pending.traceContext !== undefined) return;
    if (need.matcher === undefined && origin === undefined && need.isEarly) this.#start(serving);
    if (need.matcher?.called(pending, this.#options.describe(pending)) === true) pending.residual = 'waits';
  }

  dropped(pending: Pending): void {
    if (pending.exchange.role === 'server') pending.serving?.need.matcher?.window.lost(pending);
  }

  /** The span of a call is made: whether rules had an answer. */
  left({ exchange, origin, serving, match }: Pending): void {
    if (exchange.role !== 'client' || serving === undefined || match !== undefined) return;
    const needed = serving.need.left(origin !== undefined);
    if (needed === true) this.#start(serving);
    else if (needed === false) this.stop(serving);
  }

  /** What was before the last clock has been read; of what has happened since then some may not have been. */
  clock(nowNs: number): void {
    for (const matcher of this.#active) matcher.clock(this.#readUntilNs, keep);
    this.#readUntilNs = nowNs;
  }

  /** The end: what waits is decided by what there is. */
  flush(): void {
    for (const matcher of this.#active) matcher.clock(Infinity, keep);
  }

  /** The process has ended, or needs no matcher: what waits waits no more. */
  stop({ need }: Serving): void {
    if (need.matcher === undefined) return;
    need.matcher.stop(keep);
    this.#active.delete(need.matcher);
    need.matcher = undefined;
  }

  #start({ need }: Serving): void {
    if (need.matcher !== undefined || this.#active.size >= MAX_MATCHERS) return;
    const { origins, waitNs, minConfidence } = this.#options;
    const confidenceOf = (call: Pending): number => origins.linkOf(call)?.confidence ?? 0;
    need.matcher = new Matcher({ confidenceOf, waitNs, minConfidence }, this.counts);
    this.#active.add(need.matcher);
  }
}

const keep: OnDecided = (call, guess) => (call.residual = guess);
