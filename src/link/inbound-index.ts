import { Fifo } from '../base/fifo.ts';
import { Multimap } from '../base/multimap.ts';
import { namesSpan, type IncomingContext } from './context/context.ts';
import type { Group, Pending, SpanContext } from './pending.ts';

const DEFAULT_MAX = 16_384;
const DEFAULT_KEEP_NS = 2_000_000_000;

/** A request that a process serves, or has served lately. */
export class Inbound {
  readonly startNs: number;
  readonly processStartNs: number;
  readonly contextKey: string | undefined;
  readonly idKeys: readonly string[];
  /** The exchange, until its span has left. */
  pending: Pending | undefined;
  /** Where the span stood that has left; undefined where there is none. */
  left: SpanContext | undefined;
  expiresNs = 0;
  /** In the index; its neighbours there by time of opening. */
  kept = true;
  older: Inbound | undefined;
  newer: Inbound | undefined;

  constructor(pending: Pending, contextKey: string | undefined, idKeys: readonly string[]) {
    this.startNs = pending.exchange.startNs;
    this.processStartNs = pending.exchange.processStartNs;
    this.contextKey = contextKey;
    this.idKeys = idKeys;
    this.pending = pending;
  }

  /** Where its span stands, for what hangs on it; undefined where there is no span. */
  context(placed: (other: Pending) => SpanContext | undefined): SpanContext | undefined {
    return this.pending === undefined ? this.left : placed(this.pending);
  }

  /**
   * Whether what its process sends may come of it: a cause starts before what it causes. So a request to the own process is never taken for
   * its own cause, and matches form no circle.
   */
  mayCause({ exchange, hop }: Pending): boolean {
    const { pending, startNs, processStartNs } = this;
    if (processStartNs !== exchange.processStartNs || startNs >= exchange.startNs) return false;
    return hop === undefined || pending?.hop !== hop;
  }
}

/** The request that a process serves while it sends another, and what the two have in common. */
export interface Match {
  readonly inbound: Inbound;
  readonly by: 'trace context' | 'request id';
}

/**
 * Requests that processes serve, by what those that they send on have in common with them: the trace context that a proxy passes on untouched,
 * or the id of the request. Bounded in number and, from when their spans have left, in time.
 *
 * What a process sends belongs to a request that it serves only if that came first and is the only one that fits.
 */
export class InboundIndex {
  /** Requests that made room for newer ones while others could still have been joined with them. */
  evicted = 0;
  /** Requests sent that fitted more than one of those served. */
  ambiguous = 0;
  size = 0;
  readonly #max: number;
  readonly #keepNs: number;
  /**
   * By process and trace context, and by process and request id. With the process in the key, whoever sends the same with every request cannot make
   * it slow: the first two of many that are found fit.
   */
  readonly #byContext = new Multimap<string, Inbound>();
  readonly #byRequestId = new Multimap<string, Inbound>();
  #oldest: Inbound | undefined;
  #newest: Inbound | undefined;
  /** Those whose spans have left, by the time they are forgotten. */
  readonly #fading = new Fifo<Inbound>();

  constructor(max: number = DEFAULT_MAX, keepNs: number = DEFAULT_KEEP_NS) {
    this.#max = max;
    this.#keepNs = keepNs;
  }

