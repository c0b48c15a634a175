import type { Stage } from '../base/ledger.ts';
import type { LossReason } from '../base/losses.ts';
import {
  Direction,
  Event,
  Flag,
  PositionKind,
  ConnectionRecord,
  type DataRecord,
  type ElisionRecord,
  type WakeRecord,
} from '../capture/records.gen.ts';
import { unixName } from './address.ts';
import { SocketMap } from './socket-map.ts';
import { Arrival, type Stream } from './stream.ts';
import { ask, type Reading, ThreadTable } from './thread-table.ts';
import { TrackedConnection, type Closing, type Ending } from './tracked-connection.ts';
import { UseOrder } from './use-order.ts';
import { alignUnix } from './unix-alignment.ts';

export interface TableOptions {
  /** Connections kept; the least recently used one makes room. */
  maxConnections?: number;
  /** Payload bytes one connection may keep while it waits for the rest of a message. */
  connectionBuffer?: number;
  /** A connection without records for so long, and without open exchanges, is forgotten. */
  idleNs?: number;
  /** A thread that does nothing for so long does nothing because of what it received before. */
  exchangeTimeoutNs?: number;
  /** How often idle connections and threads are looked for. */
  sweepNs?: number;
}

/** What decoding does with streams. All calls come from within a call of the table and must not call it back. */
export interface StreamConsumer<S> {
  /**
   * New bytes, a new gap or the end of a hole in `stream`; what the consumer does not use up is kept. Returns the exchange that the bytes belong to,
   * undefined where there is none, or more than one.
   */
  onBytes(connection: TrackedConnection<S>, stream: Stream): unknown;
  /** One datagram; `reason`: why it was sent, if that is known. Returns the exchange that it belongs to, if it is one, or why it is lost. */
  onDatagram(
    connection: TrackedConnection<S>,
    record: DataRecord,
    reason: Reading | undefined,
  ): object | LossReason<'delivered'> | undefined;
  /** A record of a connection that is opaque: counted as lost, its payload is not kept. */
  onOpaque(connection: TrackedConnection<S>, record: DataRecord): void;
  /** The bytes between the stream's end and what waits behind are lost. The consumer must call `dropSeen` and `crossHole`. */
  onHole(connection: TrackedConnection<S>, stream: Stream): void;
  /** A drain ended while the connection asked to be looked at again. Returns true to be looked at after the next one, too. */
  onTick(connection: TrackedConnection<S>, tick: number): boolean;
  /** No more bytes will come in this direction. */
  onStreamEnd(connection: TrackedConnection<S>, stream: Stream): void;
  /** The connection is over; its streams are cleared afterwards. */
  onEnd(connection: TrackedConnection<S>, ending: Ending): void;
  /** The table was full: the connection is forgotten with all that is open on it. */
  onEvicted(connection: TrackedConnection<S>): void;
  /** The connection has been without records since `connection.lastNs`. Returns true if something is still open on it. */
  onIdle(connection: TrackedConnection<S>, nowNs: number): boolean;
  /** The connection is over, or evicted, and all that was on it has been counted. */
  onForgotten(connection: TrackedConnection<S>): void;
  /** Nothing happens on the connection now: lets go of its streams if it can. Returns true if it holds none. */
  rest(connection: TrackedConnection<S>): boolean;
}

/** Data records may come after the record of their connection's end: it takes effect when the drain has ended this often. */
const LATE_TICKS = 2;
/** How long after close(2) data by another holder of the socket would show that it is still open. */
const CLOSE_GRACE_NS = 100e6;
/** Who asked on a connection that nobody decodes is remembered for so long without an answer: it holds what he asked for. */
const ANSWER_NS = 60e9;
/** TCP states in which the own end is not closed: ESTABLISHED, SYN_SENT, SYN_RECV, CLOSE_WAIT, and 0 for unknown. */
const OPEN_STATES = new Set([0, 1, 2, 3, 8]);
const ERRNO_ENDINGS: Readonly<Record<number, Ending>> = { 104: 'reset', 32: 'reset', 110: 'timed_out' };
const EINPROGRESS = 115;
const ENDS_BYTES = 8;

