import type { Chained } from '../base/chained-table.ts';
import type { Reading } from '../connection/thread-table.ts';
import type { Description, Exchange, HopKey } from '../decode/exchange.ts';
import type { RouteMatch } from '../enrich/route.ts';
import type { ServiceResource } from '../enrich/resource.ts';
import type { ClockPair } from './clock.ts';
import type { IncomingContext } from './context/context.ts';
import type { Inbound, Match } from './inbound-index.ts';
import type { Guess } from './residual/matcher.ts';
import type { Serving } from './serving.ts';

/** Where a span stands: what its children need to know of it. */
export interface SpanContext {
  readonly traceId: string;
  readonly spanId: string;
  /** Flags of the trace context that came with the request that this trace hangs on, NO_CONTEXT if there was none or it said nothing. */
  readonly incomingFlags: number;
  readonly traceState: string | undefined;
  /** Whether its trace is left out because the agent is above its limits: decided where the trace begins here. Undefined of what other hosts said. */
  readonly shed?: boolean;
}

/** A span's parent, as a strategy found it. */
export interface Parent {
  readonly context: SpanContext;
  /** Named in a message, not seen on this host. */
  readonly remote: boolean;
  /** 0 to 1. */
  readonly confidence: number;
  /** It is to be no parent, however sure it is: it would be one doubtful parent too many. */
  readonly heldBack?: boolean;
  /** What `undertrace.link.method` says, where it is not the strategy's name. */
  readonly method?: string;
}

/** What the strategies made of one exchange. */
export interface Placement {
  readonly context: SpanContext;
  readonly parent: Parent | undefined;
  /** Name of the strategy that found the parent, or the candidate. */
  readonly method: string | undefined;
  /** What would be the parent, were it sure enough, or not held back. */
  readonly candidate: Parent | undefined;
}

/** One exchange on its way to becoming a span. */
export class Pending {
  readonly exchange: Exchange;
  hop: Hop | undefined;
  /** Another exchange stands at its end of its hop. */
  duplicate = false;
  /** Set from the moment it has been admitted. */
  group: Group | undefined;
  /** Set when the exchange is closed. */
  clock: ClockPair | undefined;
  /** From here on: set when the span is made, or before. */
  description: Description | undefined;
  /** Trace context of its own request, where there is no hop to keep it. */
  header: IncomingContext | undefined;
  /** Of a server: where requests that its process sends on find it, if there is anything to find it by. */
  inbound: Inbound | undefined;
  /** Of a client: the request that its process serves and passes on with it. */
  match: Match | undefined;
  placement: Placement | undefined;
  resource: ServiceResource | undefined;
  route: RouteMatch | undefined;
  /** There is no span of it. */
  dropped = false;
  /** Dropped because its process makes spans of its own. */
  suppressed = false;
  /** Route and filters have been looked at. */
  judged = false;
  /** Its other end may be on another host: still looked after, or not any more. */
  remote: 'waits' | 'done' | undefined;
  /** Server: when the directory was asked for its client after its end. */
  askedNs: number | undefined;
  open = true;
  /** What its process serves; undefined where that is nothing. */
  serving: Serving | undefined;
  /** Client: the request for which it was sent, as far as rules tell, and the rules that do so, as bits of their places in the list. */
  origin: Pending | undefined;
  rules = 0;
  /** Client: the call whose response was the reason for this one, while that has not left. */
  via: Pending | undefined;
  /** Client: what the thread had received, where that was several messages and this is held for what the one in its place has led to. */
  batch: Reading | undefined;
  /** Client: what is found out without a rule, or whether that is still to come. */
  residual: Guess | 'waits' | undefined;
  /** Client: its response led to the response of its origin, or to that of another request. */
  confirmed = false;
  doubted = false;
  /** Client: its response may yet be seen to wake the thread that it was made for; its group waits for that once it has been closed. */
  awaitsWake = false;
  /** Client: its result was handed to another thread: what the one that read the response does next is not because of it. */
  handedOver = false;
  /** Server: calls with it as their origin; of these, calls of a pool. */
  calls = 0;
  completions = 0;
  /** Server: its response was found to be its own by the rules, or another's. */
  passed = false;
  failed = false;
  /** Server: no other request of the process was open with it; its number there. */
  alone = false;
  serial = 0;
  /** Server: among the open requests of its thread. */
  place = 0;

  constructor(exchange: Exchange) {
    this.exchange = exchange;
  }

  /** The trace context that the request carries: both ends of a hop see the same bytes. */
  get traceContext(): IncomingContext | undefined {
    return this.hop === undefined ? this.header : this.hop.header;
  }
}

/** The two ends of one request. It stays for a while after its spans have left, so that an end that comes late still finds its place. */
export class Hop implements Chained<Hop> {
  readonly key: HopKey;
  readonly hash: number;
  client: Pending | undefined;
  server: Pending | undefined;
  /** The end has left: where it stood, for the other one. */
  clientLeft: SpanContext | 'dropped' | undefined;
  serverLeft = false;
  header: IncomingContext | undefined;
  /** Where the client span stands that another host has published. */
  remote: SpanContext | undefined;
  /** A rule about the request itself, not about one end, drops it: then both ends go. */
  dropped = false;
  expiresNs = 0;
  chained: Hop | undefined;
  /** The key in hexadecimal, once made. */
  id: string | undefined;

  constructor(key: HopKey, hash: number) {
    this.key = key;
    this.hash = hash;
  }
}

/** Shared by all groups without a closed exchange; never changed. */
export const NO_PENDING: Pending[] = [];

/** Exchanges of one trace that leave together. */
export class Group {
  /** Closed ones that have not left. Replaced, not emptied: most groups hold two, for which a literal is a fifth of what push() reserves. */
  closed: Pending[] = NO_PENDING;
  open = 0;
  /** Hops of which one end only has been seen, by that end. */
  loneClients = 0;
  loneServers = 0;
  /** Closed clients of which it may yet be found out for whom they were sent. */
  unexplained = 0;
  deadlineNs = 0;
  /** In one of the linker's queues. */
  queued = false;
  ready = false;
  /** Trace id that came in a header, under which other exchanges may join. */
  traceId: string | undefined;
  mergedInto: Group | undefined;

  get complete(): boolean {
    return this.open === 0 && this.loneClients === 0 && this.loneServers === 0 && this.unexplained === 0;
  }
}

/** The group that a group has become part of. */
export function currentGroup(group: Group): Group {
  let current = group;
  while (current.mergedInto !== undefined) current = current.mergedInto;
  return current;
}

/** The exchange whose bytes a thread received, or the one for which what it received had been asked. */
export function readBy(reason: Reading | undefined): Pending | undefined {
  return noteOf(reason?.exchange ?? reason?.askedBy?.exchange);
}

/** The same of something that was sent when several messages had been received at once: the one whose place it has among what was sent. */
export function readAt(reason: Reading | undefined, place: number): Pending | undefined {
  const exchanges = reason?.exchange;
  return Array.isArray(exchanges) ? noteOf(exchanges[place]) : undefined;
}

/** The linker's own note on an exchange. */
export function noteOf(exchange: unknown): Pending | undefined {
  return (exchange as Exchange | undefined)?.note as Pending | undefined;
}
