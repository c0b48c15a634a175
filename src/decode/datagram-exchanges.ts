import { SlotMap } from '../base/slot-map.ts';
import { Direction, type DataRecord } from '../capture/records.gen.ts';
import { remoteText } from '../connection/address.ts';
import type { Connection } from '../connection/connection.ts';
import type { Reading } from '../connection/thread-table.ts';
import type { Ending } from '../connection/tracked-connection.ts';
import type { ConversationOwner } from './conversation-owner.ts';
import type { Datagram, DatagramDecoder } from './decoder.ts';
import { endWithConnection } from './ending.ts';
import { datagramHopKey } from './hop.ts';
import { answerOf, LiveExchange, type FirstByte } from './live-exchange.ts';

/** Requests of a socket that are remembered to tell equal ones apart. */
const MAX_ASKED = 256;

/**
 * The exchanges of one datagram socket. A socket may talk to any number of others, so an exchange has the peer of its own datagrams, and is known
 * by that and the id within the messages. A request that comes again while it is open is the same request.
 */
export class DatagramExchanges<S> {
  readonly decoder: DatagramDecoder;
  readonly #owner: ConversationOwner<S>;
  /** Oldest first; undefined from when the socket comes to rest until something is asked. */
  #open: SlotMap<string, LiveExchange> | undefined = undefined;
  /** Requests seen by hop key, to tell equal ones apart; undefined until there are some. */
  #asked: Map<number, number> | undefined = undefined;

  constructor(owner: ConversationOwner<S>, decoder: DatagramDecoder) {
    this.#owner = owner;
    this.decoder = decoder;
  }

  get open(): readonly LiveExchange[] {
    return [...(this.#open?.values() ?? [])];
  }

  get busy(): boolean {
    return this.#open !== undefined && this.#open.size > 0;
  }

  /** Keeps no more than it has to while nothing happens. Returns false while something is open. */
  rest(): boolean {
    if (this.busy) return false;
    this.#open = undefined;
    return true;
  }

  /** Returns the exchange that the datagram belongs to; undefined if there is none. */
  take(record: DataRecord, datagram: Datagram, reason: Reading | undefined): LiveExchange | undefined {
    const key = `${remoteText(record)} ${record.remotePort} ${datagram.id}`;
    const sends = record.direction === Direction.send;
    const known = this.#open?.get(key);
    if (datagram.isRequest) return known ?? this.#ask(record, key, datagram, sends, reason);
    const { context, connection } = this.#owner;
    if (known === undefined || (known.role === 'client') === sends) {
      context.orphan(connection);
      return undefined;
    }
    known.response = datagram.message;
    known.answered = true;
    if (sends) known.answer = answerOf({ tid: record.tid, turn: record.turn, reason });
    this.#close(key, known, record.timeNs);
    return known;
  }

  /** Returns true while something is open. */
  onIdle(nowNs: number, timeoutNs: number): boolean {
    for (const [key, exchange] of this.#open?.entries() ?? []) {
      if (nowNs - exchange.startNs < timeoutNs) break;
      exchange.failure = 'timeout';
      this.#close(key, exchange, exchange.startNs + timeoutNs);
    }
    return this.busy;
  }

  /** A socket that is closed before the answer has waited as long as its owner wanted to. */
  onEnd(ending: Ending): void {
    for (const [key, exchange] of this.#open?.entries() ?? []) {
      endWithConnection(exchange, this.#owner.connection, ending);
      if (exchange.failure === 'connection_closed') exchange.failure = 'timeout';
      this.#close(key, exchange, exchange.endNs);
    }
  }

  #ask(
    record: DataRecord,
    key: string,
    { message }: Datagram,
    sends: boolean,
    reason: Reading | undefined,
  ): LiveExchange {
    const { context, connection } = this.#owner;
    this.#makeRoom(record.timeNs);
    if (!sends) connection.accepted = true;
    const first: FirstByte = {
      position: record.position,
      startNs: record.enterNs || record.timeNs,
      timeNs: record.timeNs,
      tgid: record.tgid,
      tid: record.tid,
      processStartNs: record.startNs,
      turn: record.turn,
      reason,
      flags: record.flags,
    };
    const hop = datagramHopKey(record, sends, (equal) => this.#ordinal(equal));
    const peer = withPeer(connection, record);
    const exchange = new LiveExchange(
      this.decoder.name,
      sends ? 'client' : 'server',
      peer,
      first,
      message,
      hop,
    );
    (this.#open ??= new SlotMap()).set(key, exchange);
    this.#owner.exchanges++;
    context.opened(exchange);
    return exchange;
  }

  /** Of a socket that is never idle, the oldest are looked at where another is added. */
  #makeRoom(nowNs: number): void {
    const { maxOpen, exchangeTimeoutNs } = this.#owner.context;
    const open = this.#open;
    if (open === undefined) return;
    for (const [key, exchange] of open.entries()) {
      const late = nowNs - exchange.startNs >= exchangeTimeoutNs;
      if (!late && open.size < maxOpen) return;
      if (late) exchange.failure = 'timeout';
      else exchange.incomplete = 'response_lost';
      this.#close(key, exchange, late ? exchange.startNs + exchangeTimeoutNs : nowNs);
    }
  }

  /** How many requests had this key before. */
  #ordinal(key: number): number {
    const asked = (this.#asked ??= new Map<number, number>());
    const before = asked.get(key) ?? 0;
    if (asked.size >= MAX_ASKED) asked.delete(asked.keys().next().value!);
    asked.set(key, before + 1);
    return before;
  }

  #close(key: string, exchange: LiveExchange, endNs: number): void {
    exchange.endNs = Math.max(exchange.startNs, endNs);
    this.#open?.delete(key);
    this.#owner.context.closed(exchange);
  }
}

/** The socket as it is between it and the peer of one datagram. */
function withPeer(connection: Connection, record: DataRecord): Connection {
  const { id, sock, inode, netns, transport, accepted, localAddress, localPort } = connection;
  const { txFirst, rxFirst, peer, tgid, processStartNs } = connection;
  return {
    id,
    sock,
    inode,
    netns,
    transport,
    accepted,
    localAddress,
    localPort,
    txFirst,
    rxFirst,
    peer,
    tgid,
    processStartNs,
    remoteAddress: remoteText(record),
    remotePort: record.remotePort,
  };
}
