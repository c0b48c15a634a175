import { u16be, u32be, u64be } from '../bytes.ts';
import type { ContextHeaders } from '../context-headers.ts';
import type { ContextFields } from './context-fields.ts';
import { boundedText } from './messaging.ts';

/** Reads fields one after another; beyond the end they are empty, and `short` says so. One for all frames. */
export class FieldReader {
  bytes: Uint8Array = new Uint8Array(0);
  at = 0;
  to = 0;
  short = false;

  over(bytes: Uint8Array, at: number, to: number): this {
    this.bytes = bytes;
    this.at = at;
    this.to = to;
    this.short = false;
    return this;
  }

  skip(count: number): this {
    this.at += count;
    if (this.at > this.to) this.short = true;
    return this;
  }

  u8(): number {
    this.skip(1);
    return this.short ? 0 : this.bytes[this.at - 1]!;
  }

  u16(): number {
    this.skip(2);
    return this.short ? 0 : u16be(this.bytes, this.at - 2);
  }

  u32(): number {
    this.skip(4);
    return this.short ? 0 : u32be(this.bytes, this.at - 4);
  }

  u64(): number {
    this.skip(8);
    return this.short ? 0 : u64be(this.bytes, this.at - 8);
  }

  /** shortstr: length:1 bytes. */
  text(): string {
    const length = this.u8();
    this.skip(length);
    return this.short || length === 0 ? '' : boundedText(this.bytes, this.at - length, this.at);
  }

  skipText(): this {
    return this.skip(this.u8());
  }
}

/** Bytes of values by the letter of their type; of S, x, A and F the length is in front of them      4.2.5.5, RabbitMQ's errata */
const SIZES = new Int8Array(128).fill(-1);
const LONG = -2;
for (const [letters, size] of [
  ['tbB', 1],
  ['sUu', 2],
  ['Iif', 4],
  ['D', 5],
  ['lLdT', 8],
  ['V', 0],
  ['SxAF', LONG],
] as const) {
  for (const letter of letters) SIZES[letter.charCodeAt(0)] = size;
}
const TEXT = 0x53; // S

/** A field of a table: where its name and its value stand; `type` is the letter of the value's type. */
type Visit = (name: number, nameEnd: number, type: number, value: number, valueEnd: number) => void;

/** Tells every field of the table behind the reader, as far as it is there, and moves behind it. */
export function readTable(fields: FieldReader, visit: Visit): void {
  const length = fields.u32();
  const { bytes, at } = fields;
  const to = Math.min(at + length, fields.to);
  for (let name = at + 1; name <= to;) {
    const nameEnd = name + bytes[name - 1]!;
    if (nameEnd >= to) break;
    const type = bytes[nameEnd]!;
    let value = nameEnd + 1;
    let size: number = SIZES[type & 0x7f]!;
    if (size === -1) break;
    if (size === LONG) {
      if (value + 4 > to) break;
      size = u32be(bytes, value);
      value += 4;
    }
    if (value + size > to) break;
    visit(name, nameEnd, type, value, value + size);
    name = value + size + 1;
  }
  fields.skip(length);
}

/** What a content header says of the message. */
export interface Properties {
  /** Bytes; -1 where it is not known. */
  bodySize: number;
  messageId: string;
  correlationId: string;
  contextHeaders: ContextHeaders | undefined;
}

export const NO_PROPERTIES: Properties = {
  bodySize: -1,
  messageId: '',
  correlationId: '',
  contextHeaders: undefined,
};

const CONTENT_TYPE = 0x8000;
const CONTENT_ENCODING = 0x4000;
const HEADERS = 0x2000;
const DELIVERY_MODE = 0x1000;
const PRIORITY = 0x0800;
const CORRELATION_ID = 0x0400;
const REPLY_TO = 0x0200;
const EXPIRATION = 0x0100;
const MESSAGE_ID = 0x0080;

/** class:2 weight:2 body size:8 flags:2 properties in the order of their flags      4.2.6.1 */
export function readProperties(fields: FieldReader, context: ContextFields): Properties {
  const properties: Properties = { ...NO_PROPERTIES };
  const bodySize = fields.skip(4).u64();
  const flags = fields.u16();
  if (fields.short) return properties;
  properties.bodySize = bodySize;
  if ((flags & CONTENT_TYPE) !== 0) fields.skipText();
  if ((flags & CONTENT_ENCODING) !== 0) fields.skipText();
  if ((flags & HEADERS) !== 0) properties.contextHeaders = readContext(fields, context);
  if ((flags & DELIVERY_MODE) !== 0) fields.skip(1);
  if ((flags & PRIORITY) !== 0) fields.skip(1);
  if ((flags & CORRELATION_ID) !== 0) properties.correlationId = fields.text();
  if ((flags & REPLY_TO) !== 0) fields.skipText();
  if ((flags & EXPIRATION) !== 0) fields.skipText();
  if ((flags & MESSAGE_ID) !== 0) properties.messageId = fields.text();
  return properties;
}

function readContext(fields: FieldReader, context: ContextFields): ContextHeaders | undefined {
  const { bytes } = fields;
  let headers: ContextHeaders | undefined;
  readTable(fields, (name, nameEnd, type, value, valueEnd) => {
    if (type === TEXT) headers = context.add(headers, bytes, name, nameEnd, value, valueEnd);
  });
  return headers;
}

const CONNECTION_NAME = 'connection_name';

/** The name that a client gives its connection, '' if it gives none. */
export function readConnectionName(fields: FieldReader): string {
  const { bytes } = fields;
  let found = '';
  readTable(fields, (name, nameEnd, type, value, valueEnd) => {
    if (type !== TEXT || nameEnd - name !== CONNECTION_NAME.length) return;
    if (boundedText(bytes, name, nameEnd) === CONNECTION_NAME) found = boundedText(bytes, value, valueEnd);
  });
  return found;
}
