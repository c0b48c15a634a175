/**
 * Reader of Hessian 2 values, as Dubbo serialises calls with it (hessian-lite). Texts are read, everything else is skipped.
 *
 *   string  00-1f chars | 30-33 len chars | (52 len16 chars)* 53 len16 chars      lengths count UTF-16 units, chars are UTF-8
 *   binary  20-2f bytes | 34-37 len bytes | (41 len16 bytes)* 42 len16 bytes
 *   int     80-bf | c0-cf b0 | d0-d7 b1 b0 | 49 b32        long   d8-ef | f0-ff b0 | 38-3f b1 b0 | 59 b32 | 4c b64
 *   double  5b | 5c | 5d b0 | 5e b16 | 5f b32 | 44 b64     date   4a b64 | 4b b32     null 4e, true 54, false 46, reference 51 int
 *   list    55 type value* 5a | 56 type int value* | 57 value* 5a | 58 int value* | 70-77 type value* | 78-7f value*
 *   map     4d type (key value)* 5a | 48 (key value)* 5a
 *   class   43 name int field*                             object 4f int value* | 60-6f value*
 *
 * Nothing is followed: a reference costs no more than its number, and nesting is counted on a stack of bounded depth.
 */

import { text, u16be } from '../bytes.ts';

/** Values within values; deeper ones are not skipped. */
const MAX_DEPTH = 64;
/** Classes of one message whose number of fields is kept. */
const MAX_CLASSES = 256;

const END = 0x5a;
/** In the place of a number of values: until `END`. */
const UNTIL_END = -1;

const STRING = -1;
const BINARY = -2;
const OTHER = -3;
/** Bytes behind the code of values of fixed size, or what else it is the code of. */
const SIZE = new Int8Array(256).fill(OTHER);
const fix = (from: number, to: number, size: number): void => {
  SIZE.fill(size, from, to + 1);
};
fix(0x00, 0x1f, STRING);
fix(0x30, 0x33, STRING);
fix(0x52, 0x53, STRING);
fix(0x20, 0x2f, BINARY);
fix(0x34, 0x37, BINARY);
fix(0x41, 0x42, BINARY);
fix(0x80, 0xbf, 0);
fix(0xc0, 0xcf, 1);
fix(0xd0, 0xd7, 2);
fix(0x49, 0x49, 4);
fix(0xd8, 0xef, 0);
fix(0xf0, 0xff, 1);
fix(0x38, 0x3f, 2);
fix(0x59, 0x59, 4);
fix(0x4c, 0x4c, 8);
fix(0x5b, 0x5c, 0);
fix(0x5d, 0x5d, 1);
fix(0x5e, 0x5e, 2);
fix(0x5f, 0x5f, 4);
fix(0x44, 0x44, 8);
fix(0x4a, 0x4a, 8);
fix(0x4b, 0x4b, 4);
fix(0x4e, 0x4e, 0);
fix(0x54, 0x54, 0);
fix(0x46, 0x46, 0);

/** One for all messages: they are read one after another. Every method answers undefined, or false, where the bytes end or are none of this format. */
export class HessianReader {
  at = 0;
  #bytes: Uint8Array = new Uint8Array(0);
  #to = 0;
  #classes: number[] = [];
  /** Values that are still to come at each level of nesting. */
  readonly #left = new Int32Array(MAX_DEPTH);

  over(bytes: Uint8Array, from: number, to: number): this {
    this.#bytes = bytes;
    this.at = from;
    this.#to = to;
    this.#classes.length = 0;
    return this;
  }

  /** The code of the value at the place, -1 at the end. */
  get code(): number {
    return this.at < this.#to ? this.#bytes[this.at]! : -1;
  }

