import { indexOf, latin1, text as utf8, u32le, u16le, u24le } from '../bytes.ts';
import { Step } from '../decoder.ts';
import type { Reader } from '../reader.ts';
import { MysqlRequest } from './mysql-message.ts';
import { Capability, Command, HEADER, integerAt, integerLength, PROTOCOL_VERSION } from './mysql-packet.ts';
import type { MysqlState } from './mysql-state.ts';

/** Of the greeting, and as much as is waited for of the answer: what is looked at comes first. */
export const MAX_GREETING = 512;
const MAX_LOGIN = 1024;
export const MAX_VERSION = 128;
/** `capabilities32 packet32 charset8 reserved(23)`, all of a request for TLS. */
export const LOGIN_HEAD = 32;
/** `thread32 salt(8) 0 capabilities16 charset8 status16 capabilities16 length8 reserved(10)` behind the version. */
const GREETING_TAIL = 31;

/**
 * The greeting whose payload is `[from, end)`: `10 version NUL thread32 salt(8) 0 capabilities16 charset8 status16 capabilities16 ...`. Where its
 * version ends; -1: it is none.
 */
export function greetingAt(bytes: Uint8Array, from: number, end: number): number {
  if (bytes[from] !== PROTOCOL_VERSION) return -1;
  const nul = indexOf(bytes, 0, from + 1, Math.min(end, from + MAX_VERSION));
  if (nul < 0 || nul + 1 + GREETING_TAIL > end || bytes[nul + 13] !== 0) return -1;
  if (!/^\d+\.\d[\x20-\x7e]*$/.test(latin1(bytes, from + 1, nul))) return -1;
  return (u16le(bytes, nul + 14) & Capability.protocol41) === 0 ? -1 : nul;
}

/** False: it is none. */
export function takeGreeting(bytes: Uint8Array, from: number, end: number, state: MysqlState): boolean {
  const nul = greetingAt(bytes, from, end);
  if (nul < 0) return false;
  const isMariadb = /mariadb/i.test(latin1(bytes, from + 1, nul));
  state.greeted(isMariadb ? 'mariadb' : 'mysql', u16le(bytes, nul + 14) | (u16le(bytes, nul + 19) << 16));
  return true;
}

/** Whether the payload `[from, end)` can be the client's answer to a greeting: most of what is reserved is zero. */
export function isLogin(bytes: Uint8Array, from: number, end: number): boolean {
  if (end - from < LOGIN_HEAD || (u32le(bytes, from) & Capability.protocol41) === 0) return false;
  for (let at = from + 9; at < from + 28; at++) if (bytes[at] !== 0) return false;
  return true;
}

/**
 * The client's answer, which may ask for TLS first:
 *
 *   capabilities32 packet32 charset8 reserved(23) user NUL length password [database NUL] ...
 *
 * The database is read; the password and what follows are passed over.
 */
export function readLogin(reader: Reader, state: MysqlState, length: number): Step {
  const { bytes, at, available } = reader;
  if (available < HEADER + Math.min(length, LOGIN_HEAD)) return Step.more;
  const from = at + HEADER;
  if (!isLogin(bytes, from, from + length)) return Step.malformed;
  const capabilities = u32le(bytes, from);
  if (length === LOGIN_HEAD && (capabilities & Capability.tls) !== 0) {
    reader.skip(HEADER + length);
    reader.next = { to: 'tls', carries: false };
    return Step.handOver;
  }
  if (available < HEADER + Math.min(length, MAX_LOGIN) && !reader.blocked) return Step.more;
  state.agreed(capabilities);
  state.useCollation(bytes[from + 8]!);
  const end = Math.min(from + length, reader.limit);
  const database = databaseOf(bytes, from + LOGIN_HEAD, end, capabilities);
  const request = new MysqlRequest(state.system, Command.connect, database);
  request.compression = compressionOf(state);
  reader.message = state.request = request;
  reader.skip(HEADER + length);
  return Step.head;
}

function databaseOf(bytes: Uint8Array, from: number, end: number, capabilities: number): string | undefined {
  if ((capabilities & Capability.withDatabase) === 0) return undefined;
  const user = indexOf(bytes, 0, from, end);
  const at = user < 0 ? -1 : passwordEnd(bytes, user + 1, end, capabilities);
  return at < 0 ? undefined : nameAt(bytes, at, end);
}

/** -1: it is not there. */
function passwordEnd(bytes: Uint8Array, at: number, end: number, capabilities: number): number {
  if (at >= end) return -1;
  if ((capabilities & Capability.lengthEncodedData) !== 0) {
    const size = integerLength(bytes[at]!);
    return size === 0 || at + size > end ? -1 : at + size + integerAt(bytes, at);
  }
  if ((capabilities & Capability.secureConnection) !== 0) return at + 1 + bytes[at]!;
  const nul = indexOf(bytes, 0, at, end);
  return nul < 0 ? -1 : nul + 1;
}

function nameAt(bytes: Uint8Array, at: number, end: number): string | undefined {
  const nul = at < end ? indexOf(bytes, 0, at, end) : -1;
  return nul < 0 ? undefined : utf8(bytes, at, nul) || undefined;
}

function compressionOf(state: MysqlState): string | undefined {
  if (state.has(Capability.compress)) return 'zlib';
  return state.has(Capability.zstd) ? 'zstd' : undefined;
}

/** The database of `user NUL length8 password database NUL charset16 ...`; sets the character set. */
export function takeUser(
  bytes: Uint8Array,
  from: number,
  end: number,
  state: MysqlState,
): string | undefined {
  const user = indexOf(bytes, 0, from, end);
  if (user < 0 || user + 1 >= end) return undefined;
  const at = user + 2 + bytes[user + 1]!;
  const nul = at < end ? indexOf(bytes, 0, at, end) : -1;
  if (nul < 0) return undefined;
  if (nul + 3 <= end) state.useCollation(u16le(bytes, nul + 1));
  return nameAt(bytes, at, end);
}

/** The greeting at the reader, whose header is there. */
export function readGreeting(reader: Reader, state: MysqlState): Step {
  const { bytes, at, available } = reader;
  const length = u24le(bytes, at);
  if (length > MAX_GREETING) return Step.malformed;
  if (available < HEADER + length) return Step.more;
  if (!takeGreeting(bytes, at + HEADER, at + HEADER + length, state)) return Step.malformed;
  reader.skip(HEADER + length);
  return Step.interim;
}
