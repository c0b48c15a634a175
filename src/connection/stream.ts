import { DataRecord, Flag } from '../capture/records.gen.ts';
import { returnChunk, takeChunk, type Chunk } from './chunk.ts';
import type { Reading } from './thread-table.ts';

/** What became of a record that was given to a stream. */
export const Arrival = {
  /** It continued the stream. */
  taken: 0,
  /** It stands behind bytes that have not come (yet); kept for a short while. */
  waiting: 1,
  /** All its bytes had been seen. */
  duplicate: 2,
} as const;
export type Arrival = (typeof Arrival)[keyof typeof Arrival];

const NO_BYTES = new Uint8Array(0);
const NO_CHUNKS: Chunk[] = [];
/** Beyond this many chunks in one stream, neighbours are merged: a time within them is then the later one's. */
const MAX_CHUNKS = 64;
/** Out-of-order chunks that may wait for what is before them. */
const MAX_WAITING = 32;
const FIRST_WINDOW = 512;

/**
 * One direction of a connection: bytes addressed by 64-bit position.
 *
 *      used up      window             blank            hole        waiting
 *   ──────────────┬─────────────────┬─────────────────┬──────────┬───────────
 *               cursor          windowEnd            end
 *
 * `window[at..limit)` holds the bytes from `cursor` on that can be read in one piece. A *blank* is bytes that are known to have crossed, and
 * when, but whose content was not captured (truncated, header only, elided). A *hole* is bytes of which nothing is known: their record was
 * lost or is late. What waits behind a hole is looked at again when the drain has ended twice, which is longer than any record is late.
 *
 * The position of an *unsure* record is the first at which it can stand. It is taken where it continues the stream, and gives way to a
 * sure record of the same place; behind a hole that is never filled nothing bears it out.
 *
 * The cursor may be set beyond `end` (a body that is skipped): bytes before it are used up as they arrive, whatever is missing of them.
 * An idle stream owns no buffer and no array.
 */
export class Stream {
  /** Position of the next byte a decoder wants. */
  cursor = 0;
  /** Every byte before was seen or given up. */
  end = 0;
  /** The position of the first byte is known. */
  started = false;
  window: Uint8Array = NO_BYTES;
  at = 0;
  limit = 0;
  /** Position where the current run (bytes of this direction since the last turn) began. */
  runStart = 0;
  /** Records that were used up since the owner last took the number. */
  used = 0;
  #chunks: Chunk[] = NO_CHUNKS;
  /** Behind a hole, in order of position. */
  #waiting: Chunk[] = NO_CHUNKS;
  #ownsWindow = false;
  /** Time of the last chunk that was wholly used up. */
  #usedNs = 0;
  /** Of the current record. */
  #borrowed: Chunk | undefined = undefined;

  /** Sets where the first byte stands, for a connection seen from its beginning. */
  start(position: number): void {
    if (this.started) return;
    this.started = true;
    this.cursor = this.end = this.runStart = position;
  }

  /** Makes a stream that is at rest as good as a new one. */
  reset(): void {
    this.cursor = this.end = this.runStart = 0;
    this.started = false;
    this.#usedNs = 0;
  }

  /** Bytes that can be read now. */
  get available(): number {
    return this.limit - this.at;
  }

  /** Nothing is behind the window but bytes that cannot be read: more will never make it longer. */
  get blocked(): boolean {
    return this.end > this.cursor + (this.limit - this.at);
  }

  /** All that was seen is used up, and nothing is being skipped. */
  get atRest(): boolean {
    return this.#chunks.length === 0 && this.#waiting.length === 0 && this.cursor === this.end;
  }

  /** Chunks wait behind a hole. */
  get hasWaiting(): boolean {
    return this.#waiting.length > 0;
  }

  /** When the first record behind the hole crossed, 0 if none waits. */
  get waitingNs(): number {
    return this.#waiting[0]?.timeNs ?? 0;
  }

  /** Too much waits behind a hole to wait any longer. */
  get mustCross(): boolean {
    return this.#waiting.length > MAX_WAITING;
  }

