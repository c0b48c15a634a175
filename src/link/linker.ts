import type { Stage } from '../base/ledger.ts';
import type { LossReason } from '../base/losses.ts';
import type { ContextHeaders } from '../decode/context-headers.ts';
import type { Description, Exchange } from '../decode/exchange.ts';
import type { DirectoryEntry } from '../directory/directory.ts';
import type { RouteMatch } from '../enrich/route.ts';
import type { ServiceResource } from '../enrich/resource.ts';
import { Assembler, ASSEMBLER_DEFAULTS, type AssemblerOptions } from './assembler.ts';
import type { UnixClock } from './clock.ts';
import { namesSpan } from './context/context.ts';
import { parseContext } from './context/index.ts';
import { HopMap } from './hop-map.ts';
import {
  type IdKey,
  clientSpanId,
  localKey,
  occurrenceKey,
  rootTraceId,
  seedOf,
  serverSpanId,
} from './ids.ts';
import { InboundIndex } from './inbound-index.ts';
import { LinkCounts } from './link-counts.ts';
import { Origins } from './origins.ts';
import type { RequestObserver } from './finished-request.ts';
import { Group, Pending, type Parent, type SpanContext, currentGroup, noteOf } from './pending.ts';
import type { Woken } from './rule/rule.ts';
import { RemoteEnds, type RemoteMail } from './remote-ends.ts';
import { Residual } from './residual/residual.ts';
import { isInShare, NO_CONTEXT, Sampler } from './sampler.ts';
import { NO_CLOCK, buildSpan, durationOf, nameOf } from './span-builder.ts';
import type { Span } from './span.ts';
import { createStrategies } from './strategy/index.ts';
import type { LinkStrategy } from './strategy/strategy.ts';

/** So many times the wait for a trace its spans wait in a process whose rules have not been proven yet: the first traces are not to be the worst. */
const PROOF_WAITS = 6;
/** So many times a call without an origin waits for the requests to end that it may be for: less, so that it is decided before its span leaves. */
const RESIDUAL_WAITS = 5;

/** What the linker asks of the rest of the pipeline. */
export interface LinkerOptions {
  describe: (exchange: Exchange) => Description;
  /**
   * What the headers of a request say of its trace, asked for when the exchange is opened and its head is decoded. With it exchanges are
   * described only when their spans are made. Without it they are described when they are closed, and exchanges of one incoming trace find
   * each other no earlier.
   */
  contextHeadersOf?: (exchange: Exchange) => ContextHeaders | undefined;
  /** As ProcessTable.identify: `pending` while facts may still come, never for longer than the table's bound. */
  identify: (tgid: number, startNs: number) => ServiceResource | 'pending';
  /** Who it is as far as is known now, for the end of the run, when nothing more will come. */
  identifyNow: (tgid: number, startNs: number) => ServiceResource;
  /** The low-cardinality route or template of a request; undefined where there is none. */
  routeOf?: (
    exchange: Exchange,
    description: Description,
    service: ServiceResource,
  ) => RouteMatch | undefined;
  /** Whether a rule drops a span: `end` this span alone (its process is excluded), `request` the spans of both ends. */
  drops?: (
    exchange: Exchange,
    description: Description,
    service: ServiceResource,
    route: string | undefined,
  ) => 'end' | 'request' | undefined;
  /**
   * Whether the span of an exchange is left out because its process makes its own. The answer may change as long as nothing has come of it; it is
   * asked for when the span is made, or before, when a span is to hang on it.
   */
  suppresses?: (exchange: Exchange) => boolean;
  /** Whether the span of an exchange that is open is certain not to be dropped. */
  keepsOpen?: (exchange: Exchange) => boolean;
  /** Whether to look for pools and for whom they make calls; which processes have one is told, so that it is watched whom their threads wake. */
  completions?: boolean;
  onPool?: (tgid: number, isPool: boolean) => void;
  /** What goes to the directory of several hosts. */
  remoteMail?: RemoteMail;
  onRequest?: RequestObserver;
  /** A finished trace, or what is known of one; parents stand before children. */
  onTrace: (spans: Span[]) => void;
  clock: UnixClock;
  sampler?: Sampler;
  exchanges: Stage<LossReason<'exchanges'>>;
  spans: Stage<LossReason<'spans'>>;
  /** Of the host record; sets keys of kernel addresses apart from those of other boots and hosts. */
  bootId?: string;
  /** A parent that is less sure becomes a span link. */
  minConfidence?: number;
  maxHops?: number;
  /** Requests served that those sent on may still be joined with. */
  maxInbound?: number;
  /** How long a hop remembers an end that has left. */
  hopKeepNs?: number;
  assembler?: Partial<AssemblerOptions>;
}

