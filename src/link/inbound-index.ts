import { Fifo } from '../base/fifo.ts';
import { namesSpan, type IncomingContext } from './context/context.ts';
import type { Group, Pending, SpanContext } from './pending.ts';

const DEFAULT_MAX = 16_384;
const DEFAULT_KEEP_NS = 2_000_000_000;

/** A request that a process serves, or has served lately. */
export class Inbound {
  readonly startNs: number;
  /** What it is found by. */
  readonly keys: readonly string[];
  /** The exchange, until its span has left. */
  pending: Pending | undefined;
  /** Where the span stood that has left; undefined where there is none. */
  left: SpanContext | undefined;
  expiresNs = 0;

  constructor(pending: Pending, keys: readonly string[]) {
    this.pending = pending;
    this.startNs = pending.exchange.startNs;
    this.keys = keys;
  }

  /** Where its span stands, for what hangs on it; undefined where there is no span. */
  context(placed: (other: Pending) => SpanContext | undefined): SpanContext | undefined {
    return this.pending === undefined ? this.left : placed(this.pending);
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
 * What a process sends belongs to a request that it serves only if that came first and is the only one that fits. A cause starts before what it
 * causes, so that a request to the own process is never taken for its own cause, and matches form no circle.
 */
export class InboundIndex {
  /** Requests that made room for newer ones while others could still have been joined with them. */
  evicted = 0;
  /** Requests sent that fitted more than one of those served. */
  ambiguous = 0;
  readonly #max: number;
  readonly #keepNs: number;
  /** Most keys have one. Those of many are a set, since whoever sends the same id with every request must not make forgetting slow. */
  readonly #byKey = new Map<string, Inbound | Set<Inbound>>();
  /** In order of their opening. */
  readonly #all = new Set<Inbound>();
  /** Those whose spans have left, by the time they are forgotten. */
  readonly #fading = new Fifo<Inbound>();

  constructor(max: number = DEFAULT_MAX, keepNs: number = DEFAULT_KEEP_NS) {
    this.#max = max;
    this.#keepNs = keepNs;
  }

  get size(): number {
    return this.#all.size;
  }

  /** The headers of an exchange are known, which happens once. Gives the group of its match, where that is still here. */
  opened(pending: Pending, requestIds: readonly string[]): Group | undefined {
    const { traceContext, exchange } = pending;
    const contextKey = keyOfContext(pending, traceContext);
    const idKeys = requestIds.map((id) => keyOfRequestId(pending, id));
    if (exchange.role === 'server') {
      const keys = contextKey === undefined ? idKeys : [contextKey, ...idKeys];
      if (keys.length > 0) this.#add(pending, keys);
      return undefined;
    }
    pending.match = this.#matchOf(pending, contextKey, idKeys);
    return pending.match?.inbound.pending?.group;
  }

  /** The span of an exchange has left, or is known never to come. */
  left(pending: Pending, nowNs: number): void {
    const { inbound } = pending;
    if (inbound?.pending === undefined) return;
    inbound.left = pending.dropped ? undefined : pending.placement?.context;
    inbound.pending = undefined;
    if (!this.#all.has(inbound)) return;
    inbound.expiresNs = nowNs + this.#keepNs;
    this.#fading.push(inbound);
  }

  /** An exchange was lost while it was open: there will be no span. */
  forget(pending: Pending): void {
    const { inbound } = pending;
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
    const byContext = contextKey === undefined ? NONE : this.#fitting(pending, [contextKey]);
    if (byContext.size === 1) return { inbound: only(byContext), by: 'trace context' };
    // A request whose sender made a trace context of its own is placed by that: it names the span below which it was sent.
    const ownContext = pending.traceContext !== undefined && namesSpan(pending.traceContext);
    const byId =
      ownContext && byContext.size === 0
        ? NONE
        : this.#fitting(pending, idKeys, ownContext ? contextKey : undefined);
    if (byId.size === 1) return { inbound: only(byId), by: 'request id' };
    if (byContext.size + byId.size > 0) this.ambiguous++;
    return undefined;
  }

  /** Those that have one of the keys, and `also`; two at most, which is one too many. */
  #fitting({ exchange, hop }: Pending, keys: readonly string[], also?: string): ReadonlySet<Inbound> {
    const fitting = new Set<Inbound>();
    for (const key of keys) {
      for (const inbound of this.#having(key)) {
        const itself = hop !== undefined && inbound.pending?.hop === hop;
        if (itself || inbound.startNs >= exchange.startNs) continue;
        if (also === undefined || inbound.keys.includes(also)) fitting.add(inbound);
        if (fitting.size > 1) return fitting;
      }
    }
    return fitting;
  }

  #having(key: string): Iterable<Inbound> {
    const found = this.#byKey.get(key);
    return found instanceof Inbound ? [found] : (found ?? NONE);
  }

  #add(pending: Pending, keys: readonly string[]): void {
    if (this.#all.size >= this.#max) this.#evict();
    const inbound = new Inbound(pending, keys);
    pending.inbound = inbound;
    this.#all.add(inbound);
    for (const key of keys) {
      const found = this.#byKey.get(key);
      if (found === undefined) this.#byKey.set(key, inbound);
      else if (found instanceof Inbound) this.#byKey.set(key, new Set([found, inbound]));
      else found.add(inbound);
    }
  }

  #evict(): void {
    this.evicted++;
    const [oldest] = this.#all;
    this.#delete(this.#fading.shift() ?? oldest!);
  }

  #delete(inbound: Inbound): void {
    this.#all.delete(inbound);
    for (const key of inbound.keys) {
      const found = this.#byKey.get(key);
      if (found instanceof Set) found.delete(inbound);
      if (found === inbound || (found instanceof Set && found.size === 0)) this.#byKey.delete(key);
    }
  }
}

const NONE: ReadonlySet<Inbound> = new Set();

function only(set: ReadonlySet<Inbound>): Inbound {
  const [first] = set;
  return first!;
}

/** By what it says and not how: a proxy may write the same context in another format. */
function keyOfContext(pending: Pending, context: IncomingContext | undefined): string | undefined {
  if (context?.traceId === undefined) return undefined;
  return `${keyOfProcess(pending)} ${context.traceId} ${context.spanId ?? ''}`;
}

function keyOfRequestId(pending: Pending, id: string): string {
  return `${keyOfProcess(pending)} id ${id}`;
}

function keyOfProcess({ exchange }: Pending): string {
  return `${exchange.tgid} ${exchange.processStartNs}`;
}