/**
 * All connections of the host, one entry an end, by kernel socket. An address is reused within milliseconds, so the inode is compared with
 * every record; another inode means that the old connection is over.
 *
 * Books (stage `delivered`): `in` for every data record taken, `out` when its last byte was used, a loss where it was given up; what is kept
 * is counted by looking. They balance after every call.
 */
export class ConnectionTable<S> {
  readonly #stage: Stage<LossReason<'delivered'>>;
  readonly #threads = new ThreadTable();
  readonly #consumer: StreamConsumer<S>;
  readonly #byAddress = new SocketMap<TrackedConnection<S>>();
  readonly #maxConnections: number;
  readonly #connectionBuffer: number;
  readonly #idleNs: number;
  readonly #exchangeTimeoutNs: number;
  readonly #sweepNs: number;
  readonly #byUse = new UseOrder<TrackedConnection<S>>();
  #last: TrackedConnection<S> | undefined = undefined;
  #revisit: Array<TrackedConnection<S>> = [];
  readonly #exited = new Set<number>();
  #nextId = 1;
  #tick = 1;
  #nowNs = 0;
  #sweptNs = 0;
  /** Connections opened, evicted and expired since the start; failed handshakes by errno. */
  readonly counters = {
    opened: 0,
    evicted: 0,
    expired: 0,
    connectFailures: {} as Record<number, number>,
  };

  constructor(
    stage: Stage<LossReason<'delivered'>>,
    consumer: StreamConsumer<S>,
    options: TableOptions = {},
  ) {
    this.#stage = stage;
    this.#consumer = consumer;
    this.#maxConnections = options.maxConnections ?? 65_536;
    this.#connectionBuffer = options.connectionBuffer ?? 65_536;
    this.#idleNs = options.idleNs ?? 900e9;
    this.#exchangeTimeoutNs = options.exchangeTimeoutNs ?? 60e9;
    this.#sweepNs = options.sweepNs ?? 1e9;
    stage.held = () => this.#held();
  }

  get size(): number {
    return this.#byAddress.size;
  }

  /** Time of the last `clock` record, or of what was seen since then; 0 before the first. */
  get nowNs(): number {
    return this.#nowNs;
  }

  /** Drains that have ended, plus one. */
  get tick(): number {
    return this.#tick;
  }

