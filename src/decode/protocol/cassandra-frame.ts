import { i32be, u16be } from '../bytes.ts';

/** Header of an envelope ("frame" up to v4): version, flags, i16 stream id, opcode, i32 length of the body. Since v3. */
export const HEADER = 9;
/** `native_transport_max_frame_size` and its like allow less. */
export const MAX_BODY = 256 * 1024 * 1024;

export const Opcode = {
  error: 0,
  startup: 1,
  ready: 2,
  authenticate: 3,
  options: 5,
  supported: 6,
  query: 7,
  result: 8,
  prepare: 9,
  execute: 10,
  register: 11,
  event: 12,
  batch: 13,
  authChallenge: 14,
  authResponse: 15,
  authSuccess: 16,
} as const;

/** Those that clients send. */
export const REQUESTS: ReadonlyMap<number, string> = new Map([
  [Opcode.startup, 'STARTUP'],
  [Opcode.options, 'OPTIONS'],
  [Opcode.query, 'QUERY'],
  [Opcode.prepare, 'PREPARE'],
  [Opcode.execute, 'EXECUTE'],
  [Opcode.register, 'REGISTER'],
  [Opcode.batch, 'BATCH'],
  [Opcode.authResponse, 'AUTH_RESPONSE'],
]);

export const Flag = { compressed: 1, tracing: 2, payload: 4, warnings: 8, beta: 16 } as const;
const ALL_FLAGS = 31;
/** In the version, of what servers send. */
const RESPONSE = 0x80;
/** DataStax Enterprise's own versions, like v4 and like v5 without segments. */
export const DSE_V1 = 0x41;
const DSE_V2 = 0x42;

/** True if there is a protocol version of this number whose headers are known. */
export function isVersion(version: number): boolean {
  return (version >= 3 && version <= 6) || version === DSE_V1 || version === DSE_V2;
}

/** Messages of this version travel in segments, once the connection is set up. */
export function hasSegments(version: number): boolean {
  return version === 5 || version === 6;
}

/** Statements have what v5 brought: flags of four bytes. */
export function hasLongFlags(version: number): boolean {
  return version >= 5;
}

/** PREPARE has flags and a keyspace, EXECUTE the id of the result's metadata. */
export function hasResultIds(version: number): boolean {
  return version >= 5 && version !== DSE_V1;
}

export interface Envelope {
  version: number;
  flags: number;
  stream: number;
  opcode: number;
  /** Of the body. */
  length: number;
}

/** Reads a header, all of whose bytes are there. False for what cannot be one from this end. */
export function readHeader(envelope: Envelope, bytes: Uint8Array, at: number, fromClient: boolean): boolean {
  const first = bytes[at]!;
  envelope.version = first & ~RESPONSE;
  envelope.flags = bytes[at + 1]!;
  envelope.stream = (u16be(bytes, at + 2) << 16) >> 16;
  envelope.opcode = bytes[at + 4]!;
  envelope.length = i32be(bytes, at + 5);
  const { version, flags, stream, opcode, length } = envelope;
  if (fromClient !== first < RESPONSE || !isVersion(version) || flags > ALL_FLAGS) return false;
  if (length < 0 || length > MAX_BODY) return false;
  if (fromClient) return REQUESTS.has(opcode) && stream >= 0;
  if (opcode === Opcode.event) return stream === -1;
  return stream >= -1 && opcode <= Opcode.authSuccess && opcode !== 4 && !REQUESTS.has(opcode);
}

/** CRC-24 of segment headers (native_protocol_v5.spec, 2.1): polynomial and start value. */
const POLYNOMIAL = 0x1974f0b;
const START = 0x875060;
const CRC24 = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 16;
  for (let bit = 0; bit < 8; bit++) {
    crc <<= 1;
    if ((crc & 0x1000000) !== 0) crc ^= POLYNOMIAL;
  }
  return crc;
});

/** Bytes of the two kinds of segment header with their CRC, and of the CRC-32 behind the payload. */
export const PLAIN_HEADER = 6;
export const COMPRESSED_HEADER = 8;
export const TRAILER = 4;
const LENGTH_MASK = 0x1ffff;

export interface Segment {
  /** Of the payload on the wire. */
  length: number;
  /** Of the payload uncompressed; 0: it is not compressed. */
  plainLength: number;
  /** It holds whole envelopes, else a part of one. */
  selfContained: boolean;
}

/**
 * Reads a segment header with a right CRC:
 *
 *   plain        17 bits length, 1 bit self-contained, 6 bits 0, u24 CRC
 *   compressed   17 bits length, 17 bits length uncompressed, 1 bit self-contained, 5 bits 0, u24 CRC        all little-endian
 */
export function readSegment(segment: Segment, bytes: Uint8Array, at: number, compressed: boolean): boolean {
  const size = compressed ? 5 : 3;
  let crc = START;
  for (let i = at; i < at + size; i++)
    crc = ((crc << 8) ^ CRC24[((crc >>> 16) ^ bytes[i]!) & 0xff]!) & 0xffffff;
  const crcAt = at + size;
  if (bytes[crcAt] !== (crc & 0xff) || bytes[crcAt + 1] !== ((crc >>> 8) & 0xff)) return false;
  if (bytes[crcAt + 2] !== crc >>> 16) return false;
  const low = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16);
  segment.length = low & LENGTH_MASK;
  if (!compressed) {
    segment.plainLength = 0;
    segment.selfContained = (low & 0x20000) !== 0;
    return low <= 0x3ffff && segment.length > 0;
  }
  const high = bytes[at + 3]! | (bytes[at + 4]! << 8);
  segment.plainLength = (low >>> 17) | ((high & 0x3ff) << 7);
  segment.selfContained = (high & 0x400) !== 0;
  return high <= 0x7ff && segment.length > 0;
}
