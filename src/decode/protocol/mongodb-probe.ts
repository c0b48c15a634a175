import { i32le, indexOf, u32le } from '../bytes.ts';
import { Claim } from '../decoder.ts';
import { isBsonType } from './bson.ts';
import { Flag, HEADER, Opcode } from './mongodb-message.ts';

/** `maxMessageSizeBytes` of every server, and something for what a driver puts around. */
const MAX_LENGTH = 48_000_000 + 16_384;
/** OP_MSG with an empty document. */
const MIN_LENGTH = HEADER + 10;
/** A claim looks at as much. */
const LOOKED_AT = 96;
const MAX_NAME = 64;
const ZLIB = 0x78;
const ZSTD = 0xfd2fb528;
const DOT = 46;

/** True if a message may be so long. */
export function isLength(length: number): boolean {
  return length >= MIN_LENGTH && length <= MAX_LENGTH;
}

/**
 * Whose are the bytes at the start of a record? Lengths must agree: that of the message with that of the document in it, or what compressed bytes
 * begin with. Requests answer nothing, replies something.
 */
export function probeMongodb(bytes: Uint8Array, from: number, to: number, final: boolean): Claim {
  const length = to - from >= 4 ? i32le(bytes, from) : MIN_LENGTH;
  if (!isLength(length)) return Claim.no;
  const isWhole = to - from >= Math.min(length, LOOKED_AT);
  if (to - from < HEADER + 10 || (!isWhole && !final)) {
    const opcode = to - from >= HEADER ? i32le(bytes, from + 12) : Opcode.message;
    return final || !isProbed(opcode) ? Claim.no : Claim.more;
  }
  const end = from + length;
  const asks = i32le(bytes, from + 8) === 0;
  return isLike(bytes, from + HEADER, end, Math.min(to, end), i32le(bytes, from + 12), asks)
    ? asks
      ? Claim.request
      : Claim.response
    : Claim.no;
}

function isProbed(opcode: number): boolean {
  return (
    opcode === Opcode.message ||
    opcode === Opcode.compressed ||
    opcode === Opcode.query ||
    opcode === Opcode.reply
  );
}

function isLike(
  bytes: Uint8Array,
  at: number,
  end: number,
  limit: number,
  opcode: number,
  asks: boolean,
): boolean {
  switch (opcode) {
    case Opcode.message:
      return isMessage(bytes, at, end, limit, asks);
    case Opcode.compressed:
      return isCompressed(bytes, at, end, limit, asks);
    case Opcode.query:
      return asks && isQuery(bytes, at, end, limit);
    case Opcode.reply:
      return !asks && isReply(bytes, at, end, limit);
    default:
      return false;
  }
}

/** Drivers and servers send the body first. */
function isMessage(bytes: Uint8Array, at: number, end: number, limit: number, asks: boolean): boolean {
  const flags = u32le(bytes, at);
  const allowed = Flag.checksum | Flag.moreToCome | (asks ? Flag.exhaustAllowed : 0);
  if ((flags & ~allowed) !== 0 || bytes[at + 4] !== 0) return false;
  const sectionsEnd = end - ((flags & Flag.checksum) !== 0 ? 4 : 0);
  const next = at + 5 + i32le(bytes, at + 5);
  if (next > sectionsEnd || (next < sectionsEnd && next < limit && bytes[next] !== 1)) return false;
  return isDocument(bytes, at + 5, next, limit, asks);
}

/** Its first field has a type and a name that exist, an answer may also be empty. */
function isDocument(bytes: Uint8Array, at: number, end: number, limit: number, asks: boolean): boolean {
  if (end - at === 5) return !asks && at + 4 < limit && bytes[at + 4] === 0;
  if (end - at < 8 || at + 7 > limit || !isBsonType(bytes[at + 4]!)) return false;
  return isName(bytes, at + 5, Math.min(limit, end));
}

/** Printable ASCII and its NUL. */
function isName(bytes: Uint8Array, at: number, limit: number): boolean {
  const last = Math.min(limit, at + MAX_NAME);
  for (let i = at; i < last; i++) {
    const byte = bytes[i]!;
    if (byte === 0) return i > at;
    if (byte < 0x24 || byte > 0x7e) return false;
  }
  return false;
}

function isCompressed(bytes: Uint8Array, at: number, end: number, limit: number, asks: boolean): boolean {
  const opcode = i32le(bytes, at);
  const size = i32le(bytes, at + 4);
  const content = at + 9;
  if (!isProbed(opcode) || opcode === Opcode.compressed || !isLength(size + HEADER)) return false;
  if (content + 5 > limit) return false;
  switch (bytes[at + 8]) {
    case 0:
      return size === end - content && isLike(bytes, content, end, limit, opcode, asks);
    case 1:
      return varint(bytes, content, limit) === size;
    case 2:
      // RFC 1950: the first two bytes are a multiple of 31.
      return bytes[content] === ZLIB && ((ZLIB << 8) | bytes[content + 1]!) % 31 === 0;
    case 3:
      return u32le(bytes, content) === ZSTD;
    default:
      return false;
  }
}

function varint(bytes: Uint8Array, at: number, limit: number): number {
  let value = 0;
  for (let i = 0; i < 5 && at + i < limit; i++) {
    value += (bytes[at + i]! & 0x7f) * 2 ** (7 * i);
    if (bytes[at + i]! < 0x80) return value;
  }
  return -1;
}

/** A name with a dot, and a document that ends with the message or before a second one. */
function isQuery(bytes: Uint8Array, at: number, end: number, limit: number): boolean {
  const nameEnd = indexOf(bytes, 0, at + 4, limit);
  if (nameEnd < 0 || !isName(bytes, at + 4, limit) || indexOf(bytes, DOT, at + 4, nameEnd) < 0) return false;
  const document = nameEnd + 9;
  if (document + 4 > limit || i32le(bytes, at) >>> 8 !== 0) return false;
  return isDocument(bytes, document, document + i32le(bytes, document), limit, true) && document < end;
}

function isReply(bytes: Uint8Array, at: number, end: number, limit: number): boolean {
  if (at + 20 > limit) return false;
  const count = i32le(bytes, at + 16);
  if (u32le(bytes, at) > 15 || count < 0) return false;
  if (count === 0) return end === at + 20;
  const document = at + 20;
  if (document + 4 > limit) return false;
  const next = document + i32le(bytes, document);
  return (count === 1 ? next === end : next < end) && isDocument(bytes, document, next, limit, false);
}