  /** Least recently used first. The table must not be changed meanwhile. */
  *connections(): IterableIterator<TrackedConnection<S>> {
    for (let c = this.#byUse.oldest; c; c = c.newer) yield c;
  }

  /** By the socket's kernel address. */
  find(sock: number): TrackedConnection<S> | undefined {
    return this.#byAddress.get(sock);
  }

  /** What the thread of a record received last, if that may be why it did what the record tells of. */
  reasonOf(record: WakeRecord): Reading | undefined {
    return this.#threads.reason(record);
  }

  onData(record: DataRecord): void {
    this.#stage.in++;
    if (record.timeNs > this.#nowNs) this.#nowNs = record.timeNs;
    let connection = this.#last;
    if (!connection || connection.sock !== record.sock || connection.inode !== record.inode) {
      connection = this.#lookUp(record);
      this.#last = connection;
    }
    this.#touch(connection, record.timeNs);
    connection.records++;
    connection.tgid = record.tgid;
    connection.processStartNs = record.startNs;
    if (connection.closing) this.#reopened(connection.closing, record);
    const reading = this.#follow(connection, record);
    if (connection.opaque) {
      this.#lose(connection, 'unrecognised', 1);
      this.#consumer.onOpaque(connection, record);
      return;
    }
    connection.refresh(record);
    if (record.positionKind === PositionKind.datagram) {
      this.#datagram(connection, record, reading);
      return;
    }
    if (record.gapEnd !== 0) this.#gap(connection, record);
    if (connection.transport === 'unix') alignUnix(connection, this.#peerOf(connection), record);
    this.#bytes(connection, record, reading);
  }

  /** What the record means to its thread: of a receive the reading, of a send why it was done. */
  #follow(connection: TrackedConnection<S>, record: DataRecord): Reading | undefined {
    const threads = this.#threads;
    const sends = record.direction === Direction.send;
    let reason = sends ? threads.reason(record) : undefined;
    if (sends && connection.connectReason !== undefined) {
      reason = connection.connectReason;
      connection.connectReason = undefined;
    }
    if (!connection.decoded) connection.asking ??= { asker: undefined, asked: false, shared: false };
    const { asking } = connection;
    if (asking === undefined) return sends ? reason : threads.received(record, connection, undefined);
    if (sends) {
      ask(asking, reason);
      return reason;
    }
    asking.asked = false;
    return threads.received(record, connection, asking.asker);
  }

  #bytes(connection: TrackedConnection<S>, record: DataRecord, reading: Reading | undefined): void {
    const direction = record.direction;
    const stream = direction === 0 ? connection.receive : connection.send;
    if (connection.runDirection !== direction) {
      connection.runDirection = direction;
      stream.runStart = record.position;
    }
    if (!stream.started) {
      if ((record.flags & Flag.fresh) !== 0) stream.start(0);
      else connection.before += record.position;
    }
    const keep = this.#mayKeep(connection, stream, record);
    const receives = direction === Direction.receive;
    const arrival = stream.push(record, keep, receives ? undefined : reading);
    if (arrival === Arrival.duplicate) this.#lose(connection, 'duplicate', 1);
    else if (!keep) this.#lose(connection, 'overflow', 1);
    const exchange = this.#arrived(connection, stream, arrival);
    if (receives) reading!.exchange = exchange;
    if (exchange !== undefined) connection.asking = undefined;
    if ((record.flags & Flag.eof) !== 0 && !stream.hasWaiting) this.#consumer.onStreamEnd(connection, stream);
    this.#settle(connection);
  }

  #datagram(connection: TrackedConnection<S>, record: DataRecord, reading: Reading | undefined): void {
    const receives = record.direction === Direction.receive;
    const found = this.#consumer.onDatagram(connection, record, receives ? undefined : reading);
    if (typeof found === 'string') {
      this.#lose(connection, found, 1);
      return;
    }
    if (receives) reading!.exchange = found;
    if (found !== undefined) connection.asking = undefined;
    this.#stage.out++;
  }

