import { Direction, Flag } from '../records.gen.ts';
import type { Ignored } from './packet.ts';
import { Segments } from './segments.ts';
import type { SocketRecords } from './socket-records.ts';
import type { TcpSegment } from './tcp-header.ts';

const NO_BYTES = new Uint8Array(0);
/** No segment that is sent again lies further back, and none is sent further ahead than a window reaches (RFC 7323, section 2.3). */
const MAX_BACK = 2 ** 24;
const MAX_AHEAD = 2 ** 30;

/** One TCP connection of a capture, as its accepting end sees it. */
export class TcpFlow {
  /** Of the client's endpoint: tells directions apart. */
  readonly clientKey: string;
  /** Its SYN, or the answer to that, was seen. */
  readonly fromStart: boolean;
  readonly receive: Segments;
  readonly send: Segments;
  /** The same connection was seen under another address, which has all the bytes already. */
  copy = false;
  over = false;
  /** First sequence numbers of both ends, once they are known. */
  identity: string | undefined = undefined;
  readonly #open: (timeNs: number) => SocketRecords;
  /** Undefined before the first data: what connections without any had to say is left out. */
  #records: SocketRecords | undefined = undefined;
  /** How far ahead of the last bytes others may be. */
  #maxAhead = MAX_AHEAD;

  constructor(clientKey: string, fromStart: boolean, open: (timeNs: number) => SocketRecords) {
    this.clientKey = clientKey;
    this.fromStart = fromStart;
    this.#open = open;
    const last = { timeNs: 0 };
    this.receive = new Segments({
      last,
      deliver: (...bytes) => this.#begin(bytes[3]).data(Direction.receive, ...bytes),
      end: (timeNs) => this.#received(timeNs),
    });
    this.send = new Segments({
      last,
      deliver: (...bytes) => this.#begin(bytes[3]).data(Direction.send, ...bytes),
      end: (timeNs) => this.#sent(timeNs),
    });
    this.receive.other = this.send;
    this.send.other = this.receive;
  }

  /** Bytes that wait for others before them. */
  get heldBytes(): number {
    return this.receive.heldBytes + this.send.heldBytes;
  }

  get isWaiting(): boolean {
    return this.receive.isWaiting || this.send.isWaiting;
  }

  /** Both ends' sequence numbers are known from the handshake. */
  get isIdentified(): boolean {
    return this.fromStart && this.receive.known && this.send.known;
  }

  /** Whether a SYN, of which the client's first byte has this number, or the answer to one, is that of this connection. */
  isGreetedBy(clientKey: string, clientFirst: number, isAnswer: boolean): boolean {
    if (!this.fromStart || this.clientKey !== clientKey) return false;
    // Data that came with the SYN (RFC 7413) is acknowledged with it.
    const ahead = (clientFirst - this.receive.first) | 0;
    return ahead === 0 || (isAnswer && ahead > 0 && ahead <= this.receive.next);
  }

  /** Whether a segment cannot be of this connection: its beginning was not seen, and its ports had been used before. */
  isStrange(segment: TcpSegment, fromClient: boolean): boolean {
    const segments = fromClient ? this.receive : this.send;
    if (!segments.known || segment.length === 0) return false;
    const ahead = segments.positionOf(segment.sequence) - segments.next;
    return ahead < -MAX_BACK || ahead > this.#maxAhead;
  }

  /** A segment of the handshake, or any other. Returns why it is ignored, else undefined. */
  take(segment: TcpSegment, fromClient: boolean, timeNs: number): Ignored | undefined {
    const [own, other] = fromClient ? [this.receive, this.send] : [this.send, this.receive];
    if (segment.syn) own.start(segment.sequence);
    if (segment.ack && !segment.rst) {
      if (this.fromStart) other.start(segment.acknowledgement);
      other.acknowledged(segment.acknowledgement, timeNs);
    }
    if (this.copy) return 'translated';
    if (this.over) return segment.carries ? 'repeated' : undefined;
    if (segment.rst) {
      if (!isFar(own, segment.sequence)) this.end(timeNs, fromClient);
      return undefined;
    }
    return segment.carries ? push(segment, own, other, timeNs) : undefined;
  }

  /** The connection is over, whether both ends have said so or not. `reset`: by its client. */
  end(timeNs: number, reset = false): void {
    this.expire(timeNs, true);
    this.#finish(timeNs, reset);
  }

  /** Gives up what has been waited for long enough, or everything. Returns true while something is waited for. */
  expire(nowNs: number, now = false): boolean {
    this.receive.expire(nowNs, now);
    this.send.expire(nowNs, now);
    return this.isWaiting;
  }

  #begin(timeNs: number): SocketRecords {
    const begun = this.#records;
    const records = (this.#records ??= this.#open(timeNs));
    records.rxFirst = this.receive.known ? this.receive.first : 0;
    records.txFirst = this.send.known ? this.send.first : 0;
    if (begun === undefined && this.fromStart) records.accepted(timeNs);
    return records;
  }

  /** The client sends no more. */
  #received(timeNs: number): void {
    this.#records?.data(Direction.receive, this.receive.next, NO_BYTES, 0, timeNs, Flag.eof);
    if (this.send.ended) this.#finish(timeNs, false);
  }

  /** The server sends no more. */
  #sent(timeNs: number): void {
    if (this.receive.ended) this.#finish(timeNs, false);
    else this.#records?.shutdown(timeNs);
  }

  #finish(timeNs: number, reset: boolean): void {
    if (this.over) return;
    this.over = true;
    // What was under way when it was reset still comes; behind a FIN there is nothing.
    this.#maxAhead = this.receive.ended && this.send.ended ? 0 : MAX_BACK;
    this.#records?.destroyed(timeNs, reset, this.send.next, this.receive.next);
  }
}

function isFar(segments: Segments, sequence: number): boolean {
  return segments.known && Math.abs(segments.positionOf(sequence) - segments.next) > MAX_BACK;
}

/** Data, or the end of a direction. */
function push(segment: TcpSegment, own: Segments, other: Segments, timeNs: number): Ignored | undefined {
  own.join(segment.sequence);
  const placed = {
    position: own.positionOf(segment.sequence),
    bytes: segment.data,
    length: segment.length,
    timeNs,
    needs: segment.ack && other.known ? other.positionOf(segment.acknowledgement) : 0,
  };
  return own.push(placed, segment.fin) ? undefined : 'repeated';
}
