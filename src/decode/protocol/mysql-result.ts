import { startsWith, u32le, u16le } from '../bytes.ts';
import { Step } from '../decoder.ts';
import { Stage, type MysqlRequest, type MysqlResponse } from './mysql-message.ts';
import {
  Capability,
  Command,
  EOF_LENGTH,
  First,
  integerAt,
  integerLength,
  MAX_PACKET,
  MIN_OK,
  type Payload,
  Status,
  statusOf,
  isEof,
} from './mysql-packet.ts';
import { ANY_SEQUENCE, Phase, type MysqlState } from './mysql-state.ts';

/** Of a table and a result. */
const MAX_COLUMNS = 4096;
/** `0x00 statement32 columns16 params16 0 warnings16`, with optional metadata one more. */
const PREPARED_LENGTH = 12;

/*
 * What a response is made of. All of these answer what is due behind the packet; 0: the response goes on.
 */

/** The first packet of a response, and that of each further result. */
export function takeFirst(
  payload: Payload,
  request: MysqlRequest,
  response: MysqlResponse,
  state: MysqlState,
): Step | 0 {
  const { bytes, from, length } = payload;
  switch (request.command) {
    case Command.connect:
    case Command.changeUser:
      return bytes[from] === First.ok && length >= MIN_OK
        ? takeOutcome(payload, request, response, state)
        : 0;
    case Command.query:
    case Command.processInfo:
    case Command.execute:
    case Command.bulkExecute:
      return takeResult(payload, request, response, state);
    case Command.prepare:
      return takeStatement(payload, request, response, state);
    case Command.fetch:
    case Command.fieldList:
      response.stage = Stage.rows;
      return takeRow(payload, request, response, state);
    case Command.statistics:
      return ended(response);
    case Command.binlogDump:
    case Command.binlogDumpGtid:
      return Step.handOver;
    default:
      return takeOutcome(payload, request, response, state);
  }
}

function ended(response: MysqlResponse): Step {
  response.whole = true;
  return Step.end;
}

/** OK or EOF, which is no result. */
export function takeOutcome(
  payload: Payload,
  request: MysqlRequest,
  response: MysqlResponse,
  state: MysqlState,
): Step | 0 {
  const { bytes, from, end, length } = payload;
  if (bytes[from] !== First.ok && bytes[from] !== First.eof) return Step.malformed;
  if (length < EOF_LENGTH) return Step.malformed;
  const status = statusOf(bytes, from, end);
  if (status < 0) return Step.malformed;
  const due = endOfResult(status, response, state);
  if (due === 0) return due;
  state.moved(request);
  if (request.command === Command.resetConnection || request.command === Command.changeUser)
    state.statements.clear();
  return request.command === Command.connect ? connected(request, state) : due;
}

function connected(request: MysqlRequest, state: MysqlState): Step {
  state.phase = Phase.commands;
  state.database = request.database;
  return request.compression === undefined ? Step.end : Step.handOver;
}

function endOfResult(status: number, response: MysqlResponse, state: MysqlState): Step | 0 {
  state.said(status);
  if ((status & Status.moreResults) === 0) return ended(response);
  response.stage = Stage.first;
  return 0;
}

/** OK, the columns of a result, or the name of a file that the server wants. */
function takeResult(
  payload: Payload,
  request: MysqlRequest,
  response: MysqlResponse,
  state: MysqlState,
): Step | 0 {
  const { bytes, from, length } = payload;
  const first = bytes[from]!;
  if (first === First.ok && length >= MIN_OK) return takeOutcome(payload, request, response, state);
  if (first === First.infile) {
    if (request.command !== Command.query) return Step.malformed;
    state.infile = true;
    state.nextSequence = ANY_SEQUENCE;
    response.stage = Stage.outcome;
    return 0;
  }
  const columns = columnsOf(payload, state);
  if (columns < 0) return Step.malformed;
  response.stage = Stage.columns;
  response.left = columns;
  response.hasRows = true;
  return 0;
}

/** How many columns are described; -1: it is no result. `columns [metadata8]`, where MySQL has the second number first. */
function columnsOf({ bytes, from, end, length }: Payload, state: MysqlState): number {
  const flagFirst = isMetadataFirst(bytes, from, length, state);
  const at = flagFirst ? from + 1 : from;
  const size = at < end ? integerLength(bytes[at]!) : 0;
  const hasFlag = flagFirst || length === size + 1;
  if (size === 0 || length !== size + (hasFlag ? 1 : 0)) return -1;
  const columns = integerAt(bytes, at);
  const flag = hasFlag ? bytes[flagFirst ? from : from + size]! : 1;
  if (columns < 1 || columns > MAX_COLUMNS || flag > 1) return -1;
  return flag === 1 ? columns : 0;
}

