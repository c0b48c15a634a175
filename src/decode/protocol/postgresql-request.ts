import { indexOf, text as utf8, u32be } from '../bytes.ts';
import { Step } from '../decoder.ts';
import type { Reader } from '../reader.ts';
import type { SqlText, SqlTexts } from '../sql.ts';
import { POSTGRESQL_UNSURE } from '../sql-scanner.ts';
import { HEADER, isMessage, Part, PostgresqlRequest, Type } from './postgresql-message.ts';
import type { PostgresqlState } from './postgresql-state.ts';

export const Code = { cancel: 80877102, tls: 80877103, gss: 80877104 } as const;
export const PROTOCOL_3 = 3;
/** Of a packet without a type. */
export const MAX_STARTUP = 10_000;
/** Bytes of a query that are waited for and looked at. */
const MAX_TEXT = 16_384;
/** The same of the names in other messages. */
const MAX_NAMES = 600;

const SETS_DIALECT = /^set (session|local|standard_conforming_strings)$/i;

/** How the texts of queries are made, and how long one may be. */
export interface TextsOf {
  readonly texts: SqlTexts;
  readonly limit: number;
}

/**
 * The client's side: a request is one Query, or all messages up to a Sync.
 *
 *   packet  = length32 code32 rest                     before anything else: startup, TLS?, cancel
 *   message = type8 length32 content                   the length counts itself
 */
export function readRequest(reader: Reader, state: PostgresqlState, options: TextsOf): Step {
  for (;;) {
    if (state.requestDue !== 0) return due(state, state.requestDue);
    if (!reader.arrived || reader.available < HEADER) return Step.more;
    const { bytes, at } = reader;
    const type = bytes[at]!;
    if (type === 0 && !state.request) return readPacket(reader, state, options);
    const length = u32be(bytes, at + 1);
    // Behind a request for TLS comes what the server's answer decides.
    if (!isMessage(type, length, true)) return state.asked ? Step.more : Step.malformed;
    const step = isAside(state, type)
      ? passOver(reader, state, length)
      : readMessage(reader, state, options, type, length);
    if (step !== undefined) return step;
  }
}

function due(state: PostgresqlState, step: Step): Step {
  state.requestDue = 0;
  state.request = undefined;
  state.torn = false;
  return step;
}

/** A packet without a type. */
function readPacket(reader: Reader, state: PostgresqlState, { limit }: TextsOf): Step {
  const { bytes, at, available } = reader;
  if (available < 8) return Step.more;
  const length = u32be(bytes, at);
  const code = u32be(bytes, at + 4);
  if (length < 8 || length > MAX_STARTUP) return Step.malformed;
  if (code === Code.tls || code === Code.gss) {
    state.asked = true;
    reader.skip(length);
    return Step.interim;
  }
  const cancel = code === Code.cancel;
  if (!cancel && code >>> 16 !== PROTOCOL_3) return Step.malformed;
  if (available < length && !reader.blocked) return Step.more;
  if (!cancel) state.database = databaseOf(bytes, at + 8, Math.min(at + length, reader.limit));
  reader.message = new PostgresqlRequest(state.database, cancel ? 'cancel' : 'connect', limit);
  reader.skip(length);
  state.requestDue = cancel ? Step.endUnanswered : Step.end;
  return Step.head;
}

/** Of the pairs of a startup packet: that of the user is named like him where none is named. */
function databaseOf(bytes: Uint8Array, from: number, to: number): string | undefined {
  let user: string | undefined;
  for (let at = from; at < to && bytes[at] !== 0;) {
    const keyEnd = indexOf(bytes, 0, at, to);
    const valueEnd = keyEnd < 0 ? -1 : indexOf(bytes, 0, keyEnd + 1, to);
    if (valueEnd < 0) return undefined;
    const key = utf8(bytes, at, keyEnd);
    if (key === 'database') return utf8(bytes, keyEnd + 1, valueEnd) || user;
    if (key === 'user') user = utf8(bytes, keyEnd + 1, valueEnd);
    at = valueEnd + 1;
  }
  return user;
}