  /** The headers of an exchange are known, which happens once. Gives the group of its match, where that is still here. */
  opened(pending: Pending, requestIds: readonly string[]): Group | undefined {
    const { traceContext, exchange } = pending;
    const { tgid } = exchange;
    const contextKey = keyOf(tgid, traceContext);
    const idKeys = requestIds.length === 0 ? requestIds : requestIds.map((id) => `${tgid} ${id}`);
    if (contextKey === undefined && idKeys.length === 0) return undefined;
    if (exchange.role === 'client') {
      pending.match = this.#matchOf(pending, contextKey, idKeys);
      return pending.match?.inbound.pending?.group;
    }
    if (this.size >= this.#max) this.#evict();
    pending.inbound = new Inbound(pending, contextKey, idKeys);
    this.#add(pending.inbound);
    return undefined;
  }

  /** The span of an exchange has left, or is known never to come. */
  left(pending: Pending, nowNs: number): void {
    const { inbound } = pending;
    if (inbound === undefined) return;
    inbound.left = pending.dropped ? undefined : pending.placement?.context;
    inbound.pending = undefined;
    if (!inbound.kept) return;
    inbound.expiresNs = nowNs + this.#keepNs;
    this.#fading.push(inbound);
  }

  /** An exchange was lost while it was open: there will be no span. */
  forget({ inbound }: Pending): void {
    if (inbound === undefined) return;
    inbound.pending = undefined;
    this.#delete(inbound);
  }

  /** Forgets what has been kept long enough. */
  clock(nowNs: number): void {
    for (let inbound = this.#fading.first; inbound !== undefined; inbound = this.#fading.first) {
      if (inbound.expiresNs > nowNs) return;
      this.#fading.shift();
      this.#delete(inbound);
    }
  }

  #matchOf(pending: Pending, contextKey: string | undefined, idKeys: readonly string[]): Match | undefined {
    const { traceContext } = pending;
    const byContext = contextKey === undefined ? [] : this.#withContext(pending, contextKey);
    if (byContext.length === 1) return { inbound: byContext[0]!, by: 'trace context' };
    // A request whose sender made a trace context of its own is placed by that: it names the span below which it was sent.
    const own = byContext.length === 0 && traceContext !== undefined && namesSpan(traceContext);
    const byId = own
      ? []
      : this.#withRequestId(pending, idKeys, byContext.length > 0 ? contextKey : undefined);
    if (byId.length === 1) return { inbound: byId[0]!, by: 'request id' };
    if (byContext.length + byId.length > 0) this.ambiguous++;
    return undefined;
  }

  /** Two at most, which is one too many. */
  #withContext(pending: Pending, contextKey: string): Inbound[] {
    const fitting: Inbound[] = [];
    for (const inbound of this.#byContext.get(contextKey)) {
      if (inbound.mayCause(pending)) fitting.push(inbound);
      if (fitting.length > 1) break;
    }
    return fitting;
  }

  /** The same; where `contextKey` is given, of those that have this trace context, too. */
  #withRequestId(pending: Pending, idKeys: readonly string[], contextKey: string | undefined): Inbound[] {
    const fitting: Inbound[] = [];
    for (const key of idKeys) {
      for (const inbound of this.#byRequestId.get(key)) {
        if (contextKey !== undefined && inbound.contextKey !== contextKey) continue;
        if (inbound.mayCause(pending) && !fitting.includes(inbound)) fitting.push(inbound);
        if (fitting.length > 1) return fitting;
      }
    }
    return fitting;
  }

  #add(inbound: Inbound): void {
    this.size++;
    inbound.older = this.#newest;
    if (this.#newest === undefined) this.#oldest = inbound;
    else this.#newest.newer = inbound;
    this.#newest = inbound;
    const { contextKey, idKeys } = inbound;
    if (contextKey !== undefined) this.#byContext.add(contextKey, inbound);
    for (const key of idKeys) this.#byRequestId.add(key, inbound);
  }

  #evict(): void {
    const inbound = this.#fading.shift() ?? this.#oldest;
    if (inbound === undefined) return;
    this.evicted++;
    this.#delete(inbound);
  }

  #delete(inbound: Inbound): void {
    if (!inbound.kept) return;
    const { older, newer } = inbound;
    if (older === undefined) this.#oldest = newer;
    else older.newer = newer;
    if (newer === undefined) this.#newest = older;
    else newer.older = older;
    inbound.kept = false;
    inbound.older = inbound.newer = undefined;
    this.size--;
    const { contextKey, idKeys } = inbound;
    if (contextKey !== undefined) this.#byContext.delete(contextKey, inbound);
    for (const key of idKeys) this.#byRequestId.delete(key, inbound);
  }
}

/** By what a context says and not how: a proxy may write it in another format. */
function keyOf(tgid: number, context: IncomingContext | undefined): string | undefined {
  if (context?.traceId === undefined) return undefined;
  return `${tgid} ${context.traceId} ${context.spanId ?? ''}`;
}
