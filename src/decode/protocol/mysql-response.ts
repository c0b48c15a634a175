import { u16le, u24le } from '../bytes.ts';
import { Step } from '../decoder.ts';
import type { Reader } from '../reader.ts';
import { readGreeting } from './mysql-login.ts';
import { MysqlResponse, Stage, type MysqlRequest } from './mysql-message.ts';
import { Command, First, HEADER, MAX_PACKET, isEof, type Payload, PROTOCOL_VERSION } from './mysql-packet.ts';
import { takeColumn, takeFirst, takePrepared, takeRow, takeOutcome } from './mysql-result.ts';
import { ANY_SEQUENCE, type MysqlState } from './mysql-state.ts';

/** Bytes of a packet that are waited for, where it is looked at. */
const LOOKED_AT = 64;
/** Of the packet that is looked at; one object for all. */
const payload: Payload = { bytes: new Uint8Array(0), from: 0, end: 0, length: 0 };
/** What follows where binary logs are sent, and where packets are compressed. */
const OPAQUE = { to: undefined, opaque: 'binary', carries: false } as const;

/** The server's side: one response to each command, of any number of packets whose numbers go on from those of the request. */
export function readResponse(reader: Reader, state: MysqlState, request: MysqlRequest | undefined): Step {
  for (;;) {
    if (state.responseDue !== 0 && !state.responseGoesOn) return due(reader, state, state.responseDue);
    if (!reader.arrived || reader.available < HEADER) return Step.more;
    const { bytes, at } = reader;
    const length = u24le(bytes, at);
    const sequence = bytes[at + 3]!;
    if (!state.responseGoesOn) {
      if (!isThere(reader, state, length)) return Step.more;
      if (!isNext(state, request, sequence)) return Step.malformed;
      const begun = state.response;
      state.response ??= new MysqlResponse();
      const next = take(reader, state, request, length);
      if (next === Step.malformed) {
        if (!begun) state.response = undefined;
        return next;
      }
      state.responseDue = next;
      pass(reader, state, length, sequence);
      if (begun) continue;
      reader.message = state.response;
      return Step.head;
    }
    pass(reader, state, length, sequence);
  }
}

function pass(reader: Reader, state: MysqlState, length: number, sequence: number): void {
  state.responseGoesOn = length === MAX_PACKET;
  // Behind these come packets of the client.
  const isOpen = state.infile || state.nextSequence === ANY_SEQUENCE;
  state.nextSequence = isOpen ? ANY_SEQUENCE : (sequence + 1) & 0xff;
  reader.skip(HEADER + length);
}

function due(reader: Reader, state: MysqlState, step: Step): Step {
  if (step === Step.handOver) reader.next = OPAQUE;
  state.responseDue = 0;
  state.response = undefined;
  state.infile = false;
  return step;
}

/** Rows and columns are told by their first byte. */
function isThere({ bytes, at, available }: Reader, { response }: MysqlState, length: number): boolean {
  if (available < HEADER + Math.min(length, 1)) return false;
  const isRow = response?.stage === Stage.rows && length > 0 && bytes[at + HEADER]! < First.eof;
  return isRow || available >= HEADER + Math.min(length, LOOKED_AT);
}

/** Whether a packet of the response has this number. */
function isNext(state: MysqlState, request: MysqlRequest | undefined, sequence: number): boolean {
  if (!state.response) state.nextSequence = firstSequence(request);
  return state.nextSequence === ANY_SEQUENCE || state.nextSequence === sequence;
}

function firstSequence(request: MysqlRequest | undefined): number {
  if (!request) return 1;
  const talks = request.command === Command.connect || request.command === Command.changeUser;
  return talks ? ANY_SEQUENCE : (request.sequence + 1) & 0xff;
}

/** What is due behind the packet; 0: the response goes on. */
function take(
  { bytes, at, limit }: Reader,
  state: MysqlState,
  request: MysqlRequest | undefined,
  length: number,
): Step | 0 {
  if (!request) return 0;
  const response = state.response!;
  payload.bytes = bytes;
  payload.from = at + HEADER;
  payload.end = Math.min(payload.from + length, limit);
  payload.length = length;
  // The request may have been read before the answer to its Prepare.
  if (request.statement !== 0) {
    request.sql ??= state.statements.get(request.statement);
    request.statement = 0;
  }
  if (length > 0 && bytes[payload.from] === First.error) return takeError(payload, request, state);
  switch (response.stage) {
    case Stage.columns:
      return takeColumn(payload, response, state);
    case Stage.rows:
      return takeRow(payload, request, response, state);
    case Stage.params:
    case Stage.preparedColumns:
      return takePrepared(payload, response, state);
    case Stage.outcome:
      return takeOutcome(payload, request, response, state);
    default:
      return takeFirst(payload, request, response, state);
  }
}

/** `0xff code16 ['#' state(5)] text` */
function takeError({ bytes, from, end }: Payload, request: MysqlRequest, state: MysqlState): Step | 0 {
  if (end - from < 3) return Step.malformed;
  const code = u16le(bytes, from + 1);
  // How far it has come, to MariaDB's clients.
  if (code === 0xffff) return 0;
  state.response!.code = String(code);
  if (request.moves) state.database = request.stays;
  request.dead = request.command === Command.connect || request.command === Command.changeUser;
  return Step.end;
}

/**
 * The greeting, and what the server says before it ends a connection. And the end of a list of columns, where it was not known whether there is
 * one.
 */
export function readAside(reader: Reader, state: MysqlState): Step | undefined {
  const { bytes, at, available } = reader;
  if (available === 0) return undefined;
  if (available < HEADER + 1) return Step.more;
  const length = u24le(bytes, at);
  const sequence = bytes[at + 3]!;
  if (sequence === 0 && bytes[at + HEADER] === PROTOCOL_VERSION) return readGreeting(reader, state);
  const isStray = state.deprecateEof === undefined && sequence > 1 && isEof(bytes, at + HEADER, length);
  const isLastWord = sequence === 0 && bytes[at + HEADER] === First.error;
  if (!isStray && !isLastWord) return undefined;
  if (isStray) state.deprecateEof = false;
  reader.skip(HEADER + length);
  return Step.interim;
}
