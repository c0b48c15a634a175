import { PositionKind, type ConnectionRecord, type DataRecord } from '../capture/records.gen.ts';
import { localText, remoteText } from './address.ts';
import type { Connection, Origin } from './connection.ts';
import { foldSocket } from './socket-map.ts';
import { Stream } from './stream.ts';
import type { Asking, Reading } from './thread-table.ts';

/** What a FIN counts in a sequence of bytes. */
const FIN = 1;

/** How a connection ended, as far as its records tell. */
export type Ending =
  'closed' | 'reset' | 'timed_out' | 'failed' | 'replaced' | 'expired' | 'shutdown' | 'paused';

/** What is known of a connection's end. */
export interface Closing {
  /** Undefined while there is only the hint of a close(2). */
  ending: Ending | undefined;
  endingNs: number;
  /** Tick of the table at which it ended. */
  endingTick: number;
  /** shutdown(2), or close(2) by the process that used it while the kernel still had the socket: perhaps not the last descriptor. Else 0. */
  closeSeenNs: number;
  /** It was a shutdown: only sending is over. */
  half: boolean;
  /** Low halves of the positions after the last byte sent and the last one received; either may count a FIN as one more. -1: not told. */
  sendEnd: number;
  receiveEnd: number;
}

/** Which of a unix pair's counts mean the same byte: what to add to the own count to have the pair's common one; undefined while unknown. */
export interface UnixAlignment {
  txShift: number | undefined;
  rxShift: number | undefined;
  /** A read that left the queue empty: what had been received then, and when. */
  drainedEnd: number;
  drainedNs: number;
  /** When the last send returned. */
  sentNs: number;
}

/**
 * One end of a connection as the table keeps it. `S` is what decoding keeps for it.
 *
 * 50,000 of these stay idle at a time, so what most connections never need is left undefined.
 */
export class TrackedConnection<S> implements Connection {
  readonly id: number;
  readonly sock: number;
  readonly hash: number;
  inode: number;
  readonly netns: number;
  readonly transport: 'tcp' | 'udp' | 'unix';
  accepted: boolean | undefined;
  localAddress: string;
  localPort: number;
  remoteAddress: string;
  remotePort: number;
  txFirst: number;
  rxFirst: number;
  peer: number;
  origin: Origin | undefined = undefined;
  tgid: number;
  processStartNs: number;

  #receive: Stream | undefined = undefined;
  #send: Stream | undefined = undefined;
  /** Where the streams stood when they were put away; -1: not started. */
  #receiveEnd = -1;
  #sendEnd = -1;
  session: S | undefined = undefined;
  /** Nothing more is kept or decoded: the protocol is not known. */
  opaque = false;
  /** Its protocol is known. */
  decoded = false;
  /** Who asked what, until something on it is an exchange. */
  asking: Asking | undefined = undefined;
  /** Why it was connected, until something is sent. */
  connectReason: Reading | undefined = undefined;
  /** Positions are counted above the socket: kernel TLS. */
  kernelTls = false;
  /** Time of the last record. */
  lastNs: number;
  /** Data records taken, ever. */
  records = 0;
  /** What was lost on it, by reason; undefined while nothing was. */
  lost: Record<string, number> | undefined = undefined;
  /** Bytes of both directions that had crossed before the first record. */
  before = 0;
  /** Direction of the last data record: a change is a turn. */
  runDirection = -1;
  unix: UnixAlignment | undefined = undefined;

  /** How it ends; undefined while nothing tells of an end. */
  closing: Closing | undefined = undefined;
  /** Tick of the table at which a record began to wait behind a hole, 0 if none does. */
  waitTick = 0;
  revisit = false;

  /** The table's: by address, and by use. */
  chained: TrackedConnection<S> | undefined = undefined;
  newer: TrackedConnection<S> | undefined = undefined;
  older: TrackedConnection<S> | undefined = undefined;

  constructor(id: number, record: DataRecord | ConnectionRecord) {
    this.id = id;
    this.sock = record.sock;
    this.hash = foldSocket(record.sock);
    this.inode = record.inode;
    this.netns = record.netns;
    this.transport = record.family === 1 ? 'unix' : record.protocol === 17 ? 'udp' : 'tcp';
    const unix = this.transport === 'unix';
    this.accepted = (record.flags & 1) !== 0 ? true : unix ? undefined : false;
    this.localAddress = unix ? '' : localText(record);
    this.remoteAddress = unix ? '' : remoteText(record);
    this.localPort = record.localPort;
    this.remotePort = record.remotePort;
    this.txFirst = record.txFirst;
    this.rxFirst = record.rxFirst;
    this.peer = record.peer;
    this.tgid = record.tgid;
    this.processStartNs = record.startNs;
    this.lastNs = record.timeNs;
  }

