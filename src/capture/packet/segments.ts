/**
 * One direction of a TCP connection in a capture: segments in, bytes in order out.
 *
 * Positions count from the first data byte (from `JOINED` where the beginning was not seen, so that nobody takes the connection for a new one),
 * by sequence numbers that wrap. What comes too early is held until what is before it has come. It is given up, and its place becomes a hole in
 * the positions, when the receiver has acknowledged it and it still has not come (the capture lacks it), when too much is held, or after `WAIT_NS`.
 */

/** Of a connection whose first byte was not seen; a multiple of 2^32, so that low halves are those of sequence numbers. */
const JOINED = 2 ** 32;
const MAX_HELD = 256;
const MAX_HELD_BYTES = 4 * 1024 * 1024;
/** A lost segment is sent again within some hundred milliseconds, at worst some seconds. */
const WAIT_NS = 5_000_000_000;
/** Packets of one moment may stand in the file in another order than they had. */
const ACKNOWLEDGED_WAIT_NS = 100_000_000;
const NEVER = Number.POSITIVE_INFINITY;

/** Takes the bytes of a direction: `bytes` were captured of `length` that stand at `position`. */
export type Deliver = (position: number, bytes: Uint8Array, length: number, timeNs: number) => void;

interface Held {
  readonly position: number;
  readonly end: number;
  readonly bytes: Uint8Array;
  readonly timeNs: number;
}

export class Segments {
  /** Absolute sequence number of position 0 (modulo 2^32); meaningless before `known`. */
  first = 0;
  known = false;
  /** Every byte before was delivered or given up. */
  next = 0;
  /** Bytes that were given up. */
  missing = 0;
  readonly #deliver: Deliver;
  #held: Held[] = [];
  #heldBytes = 0;
  /** When the hole is given up. */
  #giveUpNs = NEVER;
  /** Position of the FIN, -1 while there is none. */
  #finAt = -1;
  #ended = false;
  #lastNs = 0;

  constructor(deliver: Deliver) {
    this.#deliver = deliver;
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

  /** Bytes that are held, of segments that came too early. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  get isWaiting(): boolean {
    return this.#held.length > 0;
  }

  /** The FIN was reached: no more bytes come. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Where a sequence number stands, next to what is expected. */
  positionOf(sequence: number): number {
    return this.next + ((sequence - this.first - this.next) | 0);
  }

  /** Takes a segment. False if all of it had been seen. */
  push(position: number, bytes: Uint8Array, length: number, fin: boolean, timeNs: number): boolean {
    const end = position + length;
    const news = fin && this.#finAt < 0;
    if (news) this.#finAt = end;
    if (end <= this.next) {
      if (news) this.#checkEnd(timeNs);
      return news;
    }
    if (position > this.next) return this.#hold(position, bytes, end, timeNs) || news;
    this.#pass(position, bytes, end, timeNs);
    this.#absorb();
    this.#checkEnd(timeNs);
    return true;
  }

  /** The receiver has acknowledged everything before this sequence number. */
  acknowledged(sequence: number, nowNs: number): void {
    if (this.#held.length > 0 && this.positionOf(sequence) > this.next)
      this.#giveUpNs = Math.min(this.#giveUpNs, nowNs + ACKNOWLEDGED_WAIT_NS);
  }

  /** Gives up the hole if it is time, or in any case. Returns true if one is still waited for. */
  expire(nowNs: number, now = false): boolean {
    while (this.#held.length > 0 && (now || nowNs >= this.#giveUpNs || this.#isFull())) this.#giveUp();
    if (now && this.#finAt > this.next) this.#skipTo(this.#finAt);
    this.#checkEnd(nowNs);
    return this.#held.length > 0;
  }

  /** Called when the FIN has been reached. */
  onEnd: (timeNs: number) => void = () => undefined;

  #isFull(): boolean {
    return this.#held.length > MAX_HELD || this.#heldBytes > MAX_HELD_BYTES;
  }

  #giveUp(): void {
    this.#skipTo(this.#held[0]!.position);
    this.#absorb();
  }

  #skipTo(position: number): void {
    this.missing += position - this.next;
    this.next = position;
  }

  /** Hands on what of a segment is new; its position is not behind `next`. */
  #pass(position: number, bytes: Uint8Array, end: number, timeNs: number): void {
    const seen = this.next - position;
    // A byte is not there before those that it follows.
    this.#lastNs = Math.max(this.#lastNs, timeNs);
    this.#deliver(this.next, bytes.subarray(Math.min(seen, bytes.length)), end - this.next, this.#lastNs);
    this.next = end;
  }

  #hold(position: number, bytes: Uint8Array, end: number, timeNs: number): boolean {
    const held = this.#held;
    let i = held.length;
    while (i > 0 && held[i - 1]!.position > position) i--;
    const before = held[i - 1];
    if (before !== undefined && before.end >= end) return false;
    if (held.length === 0) this.#giveUpNs = timeNs + WAIT_NS;
    held.splice(i, 0, { position, end, bytes: Uint8Array.from(bytes), timeNs });
    this.#heldBytes += bytes.length;
    return true;
  }

  /** Hands on what was held and continues what has come. */
  #absorb(): void {
    const held = this.#held;
    while (held.length > 0 && held[0]!.position <= this.next) {
      const { position, end, bytes, timeNs } = held.shift()!;
      this.#heldBytes -= bytes.length;
      if (end > this.next) this.#pass(position, bytes, end, timeNs);
    }
    this.#giveUpNs = held.length === 0 ? NEVER : held[0]!.timeNs + WAIT_NS;
  }

  #checkEnd(timeNs: number): void {
    if (this.#ended || this.#finAt < 0 || this.next < this.#finAt) return;
    this.#ended = true;
    this.#lastNs = Math.max(this.#lastNs, timeNs);
    this.onEnd(this.#lastNs);
  }
}
