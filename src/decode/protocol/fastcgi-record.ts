/**
 * Records of FastCGI 1.0 (FastCGI Specification, 3.3 and 8).
 *
 *   record        = 01 | type | request id, 2 bytes | length of the content, 2 bytes | length of the padding | reserved | content | padding
 *   BEGIN_REQUEST = role, 2 bytes | flags: keep the connection 01 | 5 bytes
 *   END_REQUEST   = status of the application, 4 bytes | status of the protocol | 3 bytes
 */
import { u16be } from '../bytes.ts';

export const RECORD_HEAD = 8;
const VERSION = 1;

export const RecordType = {
  beginRequest: 1,
  abortRequest: 2,
  endRequest: 3,
  params: 4,
  stdin: 5,
  stdout: 6,
  stderr: 7,
  data: 8,
  getValues: 9,
  getValuesResult: 10,
  unknownType: 11,
} as const;

/** Content of BEGIN_REQUEST and END_REQUEST. */
export const BODY = 8;
/** Responder, authorizer and filter. */
const MAX_ROLE = 3;
const FIRST_MANAGEMENT = RecordType.getValues;
const OF_CLIENT: ReadonlySet<number> = new Set([
  ...[RecordType.beginRequest, RecordType.abortRequest, RecordType.params, RecordType.stdin],
  ...[RecordType.data, RecordType.getValues],
]);

/** The last head that was read; one object for all. */
export const record = { type: 0, id: 0, length: 0, padding: 0 };

/** Fills `record` from the eight bytes at `at`. False if they are no head of a record that this end sends. */
export function readRecord(bytes: Uint8Array, at: number, fromClient: boolean): boolean {
  const type = bytes[at + 1]!;
  record.type = type;
  record.id = u16be(bytes, at + 2);
  record.length = u16be(bytes, at + 4);
  record.padding = bytes[at + 6]!;
  if (bytes[at] !== VERSION || type < 1 || type > RecordType.unknownType) return false;
  return (record.id === 0) === type >= FIRST_MANAGEMENT && OF_CLIENT.has(type) === fromClient;
}

/** The bytes of `[from, to)` can begin a BEGIN_REQUEST, as far as they go. */
export function beginsRequest(bytes: Uint8Array, from: number, to: number): boolean {
  return fits(bytes, from, to, (i, byte) => {
    if (i === 1) return byte === RecordType.beginRequest;
    if (i === 3) return byte !== 0 || bytes[from + 2] !== 0;
    if (i === 9) return byte >= 1 && byte <= MAX_ROLE;
    return i === 10 ? byte <= 1 : byte === 0;
  });
}

/** The same of an END_REQUEST: its status of the protocol is one of four. */
export function beginsEnd(bytes: Uint8Array, from: number, to: number): boolean {
  return fits(bytes, from, to, (i, byte) => {
    if (i === 1) return byte === RecordType.endRequest;
    if (i === 3) return byte !== 0 || bytes[from + 2] !== 0;
    if (i === 12) return byte <= 3;
    return (i >= 8 && i < 12) || byte === 0;
  });
}

function fits(
  bytes: Uint8Array,
  from: number,
  to: number,
  test: (i: number, byte: number) => boolean,
): boolean {
  const end = Math.min(to, from + RECORD_HEAD + BODY);
  for (let at = from; at < end; at++) {
    const i = at - from;
    const byte = bytes[at]!;
    if (i === 0 ? byte !== VERSION : i === 5 ? byte !== BODY : i !== 2 && !test(i, byte)) return false;
  }
  return true;
}