  /** A text of at most `most` bytes; a longer one is cut there. Stays where it is if there is none. */
  string(most: number): string | undefined {
    const start = this.at;
    const first = this.code;
    const head = first <= 0x1f ? 1 : 2;
    if (first < 0 || !isPlainString(first) || start + head > this.#to) {
      return first === 0x52 || first === 0x53 ? this.#chunkedString(most) : undefined;
    }
    const length = head === 1 ? first : ((first - 0x30) << 8) | this.#bytes[start + 1]!;
    const from = start + head;
    const end = this.#charsEnd(from, length);
    if (end < 0) return undefined;
    this.at = end;
    return text(this.#bytes, from, Math.min(end, from + most));
  }

  /** Behind the value at the place. */
  skip(): boolean {
    const left = this.#left;
    let depth = 0;
    left[0] = 1;
    for (;;) {
      while (left[depth] === 0) if (--depth < 0) return true;
      if (this.code === END && left[depth] === UNTIL_END) {
        this.at++;
        if (--depth < 0) return true;
        continue;
      }
      if (this.code === 0x43) {
        if (!this.#readClass()) return false;
        continue;
      }
      if (left[depth]! > 0) left[depth]!--;
      const inside = this.#open();
      if (inside === undefined) return false;
      if (inside === 0) continue;
      if (++depth >= MAX_DEPTH) return false;
      left[depth] = inside;
    }
  }

  /** The class of the object, or typed map, at the place, which no other of its class comes before: `java.lang.IllegalStateException`. */
  className(most: number): string | undefined {
    if (this.code !== 0x43 && this.code !== 0x4d) return undefined;
    this.at++;
    return this.string(most);
  }

  /** Steps into a map: true if it is one. Keys and values follow, then `atEnd`. */
  openMap(): boolean {
    if (this.code === 0x48) {
      this.at++;
      return true;
    }
    if (this.code !== 0x4d) return false;
    this.at++;
    return this.#skipType();
  }

  /** Steps over the end of a map if it is there. */
  closeMap(): boolean {
    if (this.code !== END) return false;
    this.at++;
    return true;
  }

  /** Skips a value, but not the values in it: how many these are. Undefined if there is none. */
  #open(): number | undefined {
    const code = this.code;
    if (code < 0) return undefined;
    const size = SIZE[code]!;
    if (size >= 0) return this.#advance(1 + size) ? 0 : undefined;
    if (size === STRING) return this.string(0) === undefined ? undefined : 0;
    if (size === BINARY) return this.#skipBinary() ? 0 : undefined;
    this.at++;
    if (code >= 0x60 && code <= 0x6f) return this.#classes[code - 0x60];
    if (code >= 0x70 && code <= 0x77) return this.#skipType() ? code - 0x70 : undefined;
    if (code >= 0x78 && code <= 0x7f) return code - 0x78;
    return this.#openCounted(code);
  }

  /** Of what says how many values are in it, or has an end. */
  #openCounted(code: number): number | undefined {
    switch (code) {
      case 0x48:
      case 0x57:
        return UNTIL_END;
      case 0x4d:
      case 0x55:
        return this.#skipType() ? UNTIL_END : undefined;
      case 0x56:
        return this.#skipType() ? this.#count() : undefined;
      case 0x58:
        return this.#count();
      case 0x4f: {
        const index = this.#int();
        return index === undefined ? undefined : this.#classes[index];
      }
      case 0x51:
        return this.#int() === undefined ? undefined : 0;
      default:
        return undefined;
    }
  }

  #advance(count: number): boolean {
    this.at += count;
    return this.at <= this.#to;
  }

  /** Number of values that a list says it has. */
  #count(): number | undefined {
    const count = this.#int();
    return count === undefined || count < 0 ? undefined : count;
  }

  #int(): number | undefined {
    const code = this.code;
    const at = this.at;
    const isInt = (code >= 0x80 && code <= 0xd7) || code === 0x49;
    if (!isInt || !this.#advance(1 + SIZE[code]!)) return undefined;
    const bytes = this.#bytes;
    if (code <= 0xbf) return code - 0x90;
    if (code <= 0xcf) return ((code - 0xc8) << 8) + bytes[at + 1]!;
    if (code <= 0xd7) return ((code - 0xd4) << 16) + u16be(bytes, at + 1);
    return (u16be(bytes, at + 1) << 16) | u16be(bytes, at + 3);
  }

  /** A type is its name, or the number of one that was named before. */
  #skipType(): boolean {
    return (this.string(0) ?? this.#int()) !== undefined;
  }

  #readClass(): boolean {
    this.at++;
    if (this.string(0) === undefined) return false;
    const fields = this.#count();
    if (fields === undefined || this.#classes.length >= MAX_CLASSES) return false;
    for (let i = 0; i < fields; i++) if (this.string(0) === undefined) return false;
    this.#classes.push(fields);
    return true;
  }

  #skipBinary(): boolean {
    for (;;) {
      const code = this.code;
      if (code >= 0x20 && code <= 0x2f) return this.#advance(1 + code - 0x20);
      if (this.at + 3 > this.#to) return false;
      if (code >= 0x34 && code <= 0x37)
        return this.#advance(2 + (((code - 0x34) << 8) | this.#bytes[this.at + 1]!));
      if (code !== 0x41 && code !== 0x42) return false;
      if (!this.#advance(3 + u16be(this.#bytes, this.at + 1))) return false;
      if (code === 0x42) return true;
    }
  }

  #chunkedString(most: number): string | undefined {
    const start = this.at;
    let read = '';
    for (;;) {
      const code = this.code;
      if (code !== 0x52 && code !== 0x53) {
        return this.at === start || this.string(0) === undefined ? undefined : read;
      }
      if (this.at + 3 > this.#to) return undefined;
      const from = this.at + 3;
      const end = this.#charsEnd(from, u16be(this.#bytes, this.at + 1));
      if (end < 0) return undefined;
      this.at = end;
      if (read === '') read = text(this.#bytes, from, Math.min(end, from + most));
      if (code === 0x53) return read;
    }
  }

  /** Where a text of so many UTF-16 units ends, -1 if it is not there or not UTF-8. Four bytes are two units. */
  #charsEnd(from: number, length: number): number {
    const bytes = this.#bytes;
    let i = from;
    for (let left = length; left > 0; left--) {
      if (i >= this.#to) return -1;
      const lead = bytes[i]!;
      if (lead < 0x80) i++;
      else if (lead >= 0xc0 && lead < 0xe0) i += 2;
      else if (lead >= 0xe0 && lead < 0xf0) i += 3;
      else if (lead >= 0xf0 && lead < 0xf8) {
        i += 4;
        left--;
      } else return -1;
    }
    return i <= this.#to ? i : -1;
  }
}

function isPlainString(code: number): boolean {
  return code <= 0x1f || (code >= 0x30 && code <= 0x33);
}
