/**
 * Texts in Dubbo bodies that fastjson2 has serialised: every value is a block of its own, of four bytes of length and the value in JSONB.
 *
 *   text    49-78 chars (0 to 47) | 79 size chars | 7a size chars        79 ASCII, 7a UTF-8
 *   size    00-2f | 30-3f b0 (12 bits from -2048 at 38) | 40-47 b1 b0 (19 bits from -262144 at 44)
 *   int8    bd b0               object   a6 (key value)* a5               typed    92 text value
 */

import { text, u16be, u32be } from '../bytes.ts';

const FIRST_SHORT = 0x49;
const LAST_SHORT = 0x78;
const OBJECT = 0xa6;
const OBJECT_END = 0xa5;

/** One for all messages. Every method answers undefined, or false, where the bytes end or are none of this format. */
export class JsonbReader {
  at = 0;
  #bytes: Uint8Array = new Uint8Array(0);
  #to = 0;

  over(bytes: Uint8Array, from: number, to: number): this {
    this.#bytes = bytes;
    this.at = from;
    this.#to = to;
    return this;
  }

  /** The text that the block at the place is. Stays where it is if it is something else. */
  block(most: number): string | undefined {
    const start = this.at;
    if (!this.openBlock()) return undefined;
    const found = this.string(most);
    if (found === undefined || this.at !== start + 4 + u32be(this.#bytes, start)) {
      this.at = start;
      return undefined;
    }
    return found;
  }

  skipBlock(): boolean {
    if (this.at + 4 > this.#to) return false;
    this.at += 4 + u32be(this.#bytes, this.at);
    return this.at <= this.#to;
  }

  /** Steps behind a block's length. */
  openBlock(): boolean {
    this.at += 4;
    return this.at < this.#to;
  }

  /** An int8. */
  byte(): number | undefined {
    if (this.at + 2 > this.#to || this.#bytes[this.at] !== 0xbd) return undefined;
    this.at += 2;
    return this.#bytes[this.at - 1]!;
  }

  openObject(): boolean {
    return this.#is(OBJECT);
  }

  closeObject(): boolean {
    return this.#is(OBJECT_END);
  }

  /** The class of the value in the block at the place, where it says so. */
  className(most: number): string | undefined {
    return this.openBlock() && this.#is(0x92) ? this.string(most) : undefined;
  }

  /** A text of at most `most` bytes; a longer one is cut there. */
  string(most: number): string | undefined {
    const code = this.#take();
    let length = code - FIRST_SHORT;
    if (code < FIRST_SHORT || code > 0x7a) return undefined;
    if (code > LAST_SHORT) {
      const size = this.#size();
      if (size < 0) return undefined;
      length = size;
    }
    const from = this.at;
    if (from + length > this.#to) return undefined;
    this.at = from + length;
    return text(this.#bytes, from, Math.min(this.at, from + most));
  }

  #is(code: number): boolean {
    if (this.at >= this.#to || this.#bytes[this.at] !== code) return false;
    this.at++;
    return true;
  }

  #take(): number {
    return this.at < this.#to ? this.#bytes[this.at++]! : -1;
  }

  /** -1 if it is none. */
  #size(): number {
    const code = this.#take();
    if (code <= 0x2f) return code;
    if (code <= 0x3f) return ((code - 0x38) << 8) + this.#take();
    if (code > 0x47 || this.at + 2 > this.#to) return -1;
    this.at += 2;
    return ((code - 0x44) << 16) + u16be(this.#bytes, this.at - 2);
  }
}
