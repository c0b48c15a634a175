import { i32be, latin1, text, u16be } from '../bytes.ts';
import type { SqlText } from '../sql.ts';
import { Flag, hasLongFlags, hasResultIds, Opcode } from './cassandra-frame.ts';

export interface CqlRequest {
  readonly opcode: number;
  /** Of QUERY and PREPARE, what there is of it. */
  text: string | undefined;
  truncated: boolean;
  /** Of EXECUTE: what was prepared; of BATCH what is shown of its statements together. */
  statement: SqlText | undefined;
  /** Of the session, or what the request says itself. */
  keyspace: string | undefined;
  consistency: number | undefined;
  pageSize: number | undefined;
  /** Statements of a BATCH. */
  batchSize: number | undefined;
  /** What STARTUP asks for. */
  compression: string | undefined;
}

export interface CqlResponse {
  /** The server's error code. */
  code: number | undefined;
  /** A keyspace that is used from now on. */
  keyspace: string | undefined;
  /** The id of a statement, one character a byte. */
  preparedId: string | undefined;
}

const Result = { setKeyspace: 3, prepared: 4 } as const;
/** Flags of QUERY and EXECUTE. */
const Parameter = {
  values: 1,
  pageSize: 4,
  pagingState: 8,
  serial: 16,
  timestamp: 32,
  names: 64,
  keyspace: 128,
} as const;
const UUID = 16;
/** Characters of a text that are kept. */
const MAX_TEXT = 16_384;
const MAX_NAME = 256;
/** Statements of a batch that are looked at. */
const MAX_STATEMENTS = 64;

/**
 * Reads the notations of native_protocol_v4.spec, 3: one after another from a body of which only the bytes before `limit` may be there. Behind the first
 * that is not there in full, or breaks the rules, everything is 0, undefined or empty and `short` is true.
 */
export class CqlReader {
  short = false;
  #bytes: Uint8Array = new Uint8Array(0);
  #at = 0;
  #limit = 0;

  over(bytes: Uint8Array, at: number, limit: number): this {
    this.#bytes = bytes;
    this.#at = at;
    this.#limit = limit;
    this.short = false;
    return this;
  }

