import { indexOf, u16be, u32be } from '../bytes.ts';
import { Claim } from '../decoder.ts';
import { HEADER, isMessage, Type } from './postgresql-message.ts';
import { Code, MAX_STARTUP, PROTOCOL_3 } from './postgresql-request.ts';

/** Messages behind the first one that are looked at. */
const MAX_CHAIN = 16;
/** Longest name of a statement or portal. */
const MAX_NAME = 256;
/** Most columns of a result (MaxTupleAttributeNumber), and their values in one message. */
const MAX_COLUMNS = 1664;

/**
 * Packets of the start are PostgreSQL's alone. In the middle of a connection requests begin with Query, Parse or Bind, responses with what comes
 * first in them, as far as their content agrees with their length and what follows is a message, too; other bytes may look like these.
 */
export function probePostgresql(
  bytes: Uint8Array,
  from: number,
  to: number,
  final: boolean,
  joined: boolean,
): Claim {
  if (to <= from) return Claim.more;
  if (bytes[from] === 0) return probePacket(bytes, from, to, final);
  if (!joined) return Claim.no;
  const claim = claimOf(bytes[from]!);
  if (claim === Claim.no) return claim;
  if (to - from < HEADER) return final ? Claim.no : Claim.more;
  const fromClient = claim === Claim.likeRequest;
  const length = u32be(bytes, from + 1);
  if (!isMessage(bytes[from]!, length, fromClient)) return Claim.no;
  if (!fitsContent(bytes, from, Math.min(to, from + 1 + length), length)) return Claim.no;
  return goesOn(bytes, from + 1 + length, to, fromClient) ? claim : Claim.no;
}

/** Whose message it is that a request or response may begin with: of types that both ends use the one that does. */
function claimOf(type: number): Claim {
  switch (type) {
    case Type.query:
    case Type.parse:
    case Type.bind:
      return Claim.likeRequest;
    case Type.rowDescription:
    case Type.parameterDescription:
    case Type.complete:
    case Type.error:
    case Type.copyIn:
    case Type.copyOut:
    case 0x31: // 1, ParseComplete
    case 0x32: // 2, BindComplete
    case 0x33: // 3, CloseComplete
    case 0x49: // I, EmptyQueryResponse
    case 0x6e: // n, NoData
      return Claim.likeResponse;
    default:
      return Claim.no;
  }
}

/** Whole messages follow, and the start of one, as far as they have come. */
function goesOn(bytes: Uint8Array, from: number, to: number, fromClient: boolean): boolean {
  let at = from;
  for (let i = 0; i < MAX_CHAIN && at + HEADER <= to; i++) {
    const length = u32be(bytes, at + 1);
    if (!isMessage(bytes[at]!, length, fromClient)) return false;
    at += 1 + length;
  }
  return true;
}

/** The content `[from + 5, end)`, which may be cut, agrees with the length. */
function fitsContent(bytes: Uint8Array, from: number, end: number, length: number): boolean {
  const at = from + HEADER;
  const last = from + length;
  switch (bytes[from]) {
    case Type.query:
      return length > 4 && isText(bytes, at, end, last);
    case Type.parse:
      return fitsParse(bytes, at, end, last);
    case Type.bind:
      return fitsBind(bytes, at, end, last);
    case Type.complete:
      return isTag(bytes, at, end, last);
    case Type.error:
      return bytes[at] === 0x53 /* S */ && isText(bytes, at, Math.min(end, at + 6), 0);
    case Type.rowDescription:
      return end < at + 2 || fitsColumns(bytes, at, end, length);
    case Type.parameterDescription:
      return end < at + 2 || length === 6 + 4 * u16be(bytes, at);
    case Type.copyIn:
    case Type.copyOut:
      return end < at + 3 || (bytes[at]! <= 1 && length === 7 + 2 * u16be(bytes, at + 1));
    default:
      return true;
  }
}

/** No NUL but at `last`, and nothing but blanks below the printable characters. */
function isText(bytes: Uint8Array, from: number, end: number, last: number): boolean {
  for (let at = from; at < end; at++) {
    const byte = bytes[at]!;
    if (byte >= 32) continue;
    if (byte === 0) return at === last;
    if (byte < 9 || byte > 13) return false;
  }
  return end <= last || last === 0;
}

/** `name NUL query NUL count16 count x oid32` */
function fitsParse(bytes: Uint8Array, from: number, end: number, last: number): boolean {
  const name = indexOf(bytes, 0, from, Math.min(end, from + MAX_NAME));
  if (name < 0) return end <= last && isText(bytes, from, end, 0);
  if (!isText(bytes, from, name, 0)) return false;
  const query = indexOf(bytes, 0, name + 1, end);
  if (query < 0) return end <= last && isText(bytes, name + 1, end, 0);
  if (!isText(bytes, name + 1, query, 0)) return false;
  return end < query + 3 || query + 2 + 4 * u16be(bytes, query + 1) === last;
}

