/**
 * Plain objects to the bytes of protobuf messages (proto3), by tables of their fields. For what is sent seldom; spans have an encoder of their own
 * (otlp-protobuf.ts).
 *
 * A message is written from its end to its start: the length in front of a nested one is known when it is due.
 */

/** How a field's value is given and written. `hex`: bytes. `fixed64`: an integer, from 2^53 on a bigint. `s` at the end: a list, packed. */
export type FieldType = 'text' | 'hex' | 'double' | 'fixed64' | 'varint' | 'doubles' | 'fixed64s';

/** A field of a message: its number, its key in the object, what it holds. A list of messages is a repeated field. A key that is absent is not written. */
export type Field = readonly [number: number, key: string, type: FieldType | readonly Field[]];

const VARINT = 0;
const FIXED_64 = 1;
const LENGTH_DELIMITED = 2;
const INITIAL_BYTES = 64 * 1024;

/** Throws a RangeError where a `varint` is above 127: only enumerations and booleans are written so. */
export function encodeMessage(message: object, fields: readonly Field[]): Buffer {
  const writer = new Writer();
  writer.message(message, fields);
  return writer.written();
}

class Writer {
  #bytes = Buffer.allocUnsafeSlow(INITIAL_BYTES);
  /** Where what is written begins; it ends with the buffer. */
  #at = INITIAL_BYTES;

  written(): Buffer {
    return this.#bytes.subarray(this.#at);
  }

  message(message: object, fields: readonly Field[]): void {
    for (let i = fields.length - 1; i >= 0; i--) {
      const [number, key, type] = fields[i]!;
      const value = (message as Readonly<Record<string, unknown>>)[key];
      if (value === undefined) continue;
      if (typeof type === 'string') this.#scalar(number, type, value);
      else if (!Array.isArray(value)) this.#nested(number, value as object, type);
      else for (let j = value.length - 1; j >= 0; j--) this.#nested(number, value[j] as object, type);
    }
  }

  #nested(number: number, value: object, fields: readonly Field[]): void {
    const end = this.#fromEnd();
    this.message(value, fields);
    this.#lengthSince(end);
    this.#tag(number, LENGTH_DELIMITED);
  }

  #scalar(number: number, type: FieldType, value: unknown): void {
    switch (type) {
      case 'double':
        this.#double(value as number);
        return this.#tag(number, FIXED_64);
      case 'fixed64':
        this.#fixed64(value as number | bigint);
        return this.#tag(number, FIXED_64);
      case 'varint':
        this.#byte(small(Number(value)));
        return this.#tag(number, VARINT);
    }
    const end = this.#fromEnd();
    if (type === 'text' || type === 'hex') this.#raw(value as string, type === 'text' ? 'utf8' : 'hex');
    else if (type === 'doubles') this.#each(value as readonly number[], (each) => this.#double(each));
    else this.#each(value as readonly number[], (each) => this.#fixed64(each));
    this.#lengthSince(end);
    this.#tag(number, LENGTH_DELIMITED);
  }

  #each(values: readonly number[], write: (value: number) => void): void {
    for (let i = values.length - 1; i >= 0; i--) write(values[i]!);
  }

  #double(value: number): void {
    this.#at = this.#before(8);
    this.#bytes.writeDoubleLE(value, this.#at);
  }

  #fixed64(value: number | bigint): void {
    this.#at = this.#before(8);
    if (typeof value === 'bigint') this.#bytes.writeBigUInt64LE(value, this.#at);
    else {
      this.#bytes.writeUInt32LE(value % 2 ** 32, this.#at);
      this.#bytes.writeUInt32LE(Math.floor(value / 2 ** 32), this.#at + 4);
    }
  }

  #raw(text: string, encoding: 'utf8' | 'hex'): void {
    const length = Buffer.byteLength(text, encoding);
    this.#at = this.#before(length);
    this.#bytes.write(text, this.#at, length, encoding);
  }

  #tag(number: number, wireType: number): void {
    this.#byte(small((number << 3) | wireType));
  }

  #byte(value: number): void {
    this.#at = this.#before(1);
    this.#bytes[this.#at] = value;
  }

  #fromEnd(): number {
    return this.#bytes.length - this.#at;
  }

  #lengthSince(end: number): void {
    const length = this.#fromEnd() - end;
    let bytes = 1;
    for (let rest = length; rest > 0x7f; rest >>>= 7) bytes++;
    for (let i = bytes - 1; i >= 0; i--)
      this.#byte(((length >>> (7 * i)) & 0x7f) | (i === bytes - 1 ? 0 : 0x80));
  }

  /** Where `count` bytes go in front of what is written; makes room for them. */
  #before(count: number): number {
    if (count > this.#at) {
      const grown = Buffer.allocUnsafeSlow(this.#bytes.length * 2 + count);
      const at = grown.length - this.#fromEnd();
      this.#bytes.copy(grown, at, this.#at);
      this.#bytes = grown;
      this.#at = at;
    }
    return this.#at - count;
  }
}

function small(value: number): number {
  if (!(value >= 0 && value <= 0x7f)) throw new RangeError(`${value} needs more than one byte`);
  return value;
}
