/**
 * One direction of a TCP connection in a capture: segments in, bytes in order out.
 *
 * Positions count from the first data byte (from `JOINED` where the beginning was not seen, so that nobody takes the connection for a new one),
 * by sequence numbers that wrap. A segment is held until all before it has come, and all of the other direction that it acknowledges: an answer is never
 * told of before its question. What does not come is given up, and told of as bytes that nobody captured: soon where the receiver has acknowledged
 * it (the capture lacks it), else after `WAIT_NS`, or when too much is held.
 */

/** Of a connection whose first byte was not seen; a multiple of 2^32, so that low halves are those of sequence numbers. */
const JOINED = 2 ** 32;
const MAX_HELD = 256;
const MAX_HELD_BYTES = 4 * 1024 * 1024;
/** A lost segment is sent again within some hundred milliseconds, at worst some seconds. */
const WAIT_NS = 5_000_000_000;
/** Packets of one moment may stand in the file in another order than they had. */
const ACKNOWLEDGED_WAIT_NS = 100_000_000;
/** An acknowledgement of more that is missing is not believed. */
const MAX_MISSING = 2 ** 24;
const NO_BYTES = new Uint8Array(0);
const NEVER = Number.POSITIVE_INFINITY;

export interface SegmentsOptions {
  /** Takes bytes of the direction: `bytes` were captured of `length` that stand at `position`. */
  deliver: (position: number, bytes: Uint8Array, length: number, timeNs: number) => void;
  /** The FIN has been reached. */
  end: (timeNs: number) => void;
  /** Of both directions: when the last bytes crossed. No byte is there before those that it follows. */
  last: { timeNs: number };
}

/** A segment with where its bytes stand. */
export interface Placed {
  readonly position: number;
  readonly bytes: Uint8Array;
  /** Bytes on the wire. */
  readonly length: number;
  readonly timeNs: number;
  /** How far the other direction must have come. */
  readonly needs: number;
}

export class Segments {
  /** Absolute sequence number of position 0 (modulo 2^32); meaningless before `known`. */
  first = 0;
  known = false;
  /** Every byte before was delivered or given up. */
  next = 0;
  /** Bytes that were given up. */
  missing = 0;
  /** The FIN was reached: no more bytes come. */
  ended = false;
  /** The other direction of the connection. */
  other: Segments = this;
  /** Bytes that are held. */
  heldBytes = 0;
  readonly #options: SegmentsOptions;
  #held: Placed[] = [];
  /** When what is waited for is given up. */
  #giveUpNs = NEVER;
  /** Position of the FIN, -1 while there is none. */
  #finAt = -1;

  constructor(options: SegmentsOptions) {
    this.#options = options;
  }

  /** The first data byte has this sequence number. */
  start(sequence: number): void {
    if (this.known) return;
    this.known = true;
    this.first = sequence;
  }

  /** The beginning was not seen; a segment with this number is the first. */
  join(sequence: number): void {
    if (this.known) return;
    this.start(sequence);
    this.next = JOINED;
  }

  get isWaiting(): boolean {
    return this.#held.length > 0;
  }

  /** Where a sequence number stands, next to what is expected. */
  positionOf(sequence: number): number {
    return this.next + ((sequence - this.first - this.next) | 0);
  }

