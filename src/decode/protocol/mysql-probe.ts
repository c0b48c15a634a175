import { indexOf, startsWith, text as utf8, u32le, u16le, u24le } from '../bytes.ts';
import { Claim } from '../decoder.ts';
import { Word, WORDS } from '../sql-words.ts';
import { greetingAt, isLogin, LOGIN_HEAD, MAX_GREETING } from './mysql-login.ts';
import {
  Command,
  EOF_LENGTH,
  First,
  HEADER,
  integerLength,
  MIN_OK,
  operationOf,
  PROTOCOL_VERSION,
} from './mysql-packet.ts';

const MIN_GREETING = 40;
const MAX_LOGIN = 65_535;
/** Bytes of a user's name, and a database's, which are 128 and 64 characters at most. */
const MAX_USER = 512;
/** What answers COM_STATISTICS. */
const STATISTICS = 'Uptime: ';
/** Packets behind the first one that show that a response is one, and that are looked at. */
const MIN_CHAIN = 2;
const MAX_CHAIN = 16;
/** Bytes of a statement that are looked at. */
const LOOKED_AT = 64;
/** What stands in front of a statement's first word. */
const BEFORE = /^[\s(;]*(?:\/\*.*?(?:\*\/\s*|$))*[\s(;]*/s;
/** Numbers of errors, of servers and what is in front of them. */
const MIN_ERROR = 1000;
const MAX_ERROR = 20_000;

/**
 * The greeting is MySQL's alone. What comes later is like it: the client's answer; requests, whose first packet has the number 0 and a command with
 * content that agrees with its length; and responses, whose first packet has the number 1.
 */
export function probeMysql(
  bytes: Uint8Array,
  from: number,
  to: number,
  final: boolean,
  joined: boolean,
): Claim {
  if (to <= from) return Claim.more;
  if (to - from < HEADER + 1) return final || !mayBegin(bytes, from, to, joined) ? Claim.no : Claim.more;
  const at = from + HEADER;
  const end = at + u24le(bytes, from);
  if (bytes[from + 3] === 0) return probeFirst(bytes, at, end, to, final, joined);
  if (bytes[from + 3] !== 1) return Claim.no;
  if (fitsLogin(bytes, at, end, to)) return Claim.likeRequest;
  return joined ? probeResponse(bytes, at, end, to, final) : Claim.no;
}

/** The first packet of a sequence: the greeting or a command. */
function probeFirst(
  bytes: Uint8Array,
  at: number,
  end: number,
  to: number,
  final: boolean,
  joined: boolean,
): Claim {
  const length = end - at;
  if (bytes[at] === PROTOCOL_VERSION && length >= MIN_GREETING && length <= MAX_GREETING) {
    if (end > to) return final ? Claim.no : Claim.more;
    if (greetingAt(bytes, at, end) >= 0) return Claim.response;
  }
  return joined && isCommand(bytes, at, end, to) ? Claim.likeRequest : Claim.no;
}

function fitsLogin(bytes: Uint8Array, at: number, end: number, to: number): boolean {
  const length = end - at;
  return length >= LOGIN_HEAD && length <= MAX_LOGIN && at + LOGIN_HEAD <= to && isLogin(bytes, at, end);
}

/** The first bytes of a packet that begins a message. */
function mayBegin(bytes: Uint8Array, from: number, to: number, joined: boolean): boolean {
  if (to - from === HEADER) return bytes[from + 3]! <= 1 && u24le(bytes, from) > 0;
  return joined || to - from < 3 || bytes[from + 2] === 0;
}

/** The payload `[at, end)` of a request's first packet, of which `[at, to)` is there. */
function isCommand(bytes: Uint8Array, at: number, end: number, to: number): boolean {
  const length = end - at;
  const limit = Math.min(end, to);
  switch (bytes[at]) {
    case Command.query:
      return isStatement(bytes, hasNoAttributes(bytes, at, limit) ? at + 3 : at + 1, limit);
    case Command.prepare:
      return isStatement(bytes, at + 1, limit);
    case Command.initDb:
      return length > 1 && length <= 65 && end === to && isName(bytes, at + 1, end);
    case Command.changeUser:
      return end <= to && isUser(bytes, at + 1, end);
    case Command.quit:
    case Command.statistics:
    case Command.resetConnection:
    case Command.ping:
      return length === 1 && end === to;
    default:
      return isOfStatement(bytes, at, end, to);
  }
}

/** A command about a statement that was prepared. */
function isOfStatement(bytes: Uint8Array, at: number, end: number, to: number): boolean {
  const length = end - at;
  const limit = Math.min(end, to);
  switch (bytes[at]) {
    case Command.execute:
      // One iteration, always.
      return length >= 10 && at + 10 <= limit && u32le(bytes, at + 6) === 1;
    case Command.bulkExecute:
      return length >= 7 && at + 7 <= limit && (u16le(bytes, at + 5) & ~0xc0) === 0;
    case Command.fetch:
      return length === 9 && end <= to && u32le(bytes, at + 5) > 0;
    case Command.close:
      // Another command follows at once where the client does not wait.
      return length === 5 && end <= to && (end === to || isFollowed(bytes, end, to));
    default:
      return bytes[at] === Command.reset && length === 5 && end === to;
  }
}

function isFollowed(bytes: Uint8Array, at: number, to: number): boolean {
  return at + HEADER < to && bytes[at + 3] === 0 && operationOf(bytes[at + HEADER]!) !== undefined;
}

function hasNoAttributes(bytes: Uint8Array, at: number, limit: number): boolean {
  return at + 3 < limit && bytes[at + 1] === 0 && bytes[at + 2] === 1;
}

/** Begins like a statement of SQL. */
function isStatement(bytes: Uint8Array, from: number, limit: number): boolean {
  const end = Math.min(limit, from + LOOKED_AT);
  for (let at = from; at < end; at++) {
    const byte = bytes[at]!;
    if (byte < 32 && (byte < 9 || byte > 13)) return false;
  }
  const text = utf8(bytes, from, end);
  const rest = text.slice(BEFORE.exec(text)![0].length);
  if (rest === '') return end > from && text.includes('/*');
  const word = /^[A-Za-z_]+/.exec(rest)?.[0];
  const known = word === undefined ? undefined : WORDS.get(word.toUpperCase());
  return known !== undefined && known <= Word.with;
}

/** `user NUL length8 password database NUL ...` */
function isUser(bytes: Uint8Array, from: number, end: number): boolean {
  const user = indexOf(bytes, 0, from, Math.min(end, from + MAX_USER));
  if (user < 0 || user + 1 >= end || !isName(bytes, from, user)) return false;
  const database = user + 2 + bytes[user + 1]!;
  const nul = database < end ? indexOf(bytes, 0, database, Math.min(end, database + MAX_USER)) : -1;
  return nul >= 0 && isName(bytes, database, nul);
}

function isName(bytes: Uint8Array, from: number, end: number): boolean {
  for (let at = from; at < end; at++) if (bytes[at]! < 33 || bytes[at] === 127) return false;
  return true;
}

function probeResponse(bytes: Uint8Array, at: number, end: number, to: number, final: boolean): Claim {
  if (isChain(bytes, end, to) || isAlone(bytes, at, end, to)) return Claim.likeResponse;
  return bytes[at] === First.ok || bytes[at]! >= First.infile
    ? Claim.no
    : probeResult(bytes, at, end, to, final);
}

/** A packet that is a response, or asks the client for something. */
function isAlone(bytes: Uint8Array, at: number, end: number, to: number): boolean {
  const length = end - at;
  switch (bytes[at]) {
    case First.ok:
      return end <= to && isOk(bytes, at, end);
    case First.error:
      return length >= 9 && at + 9 <= to && isError(bytes, at);
    case First.infile:
      return length > 1 && end === to && isName(bytes, at + 1, end);
    case First.eof:
      return end === to && (length === EOF_LENGTH || isSwitch(bytes, at + 1, end));
    default:
      return startsWith(bytes, at, to, STATISTICS);
  }
}

/** Packets follow whose numbers go on, up to the end of what is there. */
function isChain(bytes: Uint8Array, from: number, to: number): boolean {
  let at = from;
  let count = 0;
  while (at + HEADER <= to && count < MAX_CHAIN) {
    if (bytes[at + 3] !== count + 2) return false;
    count++;
    at += HEADER + u24le(bytes, at);
  }
  return count >= MIN_CHAIN && (at === to || count === MAX_CHAIN);
}

/** The name of another way to authenticate, and data. */
function isSwitch(bytes: Uint8Array, from: number, end: number): boolean {
  const nul = indexOf(bytes, 0, from, Math.min(end, from + MAX_USER));
  return nul > from && isName(bytes, from, nul);
}

/** `0x00 affected id status16 warnings16 text`, and what answers Prepare. */
function isOk(bytes: Uint8Array, from: number, end: number): boolean {
  if (end - from === 12 && bytes[from + 9] === 0 && u32le(bytes, from + 1) > 0) return true;
  let at = from + 1;
  for (let i = 0; i < 2; i++) {
    const size = at < end ? integerLength(bytes[at]!) : 0;
    if (size === 0) return false;
    at += size;
  }
  if (end - from < MIN_OK || at + 4 > end) return false;
  return at + 4 === end || bytes[at + 4]! < 0xfb;
}

function isError(bytes: Uint8Array, at: number): boolean {
  const code = u16le(bytes, at + 1);
  if (code < MIN_ERROR || code > MAX_ERROR || bytes[at + 3] !== 0x23 /* # */) return false;
  for (let i = at + 4; i < at + 9; i++) {
    const byte = bytes[i]!;
    const isDigit = byte >= 0x30 && byte <= 0x39;
    if (!isDigit && (byte < 0x41 || byte > 0x5a)) return false;
  }
  return true;
}

/** The number of columns, and the first of them. */
function probeResult(bytes: Uint8Array, at: number, end: number, to: number, final: boolean): Claim {
  const length = end - at;
  const size = integerLength(bytes[at]!);
  if (size === 0 || length > 4 || (length !== size && length !== size + 1)) return Claim.no;
  if (end + HEADER + 4 > to) return final ? Claim.no : Claim.more;
  const isColumn = bytes[end + 3] === 2 && startsWith(bytes, end + HEADER, to, '\x03def');
  return isColumn ? Claim.likeResponse : Claim.no;
}