/**
 * Exchanges to traces: joins the two ends of a hop, finds each span's parent, and lets spans go once their trace is whole.
 *
 * `opened` is called when an exchange's request is first seen, `closed` when the exchange has ended, `dropped` when it was lost in between
 * and counted there; `clock` with each `clock` record. `held` is what the ledger's exchange stage holds: opened and not yet made into a span.
 */
export class Linker {
  readonly hops: HopMap;
  readonly inbound: InboundIndex;
  readonly assembler: Assembler;
  readonly origins: Origins;
  readonly links = new LinkCounts();
  readonly residual: Residual;
  readonly remoteEnds: RemoteEnds;
  /** The part of all traces that is exported, of those that the sampler keeps; holds for traces that begin from now on. */
  exportedShare = 1;
  readonly #strategies: readonly LinkStrategy[];
  readonly #minConfidence: number;
  readonly #proofWaitNs: number;
  #sampler: Sampler;
  #seed: IdKey;
  #nowNs = 0;
  readonly #options: LinkerOptions;
  /** Exchanges that are open; each holds its Pending as its note. */
  #open = 0;

  constructor(options: LinkerOptions) {
    this.#options = options;
    this.#sampler = options.sampler ?? new Sampler();
    this.#seed = seedOf(options.bootId ?? '');
    this.hops = new HopMap(options.maxHops, options.hopKeepNs);
    this.inbound = new InboundIndex(options.maxInbound);
    this.origins = new Origins({ ...options, onForgotten: (serving) => this.residual.stop(serving) });
    this.#strategies = createStrategies(this.origins);
    this.#minConfidence = options.minConfidence ?? 0.9;
    const traceWaitNs = options.assembler?.traceWaitNs ?? ASSEMBLER_DEFAULTS.traceWaitNs;
    this.#proofWaitNs = PROOF_WAITS * traceWaitNs;
    this.assembler = new Assembler(options.assembler ?? {}, (trace, last) => this.#release(trace, last));
    this.residual = new Residual({
      origins: this.origins,
      describe: (pending) => (pending.description ??= options.describe(pending.exchange)),
      waitNs: RESIDUAL_WAITS * traceWaitNs,
      minConfidence: this.#minConfidence,
    });
    this.remoteEnds = new RemoteEnds({
      origins: this.origins,
      minConfidence: this.#minConfidence,
      waitNs: traceWaitNs,
      mail: options.remoteMail,
      place: (pending) => this.#place(pending),
      isKept: (pending) => this.#isKept(pending),
      isSampled: (context) => context.shed !== true && this.#samples(context),
      onFound: (pending, { traceId }) => this.#foundRemote(pending, traceId),
    });
  }

  /** Exchanges opened that are neither a span nor lost yet. */
  get held(): number {
    return this.#open + this.assembler.waiting;
  }

  /** Exchanges that are open. */
  get open(): number {
    return this.#open;
  }

  /** From the host record, which comes first. */
  set bootId(bootId: string) {
    this.#seed = seedOf(bootId);
  }

  set sampler(sampler: Sampler) {
    this.#sampler = sampler;
  }

  opened(exchange: Exchange): void {
    this.#admit(exchange);
  }

  closed(exchange: Exchange): void {
    const pending = noteOf(exchange) ?? this.#admit(exchange);
    // How long it lasted nobody knows, so there is a span of it only where others hang on it.
    if (exchange.incomplete === 'capture_paused' && pending.placement === undefined) {
      this.#options.exchanges.lost.paused++;
      this.dropped(exchange);
      return;
    }
    this.#end(pending);
    this.origins.closed(pending);
    if (pending.hop === undefined && exchange.hop !== undefined && !pending.duplicate) this.#join(pending);
    pending.clock = this.#options.clock.pair ?? NO_CLOCK;
    if (this.#options.contextHeadersOf === undefined) {
      pending.description = this.#options.describe(exchange);
      this.#believe(pending, pending.description.contextHeaders);
    }
    this.residual.closed(pending);
    this.remoteEnds.closed(pending);
    if (pending.awaitsWake) currentGroup(pending.group!).unexplained++;
    this.assembler.closed(pending);
  }

  /** The thread that received a call's response has woken another. */
  woke(call: Pending, woken: Woken): void {
    const origin = this.origins.woke(call, woken);
    if (origin?.group === undefined) return;
    this.assembler.merge(origin.group, call.group!);
    if (call.awaitsWake && !call.open) currentGroup(call.group!).unexplained--;
    call.awaitsWake = false;
  }

  /** The exchange was lost before its end; whoever lost it has counted it. */
  dropped(exchange: Exchange): void {
    const pending = noteOf(exchange);
    if (!pending?.open) return;
    pending.dropped = true; // so that it is nobody's parent
    this.#end(pending);
    this.residual.dropped(pending);
    this.origins.dropped(pending);
    this.remoteEnds.dropped(pending);
    const group = currentGroup(pending.group!);
    group.open--;
    if (pending.hop !== undefined) this.hops.forget(pending.hop, pending, group);
    this.inbound.forget(pending);
    this.assembler.settle(group);
  }

  clock(nowNs: number): void {
    this.#nowNs = nowNs;
    this.remoteEnds.clock(nowNs);
    this.residual.clock(nowNs);
    this.assembler.clock(nowNs);
    this.hops.clock(nowNs);
    this.inbound.clock(nowNs);
  }

  /** What the directory of several hosts answered. */
  answered(entries: readonly DirectoryEntry[]): void {
    this.remoteEnds.answered(entries);
  }

  /** The end: everything closed goes out, waiting for nothing. What is still open has to be closed or dropped before. */
  flush(): void {
    this.residual.flush();
    this.assembler.flush();
  }

  #admit(exchange: Exchange): Pending {
    const pending = new Pending(exchange);
    exchange.note = pending;
    this.#open++;
    if (exchange.hop !== undefined) this.#join(pending);
    if (pending.group === undefined) {
      pending.group = new Group();
      pending.group.open = 1;
    }
    this.#believe(pending, this.#options.contextHeadersOf?.(exchange));
    this.origins.opened(pending);
    this.residual.opened(pending);
    if (pending.origin?.group !== undefined) this.assembler.merge(pending.origin.group, pending.group);
    this.remoteEnds.opened(pending);
    return pending;
  }

