import { text as utf8, u32le, u24le } from '../bytes.ts';
import { Step } from '../decoder.ts';
import type { Reader } from '../reader.ts';
import type { SqlText, SqlTexts } from '../sql.ts';
import { attributesEnd } from './mysql-attributes.ts';
import { readLogin, takeUser } from './mysql-login.ts';
import { MysqlRequest } from './mysql-message.ts';
import { Capability, Command, HEADER, MAX_PACKET, operationOf } from './mysql-packet.ts';
import { Phase, type MysqlState } from './mysql-state.ts';

/** Bytes of a statement that are waited for and looked at, and of other commands. */
const MAX_TEXT = 16_384;
const MAX_OTHER = 512;
/** Names of databases are 64 characters at most. */
const MAX_NAME = 256;
const LAST_SEQUENCE = 255;
/** MariaDB: of the statement that was prepared last. */
const LAST_PREPARED = 0xffffffff;

/**
 * The client's side. A command begins a new sequence of packets; those with other numbers go on with one: data of LOAD DATA LOCAL, passwords.
 * These are passed over, as are data of parameters and the good-bye.
 */
export function readRequest(reader: Reader, state: MysqlState, texts: SqlTexts): Step {
  for (;;) {
    if (state.request && !state.requestGoesOn) return due(state, state.request);
    if (!reader.arrived) return Step.more;
    // Of data that is not captured as far as it goes the end is not seen, nor need it be.
    if (reader.available < HEADER) return state.infile && reader.blocked ? Step.untilTurn : Step.more;
    const { bytes, at } = reader;
    const length = u24le(bytes, at);
    const sequence = bytes[at + 3]!;
    if (state.request) {
      note(state, sequence, length);
      state.request.sequence = sequence;
      reader.skip(HEADER + length);
      continue;
    }
    const isLogin = state.phase < Phase.commands && sequence > 0;
    const step = isLogin
      ? readLogin(reader, state, length)
      : goesOn(state, sequence)
        ? passOver(reader, length)
        : readCommand(reader, state, texts, length);
    if (step !== Step.more && step !== Step.malformed) note(state, sequence, length);
    return step;
  }
}

/** A packet was read. */
function note(state: MysqlState, sequence: number, length: number): void {
  state.sequence = sequence;
  state.empty = length === 0;
  state.requestGoesOn = state.request !== undefined && length === MAX_PACKET;
}

function due(state: MysqlState, { command }: MysqlRequest): Step {
  state.request = undefined;
  return command === Command.close ? Step.endUnanswered : Step.end;
}

/** The numbers of long data come round to zero; what they end with is empty. */
function goesOn(state: MysqlState, sequence: number): boolean {
  return sequence !== 0 || (state.sequence === LAST_SEQUENCE && !state.empty);
}

function passOver(reader: Reader, length: number): Step {
  reader.skip(HEADER + length);
  return Step.interim;
}

function readCommand(reader: Reader, state: MysqlState, texts: SqlTexts, length: number): Step {
  const { bytes, at, available } = reader;
  if (length === 0) return Step.malformed;
  if (available < HEADER + 1) return Step.more;
  const command = bytes[at + HEADER]!;
  const holdsText = command === Command.query || command === Command.prepare;
  if (available < HEADER + Math.min(length, holdsText ? MAX_TEXT : MAX_OTHER) && !reader.blocked)
    return Step.more;
  if (command === Command.quit || command === Command.longData) return passOver(reader, length);
  if (operationOf(command) === undefined) return Step.malformed;
  const request = new MysqlRequest(state.system, command, state.database);
  take(bytes, at + HEADER + 1, Math.min(at + HEADER + length, reader.limit), length, request, state, texts);
  state.moves(request);
  state.infile = false;
  reader.message = state.request = request;
  reader.skip(HEADER + length);
  return Step.head;
}

/** `[from, end)`: what follows the byte of the command. */
function take(
  bytes: Uint8Array,
  from: number,
  end: number,
  length: number,
  request: MysqlRequest,
  state: MysqlState,
  texts: SqlTexts,
): void {
  const isCut = end - from < length - 1;
  switch (request.command) {
    case Command.query:
      request.sql = readText(bytes, attributesEndOf(bytes, from, end, state), end, isCut, state, texts);
      return;
    case Command.prepare:
      request.sql = state.lastPrepared = readText(bytes, from, end, isCut, state, texts);
      return;
    case Command.initDb:
      request.database = utf8(bytes, from, Math.min(end, from + MAX_NAME)) || undefined;
      return;
    case Command.changeUser:
      request.database = takeUser(bytes, from, end, state);
      return;
    case Command.execute:
    case Command.bulkExecute:
    case Command.fetch:
    case Command.reset:
    case Command.close:
      if (end - from >= 4) takeStatement(u32le(bytes, from), request, state);
  }
}

function takeStatement(id: number, request: MysqlRequest, state: MysqlState): void {
  if (request.command === Command.close) {
    state.statements.delete(id);
    return;
  }
  if (request.command === Command.reset) return;
  request.sql = id === LAST_PREPARED ? state.lastPrepared : state.statements.get(id);
  if (request.sql === undefined) request.statement = id;
}

/** Where the text begins behind attributes of the query; -1: not known. */
function attributesEndOf(bytes: Uint8Array, from: number, end: number, state: MysqlState): number {
  // No text begins with the number 0, or 1 behind it.
  const has = state.capabilities === undefined ? bytes[from]! < 9 : state.has(Capability.queryAttributes);
  return has ? attributesEnd(bytes, from, end) : from;
}

function readText(
  bytes: Uint8Array,
  from: number,
  end: number,
  isCut: boolean,
  state: MysqlState,
  texts: SqlTexts,
): SqlText | undefined {
  if (from < 0) return undefined;
  const to = Math.min(end, from + MAX_TEXT);
  const text = utf8(bytes, from, to);
  const found = texts.of(text, state.dialect, isCut || to < end);
  state.asks(text, found.summary);
  return found;
}