/**
 * Passwords, data of COPY, the good-bye, a Flush of nothing; and the Sync behind a COPY: the server takes no notice of the one that the request
 * ended with (postgres.c, CopyGetData).
 */
function isAside(state: PostgresqlState, type: number): boolean {
  if (type === Type.copyData || type === Type.copyDone || type === Type.copyFail) return true;
  if (type === Type.terminate || type === Type.password) return true;
  return !state.request && (type === Type.flush || (type === Type.sync && state.copying));
}

/** Undefined: the request goes on. */
function passOver(reader: Reader, { request }: PostgresqlState, length: number): Step | undefined {
  reader.skip(1 + length);
  return request ? undefined : Step.interim;
}

/** Undefined: the request goes on. */
function readMessage(
  reader: Reader,
  state: PostgresqlState,
  options: TextsOf,
  type: number,
  length: number,
): Step | undefined {
  const holdsText = type === Type.query || type === Type.parse;
  if (!isThere(reader, length, holdsText ? MAX_TEXT : MAX_NAMES)) return Step.more;
  const begun = state.request;
  const asks = type === Type.functionCall ? 'FunctionCall' : undefined;
  const request = begun ?? new PostgresqlRequest(state.database, asks, options.limit);
  if (!begun && type !== Type.query) request.torn = state.torn;
  take(reader, state, options, request, type, length);
  reader.skip(1 + length);
  state.copying = false;
  if (type === Type.query || type === Type.sync || type === Type.functionCall) state.requestDue = Step.end;
  if (begun) return undefined;
  reader.message = state.request = request;
  return Step.head;
}

/** As much of the message as is looked at has come, or all of it that was captured. */
function isThere(reader: Reader, length: number, most: number): boolean {
  return reader.blocked || reader.available >= 1 + Math.min(length, most);
}

/** Where the message is in the bytes, and the end of a text in it. One object for all. */
const scope: { bytes: Uint8Array; at: number; end: number } = { bytes: new Uint8Array(0), at: 0, end: 0 };

function take(
  reader: Reader,
  state: PostgresqlState,
  options: TextsOf,
  request: PostgresqlRequest,
  type: number,
  length: number,
): void {
  scope.bytes = reader.bytes;
  scope.at = reader.at + HEADER;
  scope.end = Math.min(reader.at + 1 + length, reader.limit);
  switch (type) {
    case Type.query:
      state.forgetUnnamed();
      request.execute(readText(state, options));
      return;
    case Type.parse: {
      const name = readString();
      const text = readText(state, options);
      request.part = Part.parse;
      request.parsed = text;
      if (name === undefined) request.parses++;
      else if (request.names(name)) state.parsed(name, text);
      else state.statements.delete(name);
      return;
    }
    case Type.bind: {
      const portal = readString();
      const name = readString();
      request.bound = name === undefined ? undefined : state.statements.get(name);
      request.pending = true;
      state.bound(portal, request.bound);
      return;
    }
    case Type.execute:
      // More rows of what was executed before are no operation of their own.
      if (request.pending || request.operation !== undefined) request.execute(state.portal(readString()));
      return;
    case Type.describe:
      request.part = Math.max(request.part, Part.describe);
      return;
    case Type.close: {
      request.part = Math.max(request.part, Part.close);
      const isStatement = scope.bytes[scope.at] === 0x53; /* S */
      scope.at++;
      state.closed(isStatement, readString());
    }
  }
}

/** A text up to its NUL; undefined where that was not captured. */
function readString(): string | undefined {
  const { bytes, at, end } = scope;
  const nul = indexOf(bytes, 0, at, end);
  scope.at = nul < 0 ? end : nul + 1;
  return nul < 0 ? undefined : utf8(bytes, at, nul);
}

function readText(state: PostgresqlState, { texts }: TextsOf): SqlText {
  const { bytes, at } = scope;
  const end = Math.min(scope.end, at + MAX_TEXT);
  const nul = indexOf(bytes, 0, at, end);
  const found = texts.of(utf8(bytes, at, nul < 0 ? end : nul), state.dialect, nul < 0);
  // Until the server says what it is.
  if (found.summary !== undefined && SETS_DIALECT.test(found.summary)) state.dialect = POSTGRESQL_UNSURE;
  return found;
}
