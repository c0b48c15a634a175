/**
 * Heads of Thrift messages. thrift/doc/specs/thrift-binary-protocol.md and thrift-compact-protocol.md.
 *
 *   framed  = length, 4 bytes | message
 *   strict  = 80 01 | 0 | type | length of the name, 4 bytes | name | sequence id, 4 bytes | struct
 *   old     = length of the name, 4 bytes | name | type | sequence id, 4 bytes | struct                      only framed
 *   compact = 82 | type << 5 | 1 | sequence id, varint | length of the name, varint | name | struct
 */
import { i32be, latin1 } from '../bytes.ts';

export const MessageType = { call: 1, reply: 2, exception: 3, oneway: 4 } as const;

export const FRAME_HEAD = 4;
/** Of a name, with that of a service in front. */
export const MAX_NAME = 256;
/** What the libraries take unless told otherwise (TConfiguration): a frame, and a message. */
export const MAX_FRAME = 16_384_000;
export const MAX_MESSAGE = 104_857_600;
/** Sequence id and the stop of an empty struct behind the head of a message. */
const LEAST_MESSAGE = 6;
const STRICT = 0x80;
const COMPACT = 0x82;
const VERSION = 1;

export const Read = { whole: 0, more: 1, wrong: 2 } as const;
export type Read = (typeof Read)[keyof typeof Read];

/** The last head that was read; one object for all. */
export const head = {
  /** Length of what is framed, -1 where nothing is. */
  frame: -1,
  compact: false,
  /** Old binary messages have nothing that tells them. */
  old: false,
  type: 0,
  sequence: 0,
  nameFrom: 0,
  nameTo: 0,
  /** Where the struct begins. */
  bodyAt: 0,
};

export function isRequest(): boolean {
  return head.type === MessageType.call || head.type === MessageType.oneway;
}

export function nameOf(bytes: Uint8Array): string {
  return latin1(bytes, head.nameFrom, head.nameTo);
}

/** Fills `head` from the bytes of a message, framed or not, at `from`. */
export function readHead(bytes: Uint8Array, from: number, to: number): Read {
  if (to <= from) return Read.more;
  const first = bytes[from]!;
  head.frame = -1;
  if (first === STRICT || first === COMPACT) return readMessage(bytes, from, to);
  if (first > MAX_MESSAGE >>> 24) return Read.wrong;
  if (to - from < FRAME_HEAD) return Read.more;
  const length = i32be(bytes, from);
  if (length < LEAST_MESSAGE || length > MAX_MESSAGE) return Read.wrong;
  const at = from + FRAME_HEAD;
  const end = at + length;
  const read = readMessage(bytes, at, Math.min(to, end));
  head.frame = length;
  if (read === Read.more && to >= end) return Read.wrong;
  return read === Read.whole && head.bodyAt >= end ? Read.wrong : read;
}

function readMessage(bytes: Uint8Array, at: number, to: number): Read {
  if (at >= to) return Read.more;
  head.old = false;
  head.compact = bytes[at] === COMPACT;
  if (head.compact) return readCompact(bytes, at, to);
  return bytes[at] === STRICT ? readStrict(bytes, at, to) : readOld(bytes, at, to);
}

function readStrict(bytes: Uint8Array, at: number, to: number): Read {
  if (to - at > 1 && bytes[at + 1] !== VERSION) return Read.wrong;
  if (to - at > 2 && bytes[at + 2] !== 0) return Read.wrong;
  if (to - at > 3 && !isType(bytes[at + 3]!)) return Read.wrong;
  if (to - at < 8) return Read.more;
  head.type = bytes[at + 3]!;
  const read = readName(bytes, at + 8, to, i32be(bytes, at + 4));
  if (read !== Read.whole) return read;
  if (to - head.nameTo < 4) return Read.more;
  head.sequence = i32be(bytes, head.nameTo);
  head.bodyAt = head.nameTo + 4;
  return Read.whole;
}

function readOld(bytes: Uint8Array, at: number, to: number): Read {
  head.old = true;
  if (to - at < 4) return bytes[at] === 0 ? Read.more : Read.wrong;
  const read = readName(bytes, at + 4, to, i32be(bytes, at));
  if (read !== Read.whole) return read;
  const { nameTo } = head;
  if (to > nameTo && !isType(bytes[nameTo]!)) return Read.wrong;
  if (to - nameTo < 5) return Read.more;
  head.type = bytes[nameTo]!;
  head.sequence = i32be(bytes, nameTo + 1);
  head.bodyAt = nameTo + 5;
  return Read.whole;
}

function readCompact(bytes: Uint8Array, at: number, to: number): Read {
  if (to - at < 2) return Read.more;
  if ((bytes[at + 1]! & 0x1f) !== VERSION || !isType(bytes[at + 1]! >> 5)) return Read.wrong;
  head.type = bytes[at + 1]! >> 5;
  const sequenceEnd = varintEnd(bytes, at + 2, to, 5);
  if (sequenceEnd <= 0) return sequenceEnd < 0 ? Read.wrong : Read.more;
  head.sequence = varint(bytes, at + 2, sequenceEnd) | 0;
  const lengthEnd = varintEnd(bytes, sequenceEnd, to, 2);
  if (lengthEnd <= 0) return lengthEnd < 0 ? Read.wrong : Read.more;
  const read = readName(bytes, lengthEnd, to, varint(bytes, sequenceEnd, lengthEnd));
  head.bodyAt = head.nameTo;
  return read;
}

/** A name of letters, digits and what joins those of a service and of a method (TMultiplexedProtocol). */
function readName(bytes: Uint8Array, from: number, to: number, length: number): Read {
  if (length < 1 || length > MAX_NAME) return Read.wrong;
  const end = from + length;
  const known = Math.min(to, end);
  for (let i = from; i < known; i++) if (!isNameCharacter(bytes[i]!)) return Read.wrong;
  head.nameFrom = from;
  head.nameTo = end;
  return end > to ? Read.more : Read.whole;
}

function isNameCharacter(byte: number): boolean {
  if (byte >= 0x30 && byte <= 0x3a) return true; // digits, colon
  const small = byte | 0x20;
  if (small >= 0x61 && small <= 0x7a) return true;
  return byte === 0x5f || (byte >= 0x2d && byte <= 0x2f) || byte === 0x24;
}

function isType(type: number): boolean {
  return type >= MessageType.call && type <= MessageType.oneway;
}

/** Position behind a varint of at most `most` bytes; 0 where it has not come, -1 where it is longer. */
export function varintEnd(bytes: Uint8Array, at: number, to: number, most: number): number {
  for (let i = 0; i < most; i++) {
    if (at + i >= to) return 0;
    if (bytes[at + i]! < 0x80) return at + i + 1;
  }
  return -1;
}

/** Value of the varint in `[at, end)`, of at most 32 bits. */
export function varint(bytes: Uint8Array, at: number, end: number): number {
  let value = 0;
  for (let i = end - 1; i >= at; i--) value = value * 128 + (bytes[i]! & 0x7f);
  return value;
}
