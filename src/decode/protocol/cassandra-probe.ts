import { i32be, startsWith, u16be } from '../bytes.ts';
import { Claim } from '../decoder.ts';
import {
  COMPRESSED_HEADER,
  Flag,
  HEADER,
  hasSegments,
  isVersion,
  Opcode,
  PLAIN_HEADER,
  readHeader,
  readSegment,
  type Envelope,
  type Segment,
} from './cassandra-frame.ts';
import { decompressLz4 } from './decompress.ts';

/** Bytes of a body that a claim looks at. */
const LOOKED_AT = 12;
/** Ids of statements are MD5 sums, of Cassandra and what speaks like it. */
const ID = 16;
const EVENTS = ['TOPOLOGY_CHANGE', 'STATUS_CHANGE', 'SCHEMA_CHANGE'];
/** native_protocol_v5.spec, 9. */
const ERRORS: ReadonlySet<number> = new Set([
  ...[0x0000, 0x000a, 0x0100, 0x1000, 0x1001, 0x1002, 0x1003, 0x1100, 0x1200, 0x1300, 0x1400, 0x1500],
  ...[0x1600, 0x1700, 0x2000, 0x2100, 0x2200, 0x2300, 0x2400, 0x2500],
]);

const envelope: Envelope = { version: 0, flags: 0, stream: 0, opcode: 0, length: 0 };
const segment: Segment = { length: 0, plainLength: 0, selfContained: false };

/**
 * Whose are the bytes at the start of a record? An envelope's header and the beginning of its body must agree. In the middle of a connection a
 * segment is one by its CRC and the envelope that it begins with. An envelope whose body begins with something optional is only like one.
 */
export function probeCassandra(
  bytes: Uint8Array,
  from: number,
  to: number,
  final: boolean,
  joined: boolean,
): Claim {
  if (to <= from) return final ? Claim.no : Claim.more;
  const claim = probeEnvelope(bytes, from, to, final);
  if (claim === Claim.request || claim === Claim.response || !joined) return claim;
  const framed = probeSegments(bytes, from, to, final);
  return framed === Claim.no || (framed === Claim.more && claim !== Claim.no) ? claim : framed;
}

function probeEnvelope(bytes: Uint8Array, from: number, to: number, final: boolean): Claim {
  const first = bytes[from]!;
  const fromClient = first < 0x80;
  if (to - from < HEADER) {
    const possible = isVersion(first & 0x7f) && (to - from < 2 || bytes[from + 1]! <= 31);
    return possible && !final ? Claim.more : Claim.no;
  }
  if (!readHeader(envelope, bytes, from, fromClient)) return Claim.no;
  const needed = HEADER + Math.min(envelope.length, LOOKED_AT);
  if (to - from < needed) return final ? Claim.no : Claim.more;
  const { flags, length, opcode } = envelope;
  if ((flags & ~Flag.beta) !== 0) {
    if (length === 0) return Claim.no;
    return fromClient ? Claim.likeRequest : Claim.likeResponse;
  }
  const limit = Math.min(to, from + HEADER + length);
  const isRight = fromClient
    ? isRequest(bytes, from + HEADER, limit, opcode, length)
    : isResponse(bytes, from + HEADER, limit, opcode, length);
  if (!isRight) return Claim.no;
  return fromClient ? Claim.request : Claim.response;
}

function isRequest(bytes: Uint8Array, at: number, limit: number, opcode: number, length: number): boolean {
  switch (opcode) {
    case Opcode.options:
      return length === 0;
    case Opcode.startup:
      return length >= 8 && isFew(bytes, at) && isName(bytes, at + 2, limit, length - 2);
    case Opcode.register:
      return length >= 8 && isFew(bytes, at) && isEvent(bytes, at + 2, limit);
    case Opcode.query:
      return isCql(bytes, at, length, 3);
    case Opcode.prepare:
      return isCql(bytes, at, length, 0);
    case Opcode.execute:
      return length >= 2 + ID + 3 && u16be(bytes, at) === ID;
    case Opcode.batch:
      return length >= 6 && bytes[at]! <= 2 && (u16be(bytes, at + 1) === 0 || bytes[at + 3]! <= 1);
    default:
      return isToken(bytes, at, length);
  }
}