  #end(pending: Pending): void {
    pending.open = false;
    this.#open--;
  }

  /** Puts an exchange at its end of its hop, and into one group with the other end if that is still here. */
  #join(pending: Pending): void {
    const hop = this.hops.join(pending);
    if (hop === undefined) {
      pending.duplicate = true;
      return;
    }
    pending.hop = hop;
    hop.header ??= pending.header;
    const client = pending.exchange.role === 'client';
    const other = client ? hop.server : hop.client;
    if (other !== undefined) {
      const group = currentGroup(other.group!);
      if (!client) group.loneClients--;
      else if (hop.remote === undefined) group.loneServers--;
      if (pending.group !== undefined) {
        this.assembler.merge(group, pending.group);
      } else {
        pending.group = group;
        group.open++;
      }
      return;
    }
    if (pending.group === undefined) {
      pending.group = new Group();
      pending.group.open = 1;
    }
    const group = currentGroup(pending.group);
    if (client && !hop.serverLeft) group.loneClients++;
    else if (!client && hop.clientLeft === undefined) group.loneServers++;
  }

  /** The client of a server here is on another host: there is nothing left to wait for. */
  #foundRemote(pending: Pending, traceId: string): void {
    currentGroup(pending.group!).loneServers--;
    this.assembler.named(pending.group!, traceId);
    this.assembler.settle(currentGroup(pending.group!));
  }

  #believe(pending: Pending, headers: ContextHeaders | undefined): void {
    if (headers === undefined) return;
    // Both ends of a hop saw the same bytes: the first to tell is enough.
    if (pending.traceContext === undefined) {
      const context = parseContext(headers);
      if (pending.hop === undefined) pending.header = context;
      else pending.hop.header = context;
      if (context?.traceId !== undefined) this.assembler.named(pending.group!, context.traceId);
    }
    const group = this.inbound.opened(pending, headers.requestIds);
    if (group !== undefined) this.assembler.merge(group, pending.group!);
  }

  /** Where an exchange stands that is to be a parent; undefined where there is no span of it. */
  readonly #placed = (pending: Pending): SpanContext | undefined => {
    // What is a parent now has to become a span, so this is decided now even if the exchange is still open.
    if (pending.dropped || pending.hop?.dropped === true || this.#suppresses(pending)) return undefined;
    return this.#place(pending);
  };

  #suppresses(pending: Pending): boolean {
    if (pending.suppressed || pending.placement !== undefined) return pending.suppressed;
    if (this.#options.suppresses?.(pending.exchange) !== true) return false;
    pending.suppressed = true;
    pending.dropped = true;
    return true;
  }

  /** Gives an exchange its ids and its parent, once. */
  #place(pending: Pending): SpanContext {
    if (pending.placement !== undefined) return pending.placement.context;
    const found = this.#findParent(pending);
    const parent = found !== undefined && this.#isSure(found) ? found : undefined;
    const key = this.#idKey(pending);
    const spanId = pending.exchange.role === 'client' ? clientSpanId(key) : serverSpanId(key);
    const { traceId, incomingFlags, traceState, shed } =
      parent === undefined ? rootContext(pending, key, spanId) : parent.context;
    const context: SpanContext = {
      traceId,
      spanId,
      incomingFlags,
      traceState,
      shed: shed ?? !isInShare(traceId, this.exportedShare),
    };
    pending.placement = { context, parent, method: found?.method, candidate: parent ? undefined : found };
    return context;
  }

  #isSure({ confidence, heldBack }: Parent): boolean {
    return confidence >= this.#minConfidence && heldBack !== true;
  }

  #findParent(pending: Pending): (Parent & { method: string }) | undefined {
    for (const strategy of this.#strategies) {
      const parent = strategy.parentOf(pending, this.#placed);
      if (parent !== undefined) return { method: strategy.name, ...parent };
    }
    return undefined;
  }

  #idKey({ exchange, hop }: Pending): IdKey {
    if (hop?.key.kind === 'tcp') return hop.key;
    if (hop !== undefined) return occurrenceKey(this.#seed, hop.key, exchange.startNs);
    const { sock, inode, netns } = exchange.connection;
    const key = localKey(this.#seed, sock, inode, netns, exchange.requestPosition);
    // A socket without a count of its bytes may give two requests one position.
    return occurrenceKey(this.#seed, { kind: 'tcp', high: key.high, low: key.low }, exchange.startNs);
  }

  /** Makes the spans of a trace; false while the identity of one of its services may still become known. */
  #release(trace: Pending[], last: boolean): boolean {
    for (const pending of trace) {
      if (!last && this.#isWaiting(pending)) return false;
      if (pending.resource !== undefined) continue;
      const { tgid, processStartNs } = pending.exchange;
      const resource = last
        ? this.#options.identifyNow(tgid, processStartNs)
        : this.#options.identify(tgid, processStartNs);
      if (resource === 'pending') return false;
      pending.resource = resource;
    }
    for (const pending of trace) this.#judge(pending);
    // As long as it may become: most traces are of two spans, for which push() reserves room for 17.
    const spans = new Array<Span>(trace.length);
    let made = 0;
    for (const pending of trace) {
      const span = this.#finish(pending);
      if (span !== undefined) spans[made++] = span;
    }
    for (const pending of trace) {
      pending.via = pending.batch = undefined;
      pending.awaitsWake = false;
      if (pending.hop !== undefined) this.hops.left(pending.hop, pending, this.#nowNs);
      this.inbound.left(pending, this.#nowNs);
    }
    if (made === 0) return true;
    spans.length = made;
    this.#options.onTrace(spans);
    return true;
  }

  /** Whether more may become known of its parent. */
  #isWaiting(pending: Pending): boolean {
    if (this.remoteEnds.isWaiting(pending)) return true;
    if (pending.exchange.endNs + this.#proofWaitNs <= this.#nowNs) return false;
    return isUndecided(pending) || (!isNamed(pending) && !this.origins.isSettled(pending));
  }

  /** Whether the span of an exchange will be made; undefined while that cannot be said. */
  #isKept(pending: Pending): boolean | undefined {
    const { exchange } = pending;
    const { identify, drops, keepsOpen } = this.#options;
    if (this.#suppresses(pending)) return false;
    if (pending.open) return drops === undefined || keepsOpen?.(exchange) === true || undefined;
    if (pending.resource === undefined) {
      const resource = identify(exchange.tgid, exchange.processStartNs);
      if (resource === 'pending') return undefined;
      pending.resource = resource;
    }
    this.#judge(pending);
    return !pending.dropped && pending.hop?.dropped !== true;
  }

  /** Route and filters, for all ends of a trace before any span is made: a rule at one end may drop both. */
  #judge(pending: Pending): void {
    if (pending.judged) return;
    pending.judged = true;
    const { exchange } = pending;
    const description = (pending.description ??= this.#options.describe(exchange));
    const resource = pending.resource!;
    pending.route = this.#options.routeOf?.(exchange, description, resource);
    const drop = this.#options.drops?.(exchange, description, resource, pending.route?.route);
    if (drop === undefined) {
      this.#suppresses(pending);
      return;
    }
    pending.dropped = true;
    pending.suppressed = false;
    if (drop === 'request' && pending.hop !== undefined) pending.hop.dropped = true;
  }

  #finish(pending: Pending): Span | undefined {
    const { hop, suppressed } = pending;
    const { exchanges, spans } = this.#options;
    if ((pending.dropped && !suppressed) || hop?.dropped === true) {
      pending.dropped = true;
      this.remoteEnds.dropped(pending);
      exchanges.lost.filtered++;
      return undefined;
    }
    if (suppressed) {
      this.#tell(pending, undefined);
      this.remoteEnds.dropped(pending);
      exchanges.lost.instrumented++;
      return undefined;
    }
    const context = this.#place(pending);
    this.remoteEnds.leaving(pending);
    this.links.add(pending);
    this.residual.left(pending);
    exchanges.out++;
    spans.in++;
    const isSampled = this.#samples(context);
    const isKept = isSampled && context.shed !== true;
    this.#tell(pending, isKept ? context : undefined);
    // Rejected spans are counted as made, but making them would be work for nothing.
    if (!isKept) {
      spans.lost[isSampled ? 'shed' : 'sampled_out']++;
      return undefined;
    }
    return buildSpan(pending, pending.placement!);
  }

  #samples({ traceId, incomingFlags }: SpanContext): boolean {
    return this.#sampler.keeps(traceId, incomingFlags);
  }

  /** `span`: where it stands that is exported. */
  #tell(pending: Pending, span: SpanContext | undefined): void {
    const { exchange, resource, description, route, suppressed } = pending;
    this.#options.onRequest?.({
      service: resource!,
      peer: peerOf(pending),
      exchange,
      description: description!,
      route: route?.route,
      name: nameOf(pending),
      durationNs: durationOf(exchange),
      suppressed,
      span,
    });
  }
}

/** Who is at the other end, where that is counted, too. */
function peerOf({ exchange, hop }: Pending): ServiceResource | undefined {
  const other = exchange.role === 'client' ? hop?.server : hop?.client;
  return other === undefined || (other.dropped && !other.suppressed) ? undefined : other.resource;
}

/** Something may still be said of it that no rule has said. */
function isUndecided({ residual, origin, placement }: Pending): boolean {
  return residual === 'waits' && origin === undefined && placement === undefined;
}

/** Its request says where it belongs. */
function isNamed({ match, traceContext }: Pending): boolean {
  return match !== undefined || (traceContext !== undefined && namesSpan(traceContext));
}

/** Of a span without a parent. A header may name the trace all the same, or decide that it is sampled. */
function rootContext({ traceContext }: Pending, key: IdKey, spanId: string): SpanContext {
  return {
    traceId: traceContext?.traceId ?? rootTraceId(key),
    spanId,
    incomingFlags: traceContext?.incomingFlags ?? NO_CONTEXT,
    traceState: traceContext?.traceState,
  };
}
