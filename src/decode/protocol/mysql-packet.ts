import { i32le, u16le, u24le, u32le } from '../bytes.ts';

/** `length24 sequence8 payload`, numbers from the lowest byte on. */
export const HEADER = 4;
/** What the greeting begins with. */
export const PROTOCOL_VERSION = 10;
/** What is in a packet: `[from, end)` as far as it is there, of `length` bytes. */
export interface Payload {
  bytes: Uint8Array;
  from: number;
  end: number;
  length: number;
}
/** A packet as long goes on in the next one. */
export const MAX_PACKET = 0xffffff;

/** First byte of a command. */
export const Command = {
  /** No command: the client's answer to the greeting. */
  connect: -1,
  quit: 0x01,
  initDb: 0x02,
  query: 0x03,
  fieldList: 0x04,
  statistics: 0x09,
  processInfo: 0x0a,
  ping: 0x0e,
  changeUser: 0x11,
  binlogDump: 0x12,
  prepare: 0x16,
  execute: 0x17,
  longData: 0x18,
  close: 0x19,
  reset: 0x1a,
  fetch: 0x1c,
  binlogDumpGtid: 0x1e,
  resetConnection: 0x1f,
  /** MariaDB. */
  bulkExecute: 0xfa,
} as const;

/** `db.operation.name` of what a client may ask for without a query, and whose summary is that of a statement: ''. */
const OPERATIONS = new Map<number, string>([
  [Command.connect, 'connect'],
  [Command.initDb, 'INIT_DB'],
  [Command.query, ''],
  [Command.fieldList, 'FIELD_LIST'],
  [0x05, 'CREATE_DB'],
  [0x06, 'DROP_DB'],
  [0x07, 'REFRESH'],
  [0x08, 'SHUTDOWN'],
  [Command.statistics, 'STATISTICS'],
  [Command.processInfo, 'PROCESS_INFO'],
  [0x0c, 'PROCESS_KILL'],
  [0x0d, 'DEBUG'],
  [Command.ping, 'PING'],
  [Command.changeUser, 'CHANGE_USER'],
  [Command.binlogDump, 'BINLOG_DUMP'],
  [0x15, 'REGISTER_SLAVE'],
  [Command.prepare, 'PREPARE'],
  [Command.execute, ''],
  [Command.close, 'STMT_CLOSE'],
  [Command.reset, 'STMT_RESET'],
  [0x1b, 'SET_OPTION'],
  [Command.fetch, ''],
  [Command.binlogDumpGtid, 'BINLOG_DUMP_GTID'],
  [Command.resetConnection, 'RESET_CONNECTION'],
  [Command.bulkExecute, ''],
]);

/** Undefined: there is no such command. */
export function operationOf(command: number): string | undefined {
  return OPERATIONS.get(command);
}

/** What both ends must agree on. */
export const Capability = {
  withDatabase: 1 << 3,
  compress: 1 << 5,
  protocol41: 1 << 9,
  tls: 1 << 11,
  secureConnection: 1 << 15,
  lengthEncodedData: 1 << 21,
  deprecateEof: 1 << 24,
  optionalMetadata: 1 << 25,
  zstd: 1 << 26,
  queryAttributes: 1 << 27,
} as const;

/** What the server says of itself in OK and EOF. */
export const Status = { moreResults: 0x0008, cursorExists: 0x0040, noBackslashEscapes: 0x0200 } as const;

/** What a packet of the server begins with. */
export const First = { ok: 0x00, infile: 0xfb, eof: 0xfe, error: 0xff } as const;
/** Length of an EOF without DEPRECATE_EOF: `0xfe warnings16 status16`. With it, it is an OK, and longer. */
export const EOF_LENGTH = 5;
/** The payload of `length` bytes at `from` is an EOF as of old. */
export function isEof(bytes: Uint8Array, from: number, length: number): boolean {
  return length === EOF_LENGTH && bytes[from] === First.eof;
}

/** `0x00 affected id status16 warnings16`, the shortest. */
export const MIN_OK = 7;

/** Bytes of the length-encoded integer that begins with this one; 0: none does. */
export function integerLength(first: number): number {
  if (first < 0xfb) return 1;
  if (first === 0xfc) return 3;
  if (first === 0xfd) return 4;
  return first === 0xfe ? 9 : 0;
}

/** Value of the length-encoded integer at `at`, which is there; what is beyond 32 bits is not exact. */
export function integerAt(bytes: Uint8Array, at: number): number {
  const first = bytes[at]!;
  if (first < 0xfb) return first;
  if (first === 0xfc) return u16le(bytes, at + 1);
  if (first === 0xfd) return u24le(bytes, at + 1);
  return u32le(bytes, at + 1) + i32le(bytes, at + 5) * 4294967296;
}

/** Status flags of the OK or EOF at `[from, end)`; -1: they are not there. */
export function statusOf(bytes: Uint8Array, from: number, end: number): number {
  if (isEof(bytes, from, end - from)) return u16le(bytes, from + 3);
  let at = from + 1;
  for (let i = 0; i < 2; i++) {
    const length = at < end ? integerLength(bytes[at]!) : 0;
    if (length === 0) return -1;
    at += length;
  }
  return at + 4 <= end ? u16le(bytes, at) : -1;
}