function isResponse(bytes: Uint8Array, at: number, limit: number, opcode: number, length: number): boolean {
  switch (opcode) {
    case Opcode.ready:
      return length === 0;
    case Opcode.error:
      return length >= 6 && ERRORS.has(i32be(bytes, at)) && u16be(bytes, at + 4) <= length - 6;
    case Opcode.authenticate:
      return length > 2 && u16be(bytes, at) === length - 2 && isText(bytes, at + 2, limit);
    case Opcode.supported:
      return length >= 2 && (length === 2 || isName(bytes, at + 2, limit, length - 2));
    case Opcode.result:
      return isResult(bytes, at, length);
    case Opcode.event:
      return length > 12 && isEvent(bytes, at, limit);
    default:
      return isToken(bytes, at, length);
  }
}

/** A list of at least one and not many. */
function isFew(bytes: Uint8Array, at: number): boolean {
  const count = u16be(bytes, at);
  return count > 0 && count < 64;
}

/** A [string] of capitals and `_`, of which `left` bytes can be there. */
function isName(bytes: Uint8Array, at: number, limit: number, left: number): boolean {
  const length = u16be(bytes, at);
  if (length === 0 || length > 64 || length > left - 2) return false;
  const end = Math.min(limit, at + 2 + length);
  for (let i = at + 2; i < end; i++) {
    const byte = bytes[i]!;
    if (byte !== 0x5f && (byte < 0x41 || byte > 0x5a)) return false;
  }
  return true;
}

/** The [string] is the name of a kind of event, as far as it is there. */
function isEvent(bytes: Uint8Array, at: number, limit: number): boolean {
  return EVENTS.some((name) => {
    const known = name.slice(0, Math.max(0, limit - at - 2));
    return u16be(bytes, at) === name.length && startsWith(bytes, at + 2, limit, known);
  });
}

/** A [long string] that begins like a text, and `rest` bytes or more. */
function isCql(bytes: Uint8Array, at: number, length: number, rest: number): boolean {
  if (length < 5) return false;
  const size = i32be(bytes, at);
  return size > 0 && size <= length - 4 - rest && isText(bytes, at + 4, at + Math.min(length, 5, size + 4));
}

function isText(bytes: Uint8Array, from: number, to: number): boolean {
  for (let i = from; i < to; i++) {
    const byte = bytes[i]!;
    if (byte < 0x20 ? byte < 9 || byte > 13 : byte > 0x7e) return false;
  }
  return true;
}

/** [bytes] that are all of the body. */
function isToken(bytes: Uint8Array, at: number, length: number): boolean {
  if (length < 4) return false;
  const size = i32be(bytes, at);
  return size === length - 4 || (size === -1 && length === 4);
}

function isResult(bytes: Uint8Array, at: number, length: number): boolean {
  if (length < 4) return false;
  switch (i32be(bytes, at)) {
    case 1:
      return length === 4;
    case 2:
      // i32 flags, of which 0x7 and, since v5, 0x8 are known, i32 columns.
      return length >= 16 && i32be(bytes, at + 4) >>> 4 === 0 && i32be(bytes, at + 8) >>> 16 === 0;
    case 3:
      return length > 6 && u16be(bytes, at + 4) === length - 6;
    case 4:
      return length >= 6 + ID && u16be(bytes, at + 4) === ID;
    case 5:
      return length > 12 && u16be(bytes, at + 4) === 7; // CREATED, UPDATED, DROPPED
    default:
      return false;
  }
}

function probeSegments(bytes: Uint8Array, from: number, to: number, final: boolean): Claim {
  if (to - from < COMPRESSED_HEADER + HEADER) return final ? Claim.no : Claim.more;
  if (readSegment(segment, bytes, from, false)) return claimInside(bytes, from + PLAIN_HEADER);
  if (!readSegment(segment, bytes, from, true)) return Claim.no;
  const payload = from + COMPRESSED_HEADER;
  if (segment.plainLength === 0) return claimInside(bytes, payload);
  const plain = decompressLz4(bytes, payload, Math.min(to, payload + segment.length), HEADER);
  if (plain.length < HEADER) return final ? Claim.no : Claim.more;
  segment.length = segment.plainLength;
  return claimInside(plain, 0);
}

/** The payload begins with an envelope that lies in it, or is longer where it says that it holds a part of one. */
function claimInside(bytes: Uint8Array, at: number): Claim {
  const fromClient = bytes[at]! < 0x80;
  if (!readHeader(envelope, bytes, at, fromClient) || !hasSegments(envelope.version)) return Claim.no;
  if (envelope.length + HEADER <= segment.length !== segment.selfContained) return Claim.no;
  return fromClient ? Claim.request : Claim.response;
}