  /** Position of so many bytes that are there, which are used up; else -1. */
  #take(count: number): number {
    const at = this.#at;
    if (this.short || count < 0 || at + count > this.#limit) {
      this.short = true;
      return -1;
    }
    this.#at = at + count;
    return at;
  }

  skip(count: number): void {
    this.#take(count);
  }

  byte(): number {
    const at = this.#take(1);
    return at < 0 ? 0 : this.#bytes[at]!;
  }

  u16(): number {
    const at = this.#take(2);
    return at < 0 ? 0 : u16be(this.#bytes, at);
  }

  int(): number {
    const at = this.#take(4);
    return at < 0 ? 0 : i32be(this.#bytes, at);
  }

  /** [string] */
  string(): string {
    const length = this.u16();
    const at = this.#take(length);
    return at < 0 ? '' : text(this.#bytes, at, at + Math.min(length, MAX_NAME));
  }

  skipString(): void {
    this.#take(this.u16());
  }

  /** [short bytes], one character a byte. */
  shortBytes(): string {
    const length = this.u16();
    const at = this.#take(length);
    return at < 0 ? '' : latin1(this.#bytes, at, at + Math.min(length, MAX_NAME));
  }

  /** [bytes] and [value] */
  skipBytes(): void {
    const length = this.int();
    if (length > 0) this.#take(length);
  }

  /** [long string], or what is there of it: then `short` is true. */
  longString(): string {
    const length = this.int();
    if (this.short) return '';
    const from = this.#at;
    const at = this.#take(length);
    const end = at < 0 ? Math.max(from, Math.min(this.#limit, from + length)) : at + length;
    if (end - from > MAX_TEXT) this.short = true;
    return text(this.#bytes, from, Math.min(end, from + MAX_TEXT));
  }
}

const body = new CqlReader();

export function createRequest(opcode: number, keyspace: string | undefined): CqlRequest {
  return {
    opcode,
    text: undefined,
    truncated: false,
    statement: undefined,
    keyspace,
    consistency: undefined,
    pageSize: undefined,
    batchSize: undefined,
    compression: undefined,
  };
}

/** Gives what was prepared under an id, and what a text looks like in a span. */
export interface StatementSource {
  prepared(id: string): SqlText | undefined;
  of(text: string): SqlText;
}

/** Reads the body of a request. What AUTH_RESPONSE says is not looked at. */
export function readRequest(
  request: CqlRequest,
  bytes: Uint8Array,
  at: number,
  limit: number,
  version: number,
  flags: number,
  statements: StatementSource,
): void {
  body.over(bytes, at, limit);
  if ((flags & Flag.payload) !== 0) skipPayload();
  switch (request.opcode) {
    case Opcode.startup:
      readStartup(request);
      break;
    case Opcode.query:
      readText(request);
      readParameters(request, version);
      break;
    case Opcode.prepare:
      readText(request);
      if (hasResultIds(version) && (body.int() & 1) !== 0) request.keyspace = body.string();
      break;
    case Opcode.execute:
      request.statement = statements.prepared(body.shortBytes());
      if (hasResultIds(version)) body.skipString();
      readParameters(request, version);
      break;
    case Opcode.batch:
      readBatch(request, version, statements);
      break;
    default:
  }
}

function readText(request: CqlRequest): void {
  request.text = body.longString();
  request.truncated = body.short;
}

/** [string map] */
function readStartup(request: CqlRequest): void {
  for (let count = body.u16(); count > 0 && !body.short; count--) {
    const key = body.string();
    const value = body.string();
    if (key === 'COMPRESSION') request.compression = value.toLowerCase();
  }
}

/** consistency, flags, [values], [page size], [paging state], [serial consistency], [timestamp], [keyspace] */
function readParameters(request: CqlRequest, version: number): void {
  const consistency = body.u16();
  if (body.short) return;
  request.consistency = consistency;
  const flags = hasLongFlags(version) ? body.int() : body.byte();
  if ((flags & Parameter.values) !== 0) skipValues((flags & Parameter.names) !== 0);
  if ((flags & Parameter.pageSize) !== 0) {
    const size = body.int();
    if (size > 0) request.pageSize = size;
  }
  if ((flags & Parameter.keyspace) === 0) return;
  if ((flags & Parameter.pagingState) !== 0) body.skipBytes();
  if ((flags & Parameter.serial) !== 0) body.skip(2);
  if ((flags & Parameter.timestamp) !== 0) body.skip(8);
  const keyspace = body.string();
  if (keyspace !== '') request.keyspace = keyspace;
}

function skipValues(named: boolean): void {
  for (let count = body.u16(); count > 0 && !body.short; count--) {
    if (named) body.skipString();
    body.skipBytes();
  }
}

/** type, number, *( kind, text or id, values ), consistency, flags, ... */
function readBatch(request: CqlRequest, version: number, statements: StatementSource): void {
  body.skip(1);
  const count = body.u16();
  if (body.short) return;
  request.batchSize = count;
  const known = new Set<SqlText>();
  let unknown = count > MAX_STATEMENTS;
  for (let i = 0; i < count && !body.short; i++) {
    const statement = body.byte() === 0 ? textOf(statements) : statements.prepared(body.shortBytes());
    if (statement === undefined) unknown = true;
    else if (!unknown) known.add(statement);
    skipValues(false);
  }
  if (body.short) return;
  if (!unknown) request.statement = together([...known]);
  const consistency = body.u16();
  if (!body.short) request.consistency = consistency;
  if (hasLongFlags(version)) readBatchKeyspace(request);
}

function textOf(statements: StatementSource): SqlText | undefined {
  const cql = body.longString();
  return body.short ? undefined : statements.of(cql);
}

function readBatchKeyspace(request: CqlRequest): void {
  const flags = body.int();
  if ((flags & Parameter.keyspace) === 0) return;
  if ((flags & Parameter.serial) !== 0) body.skip(2);
  if ((flags & Parameter.timestamp) !== 0) body.skip(8);
  const keyspace = body.string();
  if (keyspace !== '') request.keyspace = keyspace;
}

/** Of the statements of a batch, each once. */
function together(statements: readonly SqlText[]): SqlText {
  const first = statements[0];
  const alike = first !== undefined && statements.every(({ summary }) => summary === first.summary);
  const texts = statements.map((statement) => statement.text);
  return {
    summary: alike && first.summary !== undefined ? `BATCH ${first.summary}` : 'BATCH',
    text: texts.length > 0 && texts.every((shown) => shown !== undefined) ? texts.join('; ') : undefined,
  };
}

/** Reads the body of a response: [tracing id] [warnings] [payload] message. */
export function readResponse(
  response: CqlResponse,
  opcode: number,
  bytes: Uint8Array,
  at: number,
  limit: number,
  flags: number,
): void {
  if (opcode !== Opcode.error && opcode !== Opcode.result) return;
  body.over(bytes, at, limit);
  if ((flags & Flag.tracing) !== 0) body.skip(UUID);
  if ((flags & Flag.warnings) !== 0) for (let i = body.u16(); i > 0 && !body.short; i--) body.skipString();
  if ((flags & Flag.payload) !== 0) skipPayload();
  const kind = body.int();
  if (body.short) return;
  if (opcode === Opcode.error) response.code = kind;
  else if (kind === Result.setKeyspace) response.keyspace = body.string() || undefined;
  else if (kind === Result.prepared) response.preparedId = body.shortBytes() || undefined;
}

/** [bytes map] */
function skipPayload(): void {
  for (let count = body.u16(); count > 0 && !body.short; count--) {
    body.skipString();
    body.skipBytes();
  }
}