/** Where it is not known: a number of columns is more than 0, and a flag at most 1. */
function isMetadataFirst(bytes: Uint8Array, from: number, length: number, state: MysqlState): boolean {
  if (state.capabilities !== undefined) return state.has(Capability.optionalMetadata);
  return length === 2 && bytes[from]! <= 1 && bytes[from + 1]! !== 0;
}

/** A column, or what is behind the last of them: EOF, which may say that a cursor has the rows, or the first row. */
export function takeColumn(payload: Payload, response: MysqlResponse, state: MysqlState): Step | 0 {
  const { bytes, from, end, length } = payload;
  if (response.left > 0) {
    if (!startsWith(bytes, from, end, '\x03def')) return Step.malformed;
    response.left--;
    return 0;
  }
  response.stage = Stage.rows;
  const ends = isEof(bytes, from, length);
  if (state.capabilities === undefined) state.deprecateEof = !ends;
  else if (ends === state.deprecateEof) return Step.malformed;
  if (!ends) return takeRow(payload, undefined, response, state);
  const status = u16le(bytes, from + 3);
  return (status & Status.cursorExists) === 0
    ? 0
    : endOfResult(status & ~Status.moreResults, response, state);
}

/** A row, or the end of them. */
export function takeRow(
  payload: Payload,
  request: MysqlRequest | undefined,
  response: MysqlResponse,
  state: MysqlState,
): Step | 0 {
  const { bytes, from, end, length } = payload;
  if (length === 0) return Step.malformed;
  // A row that begins so has a value of 16 MiB or more.
  if (bytes[from] !== First.eof || length === MAX_PACKET) {
    if (request?.command !== Command.fieldList) response.counted++;
    return 0;
  }
  const status = length < EOF_LENGTH ? -1 : statusOf(bytes, from, end);
  if (status < 0) return Step.malformed;
  if (request?.command === Command.fetch) response.hasRows = true;
  return endOfResult(status, response, state);
}

/** `0x00 statement32 columns16 params16 0 warnings16`, then the parameters and the columns. */
function takeStatement(
  payload: Payload,
  request: MysqlRequest,
  response: MysqlResponse,
  state: MysqlState,
): Step | 0 {
  const { bytes, from, length } = payload;
  if (bytes[from] !== First.ok || length < PREPARED_LENGTH || bytes[from + 9] !== 0) return Step.malformed;
  if (request.sql) state.statements.set(u32le(bytes, from + 1), request.sql);
  const isBare = length > PREPARED_LENGTH && bytes[from + PREPARED_LENGTH] === 0;
  response.columns = isBare ? 0 : u16le(bytes, from + 5);
  response.left = isBare ? 0 : u16le(bytes, from + 7);
  response.stage = Stage.params;
  if (response.left === 0) beginColumns(response);
  return response.left === 0 ? ended(response) : 0;
}

function beginColumns(response: MysqlResponse): void {
  response.stage = Stage.preparedColumns;
  response.left = response.columns;
}

/** One of the lists behind a prepared statement: a column, or EOF. `left`: 0 where only that is missing. */
export function takePrepared(payload: Payload, response: MysqlResponse, state: MysqlState): Step | 0 {
  const { bytes, from, length } = payload;
  const ends = isEof(bytes, from, length);
  if (response.left === 0) {
    if (ends) {
      state.deprecateEof = false;
      return endOfList(response);
    }
    if (state.deprecateEof === false || response.stage !== Stage.params) return Step.malformed;
    state.deprecateEof = true;
    beginColumns(response);
  }
  if (ends || !startsWith(bytes, from, from + length, '\x03def')) return Step.malformed;
  if (--response.left > 0) return 0;
  const isLast = response.stage === Stage.preparedColumns || response.columns === 0;
  // Where it is not known whether EOF follows, the last one is passed over should it come.
  const awaitsEof = isLast ? state.deprecateEof === false : state.deprecateEof !== true;
  return awaitsEof ? 0 : endOfList(response);
}

function endOfList(response: MysqlResponse): Step | 0 {
  if (response.stage === Stage.params && response.columns > 0) {
    beginColumns(response);
    return 0;
  }
  return ended(response);
}