  /** Records that are kept, counted by looking. */
  get held(): number {
    let held = 0;
    for (const chunk of this.#chunks) held += chunk.records;
    for (const chunk of this.#waiting) held += chunk.records;
    return held;
  }

  /** Bytes of memory that hold payload. */
  get buffered(): number {
    let bytes = this.#ownsWindow ? this.window.length : 0;
    for (const chunk of this.#chunks) if (chunk.bytes) bytes += chunk.dataEnd - chunk.position;
    for (const chunk of this.#waiting) if (chunk.bytes) bytes += chunk.dataEnd - chunk.position;
    return bytes;
  }

  /** The chunk with the byte at the cursor, if that byte was seen. */
  get front(): Chunk | undefined {
    return this.#chunks[0];
  }

  /** When the byte before the cursor crossed: the time of the record that holds it, or of the last one before it where that was lost. */
  get endNs(): number {
    const front = this.#chunks[0];
    return front && front.position < this.cursor ? front.timeNs : this.#usedNs;
  }

  /** The cursor stands on the first byte of a record, or on nothing yet. */
  get atRecordStart(): boolean {
    const front = this.#chunks[0];
    return front !== undefined && front.position === this.cursor;
  }

  /**
   * Takes one record. Its payload is borrowed from the drain buffer until `settle`, which must follow before the buffer is reused.
   * With `keep` false the payload is not kept (the connection's buffer is full): the bytes become a blank, which the caller has counted.
   * `reason`: why it was sent, if that is known.
   */
  push(record: DataRecord, keep = true, reason?: Reading): Arrival {
    const position = record.position;
    const end = position + record.length;
    if (!this.started) this.start(position);
    if (end <= this.end && record.length > 0) return Arrival.duplicate;
    if (position > this.end) {
      if (position > this.cursor) return this.#wait(this.#chunkOf(record, keep, reason));
      this.end = position;
    }
    this.#append(this.#chunkOf(record, keep, reason));
    if (this.#waiting.length > 0) this.#absorb();
    return Arrival.taken;
  }

  /** The bytes from `start` to `end` crossed without a record of their own, the last of them at `timeNs`. */
  pushGap(start: number, end: number, timeNs: number): Arrival {
    if (!this.started) this.start(end);
    if (end <= this.end) return Arrival.duplicate;
    const chunk = takeChunk();
    chunk.position = chunk.dataEnd = start;
    chunk.end = end;
    chunk.timeNs = timeNs;
    chunk.enterNs = chunk.turn = chunk.flags = chunk.records = 0;
    if (start > this.end) {
      if (start > this.cursor) return this.#wait(chunk);
      this.end = start;
    }
    this.#append(chunk);
    if (this.#waiting.length > 0) this.#absorb();
    return Arrival.taken;
  }

  /** Uses up `count` bytes, seen or not. */
  skip(count: number): void {
    this.cursor += count;
    this.at += count;
    if (this.at >= this.limit) this.#unload();
    this.#release();
    if (this.at === this.limit) this.#load();
  }

  /** Uses up everything that was seen. */
  skipSeen(): void {
    if (this.end > this.cursor) this.skip(this.end - this.cursor);
  }

  /** Gives up the rest of the chunk at the cursor and stands on the start of the next one. Returns the records that were given up with it. */
  dropFront(): number {
    const front = this.#chunks[0];
    if (!front) return 0;
    const records = front.records;
    front.records = 0;
    this.skip(front.end - this.cursor);
    return records;
  }

  /** Gives up everything before the hole that chunks wait behind, and unsure ones next to it. Returns the records that were given up. */
  dropSeen(): number {
    let records = 0;
    for (const chunk of this.#chunks) {
      records += chunk.records;
      chunk.records = 0;
    }
    this.skipSeen();
    const waiting = this.#waiting;
    while (waiting.length > 0 && (waiting[0]!.flags & Flag.unsure) !== 0) {
      const chunk = waiting.shift()!;
      records += chunk.records;
      this.#discard(chunk);
    }
    if (waiting.length === 0) this.#waiting = NO_CHUNKS;
    return records;
  }

  /** Gives up the hole before the first waiting chunk; the cursor must stand before it. Returns the bytes given up. */
  crossHole(): number {
    const next = this.#waiting[0];
    if (!next) return 0;
    const bytes = next.position - this.end;
    this.cursor = this.end = next.position;
    this.#absorb();
    return bytes;
  }

  /** Gives up everything that is kept. Returns the records given up. */
  clear(): number {
    const records = this.held;
    for (const chunk of this.#chunks) returnChunk(chunk);
    for (const chunk of this.#waiting) this.end = Math.max(this.end, chunk.end);
    for (const chunk of this.#waiting) returnChunk(chunk);
    this.#chunks = this.#waiting = NO_CHUNKS;
    this.#borrowed = undefined;
    this.cursor = Math.max(this.cursor, this.end);
    this.#unload();
    return records;
  }

  /** Makes own what is still needed of the current record: its buffer is about to be reused. */
  settle(): void {
    const chunk = this.#borrowed;
    if (!chunk) return;
    this.#borrowed = undefined;
    if (chunk.borrowed && chunk.bytes) {
      chunk.bytes = copyOf(chunk.bytes, chunk.offset, chunk.offset + chunk.dataEnd - chunk.position);
      chunk.offset = 0;
      chunk.borrowed = false;
    } else if (!this.#ownsWindow && this.at < this.limit) {
      this.window = copyOf(this.window, this.at, this.limit);
      this.limit -= this.at;
      this.at = 0;
      this.#ownsWindow = true;
    }
  }

  #chunkOf(record: DataRecord, keep: boolean, reason: Reading | undefined): Chunk {
    const chunk = takeChunk();
    chunk.position = record.position;
    chunk.end = chunk.position + record.length;
    chunk.timeNs = record.timeNs;
    chunk.enterNs = record.enterNs;
    chunk.tgid = record.tgid;
    chunk.tid = record.tid;
    chunk.processStartNs = record.startNs;
    chunk.turn = record.turn;
    chunk.reason = reason;
    chunk.flags = record.flags;
    chunk.records = keep ? 1 : 0;
    const captured = keep ? Math.min(record.captured, record.length) : 0;
    chunk.dataEnd = chunk.position + captured;
    if (captured > 0) {
      chunk.bytes = record.u8;
      chunk.offset = record.offset + DataRecord.SIZE;
      chunk.borrowed = true;
      this.#borrowed = chunk;
    }
    return chunk;
  }

  /** Adds a chunk that begins at or before `end` and reaches beyond it. */
  #append(chunk: Chunk): void {
    const seen = this.end - chunk.position;
    if (seen > 0) {
      chunk.offset += seen;
      chunk.position = this.end;
      if (chunk.dataEnd < chunk.position) chunk.dataEnd = chunk.position;
    }
    this.end = chunk.end;
    if (chunk.end <= this.cursor) {
      this.#use(chunk);
      return;
    }
    const extendsWindow = this.limit > this.at && this.cursor + (this.limit - this.at) === chunk.position;
    if (extendsWindow && chunk.dataEnd > chunk.position) this.#extend(chunk);
    // A literal of one: push() on an empty array reserves room for 17, at every record.
    if (this.#chunks === NO_CHUNKS) this.#chunks = [chunk];
    else if (this.#chunks.length < MAX_CHUNKS || !this.#merge(chunk)) this.#chunks.push(chunk);
    if (this.at === this.limit) this.#load();
  }

  /** Puts the chunk's bytes behind the window's. */
  #extend(chunk: Chunk): void {
    const more = chunk.dataEnd - chunk.position;
    const size = this.limit - this.at;
    if (!this.#ownsWindow || this.limit + more > this.window.length) {
      const larger = new Uint8Array(Math.max(FIRST_WINDOW, (size + more) * 2));
      larger.set(this.window.subarray(this.at, this.limit));
      this.window = larger;
      this.at = 0;
      this.limit = size;
      this.#ownsWindow = true;
    }
    const bytes = chunk.bytes!;
    this.window.set(bytes.subarray(chunk.offset, chunk.offset + more), this.limit);
    this.limit += more;
    chunk.bytes = undefined;
    chunk.borrowed = false;
  }

  /** One chunk for two where both lie in the window in full; the time of the earlier one's last byte is lost. */
  #merge(chunk: Chunk): boolean {
    const last = this.#chunks[this.#chunks.length - 1]!;
    if (last.bytes || chunk.bytes || last.dataEnd !== last.end) return false;
    last.end = chunk.end;
    last.dataEnd = chunk.dataEnd;
    last.timeNs = chunk.timeNs;
    last.flags |= chunk.flags;
    last.records += chunk.records;
    if (this.#borrowed === chunk) this.#borrowed = undefined;
    returnChunk(chunk);
    return true;
  }

  #use(chunk: Chunk): void {
    this.used += chunk.records;
    this.#usedNs = chunk.timeNs;
    if (this.#borrowed === chunk) this.#borrowed = undefined;
    returnChunk(chunk);
  }

  /** Lets go of the chunks that are wholly before the cursor. */
  #release(): void {
    const chunks = this.#chunks;
    while (chunks.length > 1 && chunks[0]!.end <= this.cursor) this.#use(chunks.shift()!);
    if (chunks.length === 1 && chunks[0]!.end <= this.cursor) {
      this.#chunks = NO_CHUNKS;
      this.#use(chunks[0]!);
    }
  }

  #unload(): void {
    this.window = NO_BYTES;
    this.at = this.limit = 0;
    this.#ownsWindow = false;
  }

  /** Makes a window of the bytes at the cursor, as far as they reach in one piece. */
  #load(): void {
    this.#unload();
    const chunks = this.#chunks;
    for (let i = 0; i < chunks.length; i++) {
      const chunk = chunks[i]!;
      const next = this.cursor + (this.limit - this.at);
      if (!chunk.bytes || next < chunk.position || next >= chunk.dataEnd) return;
      if (i > 0) {
        this.#extend(chunk);
      } else {
        this.window = chunk.bytes;
        this.at = chunk.offset + next - chunk.position;
        this.limit = chunk.offset + chunk.dataEnd - chunk.position;
        this.#ownsWindow = !chunk.borrowed;
        chunk.bytes = undefined;
        chunk.borrowed = false;
      }
      if (chunk.dataEnd < chunk.end) return;
    }
  }

  #wait(chunk: Chunk): Arrival {
    if (this.#waiting === NO_CHUNKS) this.#waiting = [];
    const waiting = this.#waiting;
    let i = waiting.length;
    while (i > 0 && waiting[i - 1]!.position > chunk.position) i--;
    const before = waiting[i - 1];
    if (before && before.end >= chunk.end) {
      const betters = before.position === chunk.position && (before.flags & ~chunk.flags & Flag.unsure) !== 0;
      const replaces = betters && before.records === 1 && chunk.records === 1;
      if (replaces) waiting[i - 1] = chunk;
      this.#discard(replaces ? before : chunk);
      return Arrival.duplicate;
    }
    waiting.splice(i, 0, chunk);
    return Arrival.waiting;
  }

  #discard(chunk: Chunk): void {
    if (this.#borrowed === chunk) this.#borrowed = undefined;
    returnChunk(chunk);
  }

  /** Takes what waited and is now in reach. */
  #absorb(): void {
    const waiting = this.#waiting;
    while (waiting.length > 0 && waiting[0]!.position <= Math.max(this.end, this.cursor)) {
      const chunk = waiting.shift()!;
      if (chunk.end > this.end) {
        this.end = Math.max(this.end, Math.min(chunk.position, this.cursor));
        this.#append(chunk);
      } else {
        this.#use(chunk);
      }
    }
    if (waiting.length === 0) {
      this.#waiting = NO_CHUNKS;
    }
  }
}

/** Not slice(): the border hands out Node's Buffers, whose slice() is a view of the same memory. */
function copyOf(bytes: Uint8Array, from: number, to: number): Uint8Array {
  const copy = new Uint8Array(to - from);
  copy.set(bytes.subarray(from, to));
  return copy;
}
