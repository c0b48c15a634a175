import { i32le, indexOf, latin1, text } from '../bytes.ts';

/** Element types (bsonspec.org), those that are looked at. */
export const BsonType = {
  double: 1,
  string: 2,
  document: 3,
  array: 4,
  boolean: 8,
  int32: 16,
  int64: 18,
} as const;

/** Bytes of a value by type: fixed; or, where its length is in its first four bytes, what is added to that. */
const VARIABLE = 64;
const REGEX = 126;
const INVALID = 127;
const SIZES = new Uint8Array(256).fill(INVALID);
for (const [type, size] of [
  ...[0x06, 0x0a, 0x7f, 0xff].map((type) => [type, 0] as const),
  ...[0x01, 0x09, 0x11, 0x12].map((type) => [type, 8] as const),
  ...[0x03, 0x04, 0x0f].map((type) => [type, VARIABLE] as const),
  ...[0x02, 0x0d, 0x0e].map((type) => [type, VARIABLE + 4] as const),
  ...[
    [0x05, VARIABLE + 5],
    [0x07, 12],
    [0x08, 1],
    [0x0b, REGEX],
    [0x0c, VARIABLE + 16],
    [0x10, 4],
    [0x13, 16],
  ],
] as Array<readonly [number, number]>)
  SIZES[type] = size;

const SHORTEST = 5;
const MAX_TEXT = 256;

/** True if a value of this type exists. */
export function isBsonType(type: number): boolean {
  return SIZES[type] !== INVALID;
}

/**
 * Walks over the fields of one document, of which only the bytes before `limit` may be there:
 *
 *   document = i32 length *( type name NUL value ) NUL        the length counts itself and the last NUL
 *
 * Values are skipped by their lengths; of one that is longer than what is there `valueEnd` lies beyond `limit`, and it is the last.
 */
export class BsonFields {
  type = 0;
  valueAt = 0;
  valueEnd = 0;
  malformed = false;
  #bytes: Uint8Array = new Uint8Array(0);
  #limit = 0;
  #end = 0;
  #nameAt = 0;
  #nameEnd = 0;

  /** Stands before the first field of the document at `at`. Its length must be there. */
  over(bytes: Uint8Array, at: number, limit: number): this {
    const length = i32le(bytes, at);
    this.#bytes = bytes;
    this.#end = at + length;
    this.#limit = Math.min(limit, this.#end);
    this.valueEnd = at + 4;
    this.malformed = length < SHORTEST;
    return this;
  }

  /** The same with the document that is the value of this field of `outer`. */
  inside(outer: BsonFields): this {
    return this.over(outer.#bytes, outer.valueAt, outer.#limit);
  }

  /** Moves to the next field. False behind the last one that is there, and where the rules are broken. */
  next(): boolean {
    const bytes = this.#bytes;
    const limit = this.#limit;
    const at = this.valueEnd;
    if (this.malformed || at >= limit) return false;
    const type = bytes[at]!;
    if (type === 0) {
      this.malformed = at !== this.#end - 1;
      return false;
    }
    const nameEnd = indexOf(bytes, 0, at + 1, limit);
    if (nameEnd < 0) return this.#cut();
    this.type = type;
    this.#nameAt = at + 1;
    this.#nameEnd = nameEnd;
    this.valueAt = nameEnd + 1;
    return this.#measure(SIZES[type]!);
  }

  /** Finds where the value ends. */
  #measure(size: number): boolean {
    const bytes = this.#bytes;
    const at = this.valueAt;
    if (size < VARIABLE) this.valueEnd = at + size;
    else if (size === INVALID) this.malformed = true;
    else if (size === REGEX) {
      const pattern = indexOf(bytes, 0, at, this.#limit);
      const options = pattern < 0 ? -1 : indexOf(bytes, 0, pattern + 1, this.#limit);
      if (options < 0) return this.#cut();
      this.valueEnd = options + 1;
    } else {
      if (at + 4 > this.#limit) return this.#cut();
      const length = i32le(bytes, at);
      this.malformed = length < 0;
      this.valueEnd = at + length + size - VARIABLE;
    }
    this.malformed ||= this.valueEnd >= this.#end;
    return !this.malformed;
  }

  /** The field goes on behind what is there; it must not where all of the document is there. */
  #cut(): false {
    this.malformed = this.#limit === this.#end;
    return false;
  }

  get nameStart(): number {
    return this.#bytes[this.#nameAt]!;
  }

  get nameLength(): number {
    return this.#nameEnd - this.#nameAt;
  }

  get name(): string {
    return latin1(this.#bytes, this.#nameAt, this.#nameEnd);
  }

  isNamed(name: string): boolean {
    if (this.#nameEnd - this.#nameAt !== name.length) return false;
    for (let i = 0; i < name.length; i++)
      if (this.#bytes[this.#nameAt + i] !== name.charCodeAt(i)) return false;
    return true;
  }

  /** A text of usual length, undefined for other values. */
  get text(): string | undefined {
    const length = this.valueEnd - this.valueAt - SHORTEST;
    if (this.type !== BsonType.string || length < 0 || length > MAX_TEXT) return undefined;
    return this.#isThere ? text(this.#bytes, this.valueAt + 4, this.valueEnd - 1) : undefined;
  }

  /** A number or truth value, undefined for other values. */
  get number(): number | undefined {
    if (!this.#isThere) return undefined;
    const at = this.valueAt;
    switch (this.type) {
      case BsonType.double:
        return new DataView(this.#bytes.buffer, this.#bytes.byteOffset + at, 8).getFloat64(0, true);
      case BsonType.boolean:
        return this.#bytes[at]!;
      case BsonType.int32:
        return i32le(this.#bytes, at);
      case BsonType.int64:
        return i32le(this.#bytes, at + 4) * 4294967296 + (i32le(this.#bytes, at) >>> 0);
      default:
        return undefined;
    }
  }

  /** Elements of an array, undefined where not all of them are there. */
  get size(): number | undefined {
    if (this.type !== BsonType.array || !this.#isThere) return undefined;
    counted.inside(this);
    let size = 0;
    while (counted.next()) size++;
    return counted.malformed ? undefined : size;
  }

  get #isThere(): boolean {
    return this.valueEnd <= this.#limit;
  }
}

const counted = new BsonFields();