  get receive(): Stream {
    return (this.#receive ??= wakeStream(this.#receiveEnd));
  }

  get send(): Stream {
    return (this.#send ??= wakeStream(this.#sendEnd));
  }

  /** Records that are kept, counted by looking. */
  get held(): number {
    return (this.#receive?.held ?? 0) + (this.#send?.held ?? 0);
  }

  /** Bytes that have crossed since the first record, both directions. */
  get bytes(): number {
    const receiveEnd = this.#receive?.end ?? Math.max(0, this.#receiveEnd);
    const sendEnd = this.#send?.end ?? Math.max(0, this.#sendEnd);
    return receiveEnd + sendEnd - this.before;
  }

  /** Counts what was lost on this connection alone; the books are the caller's. */
  lose(reason: string, count: number): void {
    this.lost ??= {};
    this.lost[reason] = (this.lost[reason] ?? 0) + count;
  }

  /** The connection is over, and bytes had crossed in this direction at its end that no record has told of. */
  lostAtEnd(direction: number): boolean {
    const { closing } = this;
    const told = direction === 0 ? closing?.receiveEnd : closing?.sendEnd;
    if (told === undefined || told < 0) return false;
    const stream = this.stream(direction);
    const missing = (told - stream.end) | 0; // modulo 2^32
    return stream.started && missing > FIN;
  }

  /** Puts away the streams of which all was used up; nobody may hold them. */
  rest(): void {
    const receive = this.#receive;
    if (receive?.atRest) {
      this.#receiveEnd = restStream(receive);
      this.#receive = undefined;
    }
    const send = this.#send;
    if (send?.atRest) {
      this.#sendEnd = restStream(send);
      this.#send = undefined;
    }
  }

  /** The streams are put away. */
  get resting(): boolean {
    return this.#receive === undefined && this.#send === undefined;
  }

  /** Makes own what is still needed of the current record. Returns the records that were used up since the last call. */
  settle(): number {
    return settleStream(this.#receive) + settleStream(this.#send);
  }

  /** Gives up everything that is kept. Returns the records given up. */
  clear(): number {
    return (this.#receive?.clear() ?? 0) + (this.#send?.clear() ?? 0);
  }

  stream(direction: number): Stream {
    return direction === 0 ? this.receive : this.send;
  }

  /** Bytes of memory that hold payload, both directions. */
  get buffered(): number {
    return this.receive.buffered + this.send.buffered;
  }

  /** The port that names the service, 0 for unix sockets: the accepting end's. */
  get serverPort(): number {
    if (this.accepted === true) return this.localPort;
    if (this.accepted === false) return this.remotePort;
    return Math.min(this.localPort, this.remotePort);
  }

  /** What events before the first data could not tell. Sequence numbers are 0 until the handshake is done. */
  refresh(record: DataRecord): void {
    if (this.txFirst !== record.txFirst && record.txFirst !== 0) this.txFirst = record.txFirst;
    if (this.rxFirst !== record.rxFirst && record.rxFirst !== 0) this.rxFirst = record.rxFirst;
    if (this.peer === 0) this.peer = record.peer;
    if ((record.flags & 1) !== 0) this.accepted = true;
    if (this.transport === 'tcp') {
      if (record.positionKind === PositionKind.counter) this.kernelTls = true;
      if (this.remotePort === 0 || this.localPort === 0) {
        this.localAddress = localText(record);
        this.remoteAddress = remoteText(record);
        this.localPort = record.localPort;
        this.remotePort = record.remotePort;
      }
    }
  }
}

function settleStream(stream: Stream | undefined): number {
  if (stream === undefined) return 0;
  stream.settle();
  const { used } = stream;
  stream.used = 0;
  return used;
}

/** Streams that were put away, for whoever is next: most connections need theirs for one exchange at a time. */
const free: Stream[] = [];
const MAX_FREE = 1024;

function wakeStream(end: number): Stream {
  const stream = free.pop() ?? new Stream();
  if (end >= 0) stream.start(end);
  return stream;
}

/** Where the stream ends, -1 if it has not begun. */
function restStream(stream: Stream): number {
  const end = stream.started ? stream.end : -1;
  stream.reset();
  if (free.length < MAX_FREE) free.push(stream);
  return end;
}
