import { i32be, text, u16be } from '../bytes.ts';
import type { ContextHeaders } from '../context-headers.ts';
import type { MessageContext } from './message-context.ts';

/**
 * What is cheap to know of records without unpacking them. https://kafka.apache.org/documentation/#recordbatch
 *
 *   batch (magic 2) = offset:8 length:4 epoch:4 magic:1 crc:4 attributes:2 last:4 times:16 producer:14 count:4 record*
 *   message (magic 0, 1) = offset:8 length:4 crc:4 magic:1 attributes:1 ...
 *   record = length attributes:1 time offset key value count (name value)*      lengths and numbers are zigzag varints
 */
const LENGTH = 8;
const MAGIC = 16;
const ATTRIBUTES = 21;
const COUNT = 57;
const RECORDS = 61;
/** Bytes before those that a batch's length counts. */
const COUNTED_FROM = 12;
const COMPRESSED = 7;
/** Of a batch that tells of a transaction's end. */
const CONTROL = 0x20;
/** Headers of a record that are looked at. */
const MAX_HEADERS = 64;

/** Messages in `[at, to)`, of which the bytes up to `limit` can be read; -1 where that does not tell. A last batch that is cut short is not counted. */
export function countMessages(bytes: Uint8Array, at: number, to: number, limit: number): number {
  let count = 0;
  while (at + MAGIC < to) {
    if (at + MAGIC >= limit) return -1;
    const length = i32be(bytes, at + LENGTH);
    const next = at + COUNTED_FROM + length;
    if (length <= MAGIC - COUNTED_FROM) return -1;
    if (next > to) return count;
    const messages = bytes[at + MAGIC] === 2 ? ofBatch(bytes, at, limit) : ofOldMessage(bytes, at, limit);
    if (messages < 0) return -1;
    count += messages;
    at = next;
  }
  return count;
}

function ofBatch(bytes: Uint8Array, at: number, limit: number): number {
  if (at + RECORDS > limit) return -1;
  return (u16be(bytes, at + ATTRIBUTES) & CONTROL) === 0 ? i32be(bytes, at + COUNT) : 0;
}

/** One that is compressed holds others. */
function ofOldMessage(bytes: Uint8Array, at: number, limit: number): number {
  if (bytes[at + MAGIC]! > 2 || at + MAGIC + 1 >= limit) return -1;
  return (bytes[at + MAGIC + 1]! & COMPRESSED) === 0 ? 1 : -1;
}

/** Whether records may stand at `[at, to)`: what their first bytes say of length and format fits. */
export function looksLikeRecords(bytes: Uint8Array, at: number, to: number, limit: number): boolean {
  if (at + MAGIC >= limit) return true;
  return bytes[at + MAGIC]! <= 2 && at + COUNTED_FROM + i32be(bytes, at + LENGTH) <= to;
}

/** Reads numbers as long as there are any; `at` is behind the end after that. */
class Numbers {
  at = 0;
  bytes: Uint8Array = new Uint8Array(0);
  limit = 0;

  /** A zigzag varint. */
  next(): number {
    let number = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = this.at < this.limit ? this.bytes[this.at]! : 0;
      this.at++;
      number += (byte & 127) * 2 ** shift;
      if (byte < 128) break;
    }
    return number % 2 === 0 ? number / 2 : -(number + 1) / 2;
  }

  /** Passes a value with its length in front. */
  pass(): void {
    const length = this.next();
    this.at += Math.max(0, length);
  }

  get over(): boolean {
    return this.at >= this.limit;
  }
}
const numbers = new Numbers();

/** What the headers of the first record in the batch at `at` say of its trace. */
export function contextOf(
  bytes: Uint8Array,
  at: number,
  limit: number,
  context: MessageContext,
): ContextHeaders | undefined {
  if (at + RECORDS >= limit || bytes[at + MAGIC] !== 2) return undefined;
  if ((u16be(bytes, at + ATTRIBUTES) & COMPRESSED) !== 0) return undefined;
  numbers.bytes = bytes;
  numbers.limit = limit;
  numbers.at = at + RECORDS;
  numbers.next();
  numbers.at++;
  numbers.next();
  numbers.next();
  numbers.pass();
  numbers.pass();
  return readHeaders(bytes, limit, context);
}

function readHeaders(bytes: Uint8Array, limit: number, context: MessageContext): ContextHeaders | undefined {
  let found: ContextHeaders | undefined;
  for (let left = Math.min(numbers.next(), MAX_HEADERS); left > 0 && !numbers.over; left--) {
    const nameLength = numbers.next();
    const name = numbers.at;
    numbers.at += Math.max(0, nameLength);
    const valueLength = numbers.next();
    const value = numbers.at;
    numbers.at += Math.max(0, valueLength);
    if (numbers.at > limit) return found;
    if (nameLength > 0 && valueLength > 0)
      found = context.take(
        found,
        text(bytes, name, name + nameLength),
        text(bytes, value, value + valueLength),
      );
  }
  return found;
}