  /** Buffered bytes are counted only where there are any. */
  #mayKeep(connection: TrackedConnection<S>, stream: Stream, record: DataRecord): boolean {
    if (!stream.front && !stream.hasWaiting && record.position <= stream.end) return true;
    return connection.buffered + record.captured <= this.#connectionBuffer;
  }

  onConnection(record: ConnectionRecord): void {
    const event = record.event;
    if (event === Event.listen) return;
    if (this.#failed(record)) return;
    const begins = event === Event.connect || event === Event.accept || event === Event.established;
    const known = this.#byAddress.get(record.sock);
    const ends = event === Event.destroyed || event === Event.close || event === Event.shutdown;
    if (ends && (!known || !sameSocket(known, record.inode))) return;
    const connection = this.#lookUp(record, begins);
    this.#touch(connection, record.timeNs);
    if (record.gapEnd !== 0) this.#gap(connection, record);
    if (connection.transport === 'unix') this.#name(connection, ends ? undefined : record);
    if (begins && (connection.transport === 'tcp' || (record.flags & Flag.fresh) !== 0)) {
      connection.send.start(0);
      connection.receive.start(0);
    }
    this.#applyEvent(connection, record);
    this.#settle(connection);
  }

  #applyEvent(connection: TrackedConnection<S>, record: ConnectionRecord): void {
    switch (record.event) {
      case Event.accept:
        connection.accepted = true;
        break;
      case Event.connect:
        connection.accepted = false;
        connection.connectReason = this.#threads.reason(record);
        break;
      case Event.close:
        this.#closed(connection, record);
        noteEnds(connection, record);
        break;
      case Event.shutdown:
        this.#close(connection, record.timeNs, true);
        break;
      case Event.destroyed:
        this.#ending(connection, ERRNO_ENDINGS[-record.result] ?? 'closed', record.timeNs);
        noteEnds(connection, record);
        break;
      default:
    }
  }

  onElision(record: ElisionRecord): void {
    const connection = this.#byAddress.get(record.sock);
    if (!connection || !sameSocket(connection, record.inode)) return;
    this.#touch(connection, Math.max(connection.lastNs, record.gapNs));
    this.#gap(connection, record);
    this.#settle(connection);
  }

  /** The last thread of a process ended: the kernel closes its sockets with no system call. TCP tells by itself, unix sockets do not. */
  onProcessExit(tgid: number): void {
    this.#threads.onProcessExit(tgid);
    this.#exited.add(tgid);
  }

  /** A drain ended at `nowNs`. */
  onClock(nowNs: number): void {
    this.#nowNs = nowNs;
    this.#tick++;
    const due = this.#revisit;
    this.#revisit = [];
    for (const connection of due) {
      connection.revisit = false;
      if (this.#look(connection)) this.#await(connection);
    }
    if (nowNs - this.#sweptNs >= this.#sweepNs) {
      this.#sweep(nowNs, this.#sweptNs);
      this.#sweptNs = nowNs;
    }
  }

  /** Ends every connection: the capture is over, or nothing is told of what goes on for a while. */
  close(ending: 'shutdown' | 'paused'): void {
    for (let c = this.#byUse.oldest; c; c = this.#byUse.oldest) this.#finish(c, ending);
  }

  /** Asks for `onTick` when the drain ends. */
  awaitTick(connection: TrackedConnection<S>): void {
    this.#await(connection);
  }

  /** Counts records that a consumer gave up. */
  lose(connection: TrackedConnection<S>, reason: LossReason<'delivered'>, records: number): void {
    this.#lose(connection, reason, records);
  }

  #lose(connection: TrackedConnection<S>, reason: LossReason<'delivered'>, records: number): void {
    this.#stage.lost[reason] += records;
    connection.lose(reason, records);
  }

  /** Keeps own copies of what is left, books what was used, and puts away what is not needed until more comes. */
  #settle(connection: TrackedConnection<S>): void {
    this.#stage.out += connection.settle();
    if (this.#consumer.rest(connection)) connection.rest();
  }

  #gap(connection: TrackedConnection<S>, record: DataRecord | ConnectionRecord | ElisionRecord): void {
    if (connection.opaque) return;
    const stream = connection.stream(record.gapDirection);
    if (!stream.started) connection.before += record.gapEnd;
    this.#arrived(connection, stream, stream.pushGap(record.gapStart, record.gapEnd, record.gapNs));
  }

  /** The exchange that what arrived belongs to, if that can be told. */
  #arrived(connection: TrackedConnection<S>, stream: Stream, arrival: Arrival): unknown {
    if (arrival === Arrival.taken) return this.#consumer.onBytes(connection, stream);
    if (arrival === Arrival.waiting) {
      if (connection.waitTick === 0) connection.waitTick = this.#tick;
      this.#await(connection);
      if (stream.mustCross) this.#consumer.onHole(connection, stream);
    }
    return undefined;
  }

  /** Finds the entry or makes one; `begins`: the record tells of a new connection. */
  #lookUp(record: DataRecord | ConnectionRecord, begins = false): TrackedConnection<S> {
    const known = this.#byAddress.get(record.sock);
    if (known) {
      if (sameSocket(known, record.inode) && !(begins && known.closing?.ending !== undefined)) {
        if (known.inode === 0) known.inode = record.inode;
        return known;
      }
      this.#finish(known, known.closing?.ending ?? 'replaced');
    }
    if (this.#byAddress.size >= this.#maxConnections) this.#evict(this.#byUse.oldest!);
    const connection = new TrackedConnection<S>(this.#nextId++, record);
    this.#byAddress.add(connection);
    this.counters.opened++;
    this.#byUse.add(connection);
    if (connection.transport === 'unix') this.#name(connection, undefined);
    return connection;
  }

  /** A unix pair shares the name of the listening socket: own for the accepting end, the peer's for the connecting one. */
  #name(connection: TrackedConnection<S>, record: ConnectionRecord | undefined): void {
    if (record && record.peer !== 0) connection.peer = record.peer;
    if (record && record.captured > 0) {
      const start = record.offset + ConnectionRecord.SIZE;
      const name = unixName(record.u8.subarray(start, start + record.captured));
      if (name !== '') connection.localAddress = name;
    }
    const peer = this.#peerOf(connection);
    if (!peer) return;
    if (connection.localAddress !== '') peer.remoteAddress = connection.localAddress;
    if (peer.localAddress !== '') connection.remoteAddress = peer.localAddress;
  }

  /** The other end of a unix pair. Addresses are used again at once, so what is found there must know of this end, and be the one it knows. */
  #peerOf(connection: TrackedConnection<S>): TrackedConnection<S> | undefined {
    const peer = connection.peer === 0 ? undefined : this.#byAddress.get(connection.peer);
    if (peer?.transport !== 'unix' || (peer.peer !== 0 && peer.peer !== connection.sock)) return undefined;
    const strange = connection.rxFirst !== 0 && peer.txFirst !== 0 && connection.rxFirst !== peer.txFirst;
    return strange ? undefined : peer;
  }

  /** A failed handshake or data call. True if the record told of one. */
  #failed(record: ConnectionRecord): boolean {
    const errno = -record.result;
    const handshake = record.event === Event.connect && errno > 0 && errno !== EINPROGRESS;
    if (!handshake && record.event !== Event.failed) return false;
    const known = this.#byAddress.get(record.sock);
    const { connectFailures } = this.counters;
    if (handshake) connectFailures[errno] = (connectFailures[errno] ?? 0) + 1;
    if (!known || !sameSocket(known, record.inode)) return true;
    if (record.gapEnd !== 0) this.#gap(known, record);
    this.#ending(known, ERRNO_ENDINGS[errno] ?? 'failed', record.timeNs);
    this.#settle(known);
    return true;
  }

  /**
   * close(2) of what looked like the last descriptor. A unix socket is over with it; one of TCP goes on by itself, and says so by its state, at
   * once or later. Until then the call is a hint that only counts where the closing process was the one using the socket.
   */
  #closed(connection: TrackedConnection<S>, record: ConnectionRecord): void {
    if (connection.transport === 'unix' || !OPEN_STATES.has(record.tcpState)) {
      this.#ending(connection, 'closed', record.timeNs);
    } else if (record.tgid === connection.tgid) {
      this.#close(connection, record.timeNs, false);
    }
  }

  #close(connection: TrackedConnection<S>, timeNs: number, half: boolean): void {
    const closing = (connection.closing ??= createClosing());
    if (closing.ending !== undefined || (closing.closeSeenNs !== 0 && (half || !closing.half))) return;
    closing.closeSeenNs = timeNs;
    closing.half = half;
    this.#await(connection);
  }

  /** Data after a close(2): it was not the last descriptor. After a shutdown data still comes in. */
  #reopened(closing: Closing, record: DataRecord): void {
    if (closing.half && record.direction === Direction.receive) return;
    if (record.timeNs > closing.closeSeenNs) closing.closeSeenNs = 0;
  }

  #ending(connection: TrackedConnection<S>, ending: Ending, timeNs: number): void {
    const closing = (connection.closing ??= createClosing());
    // A reset is followed by the end of the socket: the first cause is the telling one.
    if (closing.ending !== undefined) return;
    closing.ending = ending;
    closing.endingNs = timeNs;
    closing.endingTick = this.#tick;
    this.#await(connection);
  }

  #await(connection: TrackedConnection<S>): void {
    if (connection.revisit) return;
    connection.revisit = true;
    this.#revisit.push(connection);
  }

  /** Looks at a connection that asked for it. Returns true if it must be looked at again. */
  #look(connection: TrackedConnection<S>): boolean {
    if (this.#byAddress.get(connection.sock) !== connection) return false;
    const { closing } = connection;
    if (closing?.ending !== undefined && this.#tick - closing.endingTick >= LATE_TICKS) {
      this.#finish(connection, closing.ending);
      return false;
    }
    let again = closing?.ending !== undefined;
    if (connection.waitTick !== 0) {
      if (this.#tick - connection.waitTick >= LATE_TICKS) this.#cross(connection);
      if (connection.receive.hasWaiting || connection.send.hasWaiting) again = true;
      else connection.waitTick = 0;
    }
    if (closing && closing.closeSeenNs !== 0 && closing.ending === undefined) {
      if (this.#nowNs - closing.closeSeenNs < CLOSE_GRACE_NS) again = true;
      else if (closing.half) this.#consumer.onStreamEnd(connection, connection.send);
      else this.#streamsEnd(connection);
    }
    if (this.#consumer.onTick(connection, this.#tick)) again = true;
    this.#settle(connection);
    return again;
  }

  /** Requests first: a response is told whose it is by what had been asked before it. */
  #cross(connection: TrackedConnection<S>): void {
    const { receive, send } = connection;
    for (const stream of connection.accepted === false ? [send, receive] : [receive, send]) {
      while (stream.hasWaiting) this.#consumer.onHole(connection, stream);
    }
  }

  #streamsEnd(connection: TrackedConnection<S>): void {
    this.#consumer.onStreamEnd(connection, connection.send);
    this.#consumer.onStreamEnd(connection, connection.receive);
  }

  /** Removes a connection that is over; what it still holds is given up. */
  #finish(connection: TrackedConnection<S>, ending: Ending): void {
    // Streams that are put away hold nothing, and nobody holds them.
    if (!connection.resting) {
      this.#cross(connection);
      if (ending === 'closed' || ending === 'replaced') this.#streamsEnd(connection);
    }
    this.#consumer.onEnd(connection, ending);
    this.#settle(connection);
    this.#remove(connection, 'expired');
  }

  #evict(connection: TrackedConnection<S>): void {
    this.counters.evicted++;
    this.#consumer.onEvicted(connection);
    this.#remove(connection, 'evicted');
  }

  #remove(connection: TrackedConnection<S>, reason: LossReason<'delivered'>): void {
    const records = connection.clear();
    this.#settle(connection);
    if (records > 0) this.#lose(connection, reason, records);
    this.#consumer.onForgotten(connection);
    this.#byAddress.delete(connection);
    if (this.#last === connection) this.#last = undefined;
    this.#byUse.remove(connection);
    connection.session = undefined;
  }

  /** `before`: when it was done last. */
  #sweep(nowNs: number, before: number): void {
    this.#threads.forget(nowNs - this.#exchangeTimeoutNs);
    for (let c = this.#byUse.oldest; c && nowNs - c.lastNs >= this.#sweepNs;) {
      const next = c.newer;
      const isNew = before - c.lastNs < this.#sweepNs;
      const asked = isNew || !c.resting || c.transport === 'udp';
      const busy = asked && this.#consumer.onIdle(c, nowNs);
      if (nowNs - c.lastNs >= ANSWER_NS) c.asking = undefined;
      if (asked) this.#settle(c);
      if (!busy && nowNs - c.lastNs >= this.#idleNs) {
        this.counters.expired++;
        this.#finish(c, 'expired');
      }
      c = next;
    }
    if (this.#exited.size === 0) return;
    for (let c = this.#byUse.oldest; c; c = c.newer) {
      if (c.transport === 'unix' && this.#exited.has(c.tgid)) this.#ending(c, 'closed', nowNs);
    }
    this.#exited.clear();
  }

  #held(): number {
    let held = 0;
    for (let c = this.#byUse.oldest; c; c = c.newer) held += c.held;
    return held;
  }

  #touch(connection: TrackedConnection<S>, timeNs: number): void {
    if (timeNs > connection.lastNs) connection.lastNs = timeNs;
    this.#byUse.touch(connection);
  }
}

/** A socket that has no inode yet (before accept) or no more (after the last close) is known by its address alone. */
function sameSocket<S>(connection: TrackedConnection<S>, inode: number): boolean {
  return connection.inode === inode || connection.inode === 0 || inode === 0;
}

/** How far the streams of a socket went that is over. */
function noteEnds<S>({ closing }: TrackedConnection<S>, record: ConnectionRecord): void {
  if (closing === undefined || record.captured !== ENDS_BYTES) return;
  const { payload } = record;
  const ends = new DataView(payload.buffer, payload.byteOffset, ENDS_BYTES);
  closing.sendEnd = ends.getUint32(0, true);
  closing.receiveEnd = ends.getUint32(4, true);
}

function createClosing(): Closing {
  return {
    ending: undefined,
    endingNs: 0,
    endingTick: 0,
    closeSeenNs: 0,
    half: false,
    sendEnd: -1,
    receiveEnd: -1,
  };
}
