import { indexOf, latin1, startsWith, u32be } from '../bytes.ts';
import { Step } from '../decoder.ts';
import type { Reader } from '../reader.ts';
import { POSTGRESQL, POSTGRESQL_ESCAPES } from '../sql-scanner.ts';
import { HEADER, isMessage, PostgresqlResponse, Type, type PostgresqlRequest } from './postgresql-message.ts';
import type { PostgresqlState } from './postgresql-state.ts';

/** Bytes of a message that are waited for and looked at: of an error its code stands near its start. */
const MAX_LOOKED_AT = 256;
/** What follows CopyBothResponse. */
const REPLICATION = { to: undefined, opaque: 'binary', carries: false } as const;
const PARSE_COMPLETE = 0x31;
const CONFORMING = 'standard_conforming_strings\0';
const SQLSTATE = /^[0-9A-Z]{5}$/;

/** Messages of which nothing is looked at. */
function isPassedOver(type: number): boolean {
  return type === Type.dataRow || type === Type.rowDescription || type === Type.copyData;
}

/** The server's side: a response is all messages up to ReadyForQuery, or an error that ends the connection. */
export function readResponse(
  reader: Reader,
  state: PostgresqlState,
  request: PostgresqlRequest | undefined,
): Step {
  for (;;) {
    if (state.responseDue !== 0) return due(reader, state, state.responseDue);
    if (!reader.arrived || reader.available < HEADER) return Step.more;
    const type = reader.bytes[reader.at]!;
    const length = u32be(reader.bytes, reader.at + 1);
    if (!isMessage(type, length, false)) return Step.malformed;
    if (isPassedOver(type) && state.response) {
      if (type === Type.dataRow) countRow(state.response);
      reader.skip(1 + length);
      continue;
    }
    if (!isThere(reader, length)) return Step.more;
    const begun = state.response;
    const response = (state.response ??= new PostgresqlResponse());
    state.responseDue = take(reader, state, request, type, length);
    reader.skip(1 + length);
    if (begun) continue;
    reader.message = response;
    return Step.head;
  }
}

function due(reader: Reader, state: PostgresqlState, step: Step): Step {
  if (step === Step.handOver) reader.next = REPLICATION;
  state.responseDue = 0;
  state.response = undefined;
  return step;
}

function isThere(reader: Reader, length: number): boolean {
  return reader.blocked || reader.available >= 1 + Math.min(length, MAX_LOOKED_AT);
}

/** What is due behind the message; 0: the response goes on. */
function take(
  { bytes, at, limit }: Reader,
  state: PostgresqlState,
  request: PostgresqlRequest | undefined,
  type: number,
  length: number,
): Step | 0 {
  const response = state.response!;
  const from = at + HEADER;
  const end = Math.min(at + 1 + length, limit);
  switch (type) {
    case Type.ready:
      response.whole = true;
      state.copying = false;
      return Step.end;
    case Type.error:
      return fail(state, request, bytes, from, end);
    case PARSE_COMPLETE:
      response.parsed++;
      return 0;
    case Type.complete:
      response.hasRows ||= startsWith(bytes, from, end, 'SELECT ') || startsWith(bytes, from, end, 'FETCH ');
      return 0;
    case Type.dataRow:
      countRow(response);
      return 0;
    case Type.parameterStatus:
      setParameter(state, bytes, from, end);
      return 0;
    case Type.copyIn:
      state.copying = true;
      return 0;
    case Type.copyBoth:
      // A stream of replication.
      return Step.handOver;
    default:
      return 0;
  }
}

function fail(
  state: PostgresqlState,
  request: PostgresqlRequest | undefined,
  bytes: Uint8Array,
  from: number,
  end: number,
): Step | 0 {
  const response = state.response!;
  const code = fieldOf(bytes, from, end, 0x43); /* C */
  response.code ??= code !== undefined && SQLSTATE.test(code) ? code : '_OTHER';
  // The statements that the request would have made from here on do not exist.
  for (const name of request?.unmade(response.parsed) ?? []) state.statements.delete(name);
  if (!isFatal(bytes, from, end)) return 0;
  if (request) request.dead = true;
  return Step.end;
}

function countRow(response: PostgresqlResponse): void {
  response.counted++;
  response.hasRows = true;
}

/** A field of an error or notice: `code8 text NUL` each, until NUL. */
function fieldOf(bytes: Uint8Array, from: number, end: number, code: number): string | undefined {
  for (let at = from; at < end && bytes[at] !== 0;) {
    const nul = indexOf(bytes, 0, at + 1, end);
    if (nul < 0) return undefined;
    if (bytes[at] === code) return latin1(bytes, at + 1, nul);
    at = nul + 1;
  }
  return undefined;
}

/** Severity that is not translated, of servers before 9.6 the one that may be. */
function isFatal(bytes: Uint8Array, from: number, end: number): boolean {
  const severity = fieldOf(bytes, from, end, 0x56) ?? fieldOf(bytes, from, end, 0x53); /* V, S */
  return severity === 'FATAL' || severity === 'PANIC';
}

function setParameter(state: PostgresqlState, bytes: Uint8Array, from: number, end: number): void {
  if (!startsWith(bytes, from, end, CONFORMING)) return;
  const off = startsWith(bytes, from + CONFORMING.length, end, 'off');
  state.dialect = off ? POSTGRESQL_ESCAPES : POSTGRESQL;
}

/**
 * The answer to a request for TLS, one byte: `S`, `G` yes, `N` no. And messages that come at any time: ParameterStatus, NoticeResponse,
 * NotificationResponse.
 */
export function readAside(reader: Reader, state: PostgresqlState): Step | undefined {
  if (reader.available === 0) return undefined;
  const { bytes, at } = reader;
  const type = bytes[at]!;
  if (state.asked) {
    state.asked = false;
    if (type === 0x53 || type === 0x47 || type === 0x4e) {
      reader.skip(1);
      return type === 0x4e ? Step.interim : Step.handOver;
    }
  }
  if (type !== Type.parameterStatus && type !== Type.notice && type !== Type.notification) return undefined;
  if (reader.available < HEADER) return Step.more;
  const length = u32be(bytes, at + 1);
  if (!isMessage(type, length, false)) return Step.malformed;
  if (!isThere(reader, length)) return Step.more;
  if (type === Type.parameterStatus)
    setParameter(state, bytes, at + HEADER, Math.min(at + 1 + length, reader.limit));
  reader.skip(1 + length);
  return Step.interim;
}
