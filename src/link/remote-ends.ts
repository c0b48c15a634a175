import type { DirectoryEntry } from '../directory/directory.ts';
import type { Hop, Pending, SpanContext } from './pending.ts';
import { namesSpan } from './context/context.ts';
import { directoryKey, entryOf, parseEntry } from './directory-entry.ts';
import type { Origins } from './origins.ts';
import { Rounds } from './rounds.ts';

const MS = 1_000_000;
/**
 * When a client span is looked at, after its request was sent. The server's records come before the response does, so that soon after the
 * request it is known whether the server is on this host.
 */
const OPEN_CLIENT_NS = [20, 50, 100, 200, 400, 1000].map((ms) => ms * MS);
/** The same once the response is there. */
const CLOSED_CLIENT_NS = [0, 50 * MS];
/** When a client span that has ended is published although its own parent is not certain yet: its server must not wait longer. */
const CLIENT_WAIT_NS = 150 * MS;
/**
 * How long a span below waits for a server span's place, from when its request was read and from when its response was sent. By then the agent of its
 * client has published, if there is one; its place is then fixed as the root that it seems to be.
 */
const OPEN_HOPE_NS = 300 * MS;
const CLOSED_HOPE_NS = 250 * MS;
/**
 * When the directory is asked for the client of a server span, after the request was read, and once more when the response has been sent. Whoever
 * asks does so for half a second, whatever this agent's clock does meanwhile; the last is well below what an entry lives.
 */
const OPEN_SERVER_NS = [50, 600, 1200, 3000].map((ms) => ms * MS);
/** Ends of either kind that are looked after at once. */
const DEFAULT_MAX = 16_384;

/** What crosses the border to other hosts. A replay has nobody to tell: its answers are in the recording. */
export interface RemoteMail {
  publish(entry: DirectoryEntry): void;
  lookUp(key: string): void;
}

/** What the linker decides. */
export interface RemoteEndsOptions {
  origins: Origins;
  minConfidence: number;
  /** For an answer, after the end of a server span. */
  waitNs: number;
  mail: RemoteMail | undefined;
  place: (pending: Pending) => SpanContext;
  /** Whether its span will be made; undefined while that is not known. */
  isKept: (pending: Pending) => boolean | undefined;
  /** Whether the sampler lets it go out. */
  isSampled: (context: SpanContext) => boolean;
  /** The client of a server's hop is known now. */
  onFound: (pending: Pending, context: SpanContext) => void;
  max?: number;
}

/**
 * Requests of which only one end is on this host. The client's agent publishes the trace context of its span under the hop key, which fixes it; the
 * server's agent asks for it until its span leaves. Nothing is done before the first record of a directory.
 *
 * What is decided here follows from records alone, as everywhere: a replay places the same spans at the same time, and tells nobody.
 */
export class RemoteEnds {
  readonly counts = {
    /** Answers for spans that had left without. */
    late: 0,
    /** Answers that no agent wrote. */
    invalid: 0,
    /** Ends that were not looked after for want of room. */
    overflows: 0,
  };
  readonly #options: RemoteEndsOptions;
  readonly #max: number;
  #on = false;
  #nowNs = 0;
  #clients = 0;
  readonly #openClients = new Rounds<Pending>(OPEN_CLIENT_NS);
  readonly #closedClients = new Rounds<Pending>(CLOSED_CLIENT_NS);
  readonly #openServers = new Rounds<Pending>(OPEN_SERVER_NS);
  /** Those whose response was sent since the last clock. */
  #closedServers: Pending[] = [];
  /** Servers that ask, by the key they ask for. */
  readonly #asking = new Map<string, Pending>();

  constructor(options: RemoteEndsOptions) {
    this.#options = options;
    this.#max = options.max ?? DEFAULT_MAX;
  }