/** `portal NUL statement NUL count16 count x format16 count16 ...` */
function fitsBind(bytes: Uint8Array, from: number, end: number, last: number): boolean {
  let at = from;
  for (let i = 0; i < 2; i++) {
    const nul = indexOf(bytes, 0, at, Math.min(end, at + MAX_NAME));
    if (!isText(bytes, at, nul < 0 ? end : nul, 0)) return false;
    if (nul < 0) return end <= last;
    at = nul + 1;
  }
  if (end < at + 2) return end <= last;
  const formats = u16be(bytes, at);
  at += 2;
  for (let i = 0; i < formats && at + 2 <= end; i++, at += 2) if (u16be(bytes, at) > 1) return false;
  return at <= last + 1;
}

function fitsColumns(bytes: Uint8Array, from: number, end: number, length: number): boolean {
  const columns = u16be(bytes, from);
  // Each has a name that may be empty, NUL and 18 bytes.
  if (columns > MAX_COLUMNS || length < 6 + columns * 19) return false;
  return columns === 0 ? length === 6 : isText(bytes, from + 2, Math.min(end, from + 3), from + 2);
}

/** `SELECT 1`: of capital letters, digits and blanks. */
function isTag(bytes: Uint8Array, from: number, end: number, last: number): boolean {
  for (let at = from; at < end; at++) {
    const byte = bytes[at]!;
    const isLetter = byte >= 65 && byte <= 90;
    if (byte === 0) return at === last && at > from;
    if (!isLetter && (at === from || (byte !== 32 && (byte < 48 || byte > 57)))) return false;
  }
  return end <= last;
}

function probePacket(bytes: Uint8Array, from: number, to: number, final: boolean): Claim {
  const undecided = final ? Claim.no : Claim.more;
  if (to - from >= 2 && bytes[from + 1] !== 0) return Claim.no;
  if (to - from < 8) return fitsPrefix(bytes, from, to) ? undecided : Claim.no;
  const length = u32be(bytes, from);
  const code = u32be(bytes, from + 4);
  if (code === Code.tls || code === Code.gss)
    return length === 8 && to - from === 8 ? Claim.request : Claim.no;
  if (code === Code.cancel) return length >= 16 && length <= 268 ? Claim.request : Claim.no;
  if (code >>> 16 !== PROTOCOL_3 || length < 16 || length > MAX_STARTUP) return Claim.no;
  return probePairs(bytes, from + 8, Math.min(to, from + length), from + length, final);
}

/** The first bytes of one of the packets, where a length is at most 0x2710 and a code begins with 0x0003 or 0x04d2. */
function fitsPrefix(bytes: Uint8Array, from: number, to: number): boolean {
  if (to - from >= 3 && bytes[from + 2]! > 0x27) return false;
  if (to - from >= 5 && bytes[from + 4] !== 0 && bytes[from + 4] !== 4) return false;
  return to - from < 6 || bytes[from + 5] === (bytes[from + 4] === 0 ? 3 : 0xd2);
}

/** `key NUL value NUL` each, until NUL, up to the packet's end; a user among them. */
function probePairs(bytes: Uint8Array, from: number, to: number, end: number, final: boolean): Claim {
  let user = false;
  for (let at = from; at < to;) {
    if (bytes[at] === 0) return at === end - 1 && user ? Claim.request : Claim.no;
    const key = indexOf(bytes, 0, at, to);
    if (!isKey(bytes, at, key < 0 ? to : key)) return Claim.no;
    const value = key < 0 ? -1 : indexOf(bytes, 0, key + 1, to);
    if (value < 0) break;
    user ||= key - at === 4 && bytes[at] === 0x75 && bytes[at + 1] === 0x73; /* us */
    at = value + 1;
  }
  if (to === end) return Claim.no;
  return final ? (user ? Claim.request : Claim.no) : Claim.more;
}

/** Names of settings: letters, digits, `_`, `.`, `-`. */
function isKey(bytes: Uint8Array, from: number, to: number): boolean {
  for (let at = from; at < to; at++) {
    const byte = bytes[at]!;
    const isLetter = (byte | 32) >= 97 && (byte | 32) <= 122;
    if (!isLetter && (at === from ? byte !== 95 : byte !== 95 && (byte < 45 || byte > 57))) return false;
  }
  return to - from <= 128;
}