  /** Takes a segment. False if all of it had been seen. */
  push(segment: Placed, fin: boolean): boolean {
    const end = segment.position + segment.length;
    const news = fin && this.#finAt < 0;
    if (end <= this.next && !news) return false;
    if (news) this.#finAt = end;
    if (this.#isNext(segment)) this.#pass(segment);
    else if (!this.#hold(segment) && !news) return false;
    this.#settle(segment.timeNs);
    return true;
  }

  /** The receiver has acknowledged everything before this sequence number. */
  acknowledged(sequence: number, nowNs: number): void {
    if (this.#held.length > 0 && this.positionOf(sequence) > this.next)
      this.#giveUpNs = Math.min(this.#giveUpNs, nowNs + ACKNOWLEDGED_WAIT_NS);
  }

  /** Gives up what is waited for if it is time, or in any case. */
  expire(nowNs: number, now = false): void {
    while (this.#held.length > 0 && (now || nowNs >= this.#giveUpNs || this.#isFull())) {
      this.#giveUp();
      this.#settle(nowNs);
    }
    if (!now || this.#finAt <= this.next) return;
    this.#skipTo(this.#finAt, nowNs);
    this.#settle(nowNs);
  }

  #isFull(): boolean {
    return this.#held.length > MAX_HELD || this.heldBytes > MAX_HELD_BYTES;
  }

  #isNext({ position, needs }: Placed): boolean {
    return position <= this.next && !this.#lacks(needs);
  }

  /** Bytes of the other direction have not come. */
  #lacks(needs: number): boolean {
    const { other } = this;
    return other.known && !other.ended && needs > other.next && needs - other.next <= MAX_MISSING;
  }

  #giveUp(): void {
    const { other } = this;
    const { position, needs, timeNs } = this.#held[0]!;
    const theirs = other.#held[0];
    if (position > this.next) this.#skipTo(position, timeNs);
    else if (theirs === undefined) other.#skipTo(needs, timeNs);
    else if (theirs.position > other.next) other.#skipTo(Math.min(needs, theirs.position), timeNs);
    // Each waits for the other: of what was sent again not the first copy was seen.
    else other.#passFirst();
  }

  /** Bytes of which nothing is known but that they crossed, after what has been seen. */
  #skipTo(position: number, timeNs: number): void {
    const { last, deliver } = this.#options;
    const length = position - this.next;
    this.missing += length;
    last.timeNs ||= timeNs;
    deliver(this.next, NO_BYTES, length, last.timeNs);
    this.next = position;
  }

  /** Hands on what of a segment is new. */
  #pass({ position, bytes, length, timeNs }: Placed): void {
    const { last, deliver } = this.#options;
    const seen = this.next - position;
    if (length <= seen) return;
    last.timeNs = Math.max(last.timeNs, timeNs);
    deliver(this.next, bytes.subarray(Math.min(seen, bytes.length)), length - seen, last.timeNs);
    this.next = position + length;
  }

  #hold(segment: Placed): boolean {
    const held = this.#held;
    const { position, length, bytes, timeNs } = segment;
    let i = held.length;
    while (i > 0 && held[i - 1]!.position > position) i--;
    const before = held[i - 1];
    if (before !== undefined && before.position + before.length >= position + length) return false;
    if (held.length === 0) this.#giveUpNs = timeNs + this.#waitNs(segment);
    held.splice(i, 0, { ...segment, bytes: Uint8Array.from(bytes) });
    this.heldBytes += bytes.length;
    return true;
  }

  /** Hands on what was held, of both directions, as far as it is next. */
  #settle(nowNs: number): void {
    const { other } = this;
    do {
      this.#checkEnd(nowNs);
      other.#checkEnd(nowNs);
    } while (this.#absorb() || other.#absorb());
  }

  #absorb(): boolean {
    const first = this.#held[0];
    if (first === undefined || !this.#isNext(first)) return false;
    this.#passFirst();
    return true;
  }

  #passFirst(): void {
    const first = this.#held.shift()!;
    this.heldBytes -= first.bytes.length;
    this.#pass(first);
    const next = this.#held[0];
    if (next === undefined) this.#giveUpNs = NEVER;
    else this.#giveUpNs = next.timeNs + this.#waitNs(next);
  }

  #waitNs({ position }: Placed): number {
    return position > this.next ? WAIT_NS : ACKNOWLEDGED_WAIT_NS;
  }

  #checkEnd(nowNs: number): void {
    if (this.ended || this.#finAt < 0 || this.next < this.#finAt || this.#held.length > 0) return;
    this.ended = true;
    const { last, end } = this.#options;
    last.timeNs = Math.max(last.timeNs, nowNs);
    end(last.timeNs);
  }
}