  opened(pending: Pending): void {
    if (!this.#on || !mayBeRemote(pending)) return;
    if (pending.exchange.role === 'client') {
      if (this.#clients >= this.#max) return this.#overflow();
      this.#clients++;
      pending.remote = 'waits';
      this.#openClients.add(pending, 0, this.#nowNs);
    } else {
      if (this.#asking.size >= this.#max) return this.#overflow();
      pending.remote = 'waits';
      this.#asking.set(directoryKey(pending.hop!), pending);
      this.#openServers.add(pending, 0, this.#nowNs);
    }
  }

  /** The response is there: whatever it was waiting for is nearer now. */
  closed(pending: Pending): void {
    if (pending.remote !== 'waits') return;
    if (pending.exchange.role === 'client') this.#closedClients.add(pending, 0, this.#nowNs);
    else this.#closedServers.push(pending);
  }

  /** The exchange was lost. */
  dropped(pending: Pending): void {
    this.#forget(pending);
  }

  /** Its span is being made: a last chance to tell of it. */
  leaving(pending: Pending): void {
    if (pending.remote !== 'waits') return;
    if (pending.exchange.role === 'client' && this.#isAway(pending)) this.#publish(pending);
    else this.#forget(pending);
  }

  clock(nowNs: number): void {
    this.#nowNs = nowNs;
    if (!this.#on) return;
    this.#openClients.due(nowNs, (pending, round) => {
      if (pending.open && !this.#tell(pending)) this.#openClients.add(pending, round + 1, nowNs);
    });
    this.#closedClients.due(nowNs, (pending) => {
      if (!this.#tell(pending)) this.#closedClients.add(pending, 1, nowNs);
    });
    this.#openServers.due(nowNs, (pending, round) => {
      if (pending.open && this.#ask(pending)) this.#openServers.add(pending, round + 1, nowNs);
    });
    for (const pending of this.#closedServers) if (this.#ask(pending)) pending.askedNs = nowNs;
    this.#closedServers = [];
  }

  /**
   * Whether an answer may still come for a server span that has ended. The wait begins with the clock at which it was asked for: what an agent reads
   * late, since its host had other work, has not waited yet.
   */
  isWaiting({ remote, open, exchange, placement, askedNs }: Pending): boolean {
    if (remote !== 'waits' || open || placement !== undefined || exchange.role !== 'server') return false;
    return askedNs !== undefined && askedNs + this.#options.waitNs > this.#nowNs;
  }

  /** A record of the directory. */
  answered(entries: readonly DirectoryEntry[]): void {
    this.#on = true;
    for (const entry of entries) this.#onAnswer(entry);
  }

  #onAnswer(entry: DirectoryEntry): void {
    const pending = this.#asking.get(entry.key);
    if (pending === undefined || !isOpenQuestion(pending)) {
      this.counts.late++;
      return;
    }
    const context = parseEntry(entry);
    if (context === undefined) {
      this.counts.invalid++;
      return;
    }
    this.#forget(pending);
    pending.hop!.remote = context;
    this.#options.onFound(pending, context);
  }

  /** True when there is nothing left to do for this client. */
  #tell(pending: Pending): boolean {
    if (pending.remote !== 'waits') return true;
    const kept = this.#isAway(pending) && this.#options.isKept(pending);
    if (kept === undefined) return false;
    if (!kept) {
      this.#forget(pending);
      return true;
    }
    if (!this.#isCertain(pending) && !this.#isOverdue(pending)) return false;
    this.#publish(pending);
    return true;
  }

  /** True while the answer is still of use. */
  #ask(pending: Pending): boolean {
    if (pending.remote !== 'waits') return false;
    if (!isOpenQuestion(pending)) {
      this.#forget(pending);
      return false;
    }
    this.#options.mail?.lookUp(directoryKey(pending.hop!));
    return true;
  }

  #publish(pending: Pending): void {
    this.#forget(pending);
    const context = this.#options.place(pending);
    this.#options.mail?.publish(entryOf(pending.hop!, context, this.#options.isSampled(context)));
  }

  #forget(pending: Pending): void {
    if (pending.remote !== 'waits') return;
    pending.remote = 'done';
    if (pending.exchange.role === 'client') this.#clients--;
    else this.#asking.delete(directoryKey(pending.hop!));
  }

  #overflow(): void {
    this.counts.overflows++;
  }

  /** Nothing has been heard of the server on this host. */
  #isAway({ hop }: Pending): boolean {
    return hop!.server === undefined && !hop!.serverLeft;
  }

  /** The wait is over, unless an answer about what it hangs on may still come: that would break the trace in another place. */
  #isOverdue(pending: Pending): boolean {
    return (
      !pending.open && pending.exchange.endNs + CLIENT_WAIT_NS <= this.#nowNs && !this.#waitsAbove(pending)
    );
  }

  /** Whether the place of a span would not change by what may still become known. */
  #isCertain(pending: Pending): boolean {
    const { placement, hop, match, origin, residual } = pending;
    if (placement !== undefined) return true;
    if (pending.exchange.role === 'server') {
      if (hop?.client !== undefined) return hop.client.dropped || this.#isCertain(hop.client);
      return !this.#mayBeAnswered(pending);
    }
    if (match !== undefined)
      return match.inbound.pending === undefined || this.#isCertain(match.inbound.pending);
    if (origin === undefined) return (!pending.awaitsWake && residual !== 'waits') || hasContext(pending);
    if (origin.dropped || hasContext(pending)) return true;
    const { origins, minConfidence } = this.#options;
    const link = origins.linkOf(pending);
    if (link === undefined || link.confidence < minConfidence) return origins.isSettled(pending);
    return this.#isCertain(origin);
  }

  #mayBeAnswered({ remote, open, exchange }: Pending): boolean {
    if (remote !== 'waits' || exchange.startNs + OPEN_HOPE_NS <= this.#nowNs) return false;
    return open || exchange.endNs + CLOSED_HOPE_NS > this.#nowNs;
  }

  /** Whether one of those it hangs on asks for its client. */
  #waitsAbove(pending: Pending): boolean {
    if (pending.placement !== undefined) return false;
    if (pending.exchange.role === 'server') {
      const client = pending.hop?.client;
      return client === undefined ? this.#mayBeAnswered(pending) : this.#waitsAbove(client);
    }
    const above = pending.match?.inbound.pending ?? pending.origin;
    return above !== undefined && this.#waitsAbove(above);
  }
}

/** Whether the other end can be on another host, and would not be found by what the request itself says. */
function mayBeRemote(pending: Pending): boolean {
  const { hop, exchange } = pending;
  if (hop === undefined || hop.key.kind !== 'tcp' || hasContext(pending)) return false;
  if (otherEndSeen(hop, exchange.role === 'client')) return false;
  const { localAddress, remoteAddress } = exchange.connection;
  return remoteAddress !== localAddress && !isLoopback(remoteAddress);
}

/** Whether an answer would still change something. */
function isOpenQuestion({ placement, hop }: Pending): boolean {
  return placement === undefined && !otherEndSeen(hop!, false);
}

function otherEndSeen({ client, clientLeft, server, serverLeft }: Hop, isClient: boolean): boolean {
  return isClient ? server !== undefined || serverLeft : client !== undefined || clientLeft !== undefined;
}

function hasContext({ traceContext }: Pending): boolean {
  return traceContext !== undefined && namesSpan(traceContext);
}

function isLoopback(address: string): boolean {
  return address === '::1' || /^(?:::ffff:)?127\./.test(address);
}
