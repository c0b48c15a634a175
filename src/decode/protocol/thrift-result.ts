/** What the struct of a response says of how the call went. */
import { i32be, u16be } from '../bytes.ts';
import { isFieldType } from './thrift-walk.ts';
import { head, MessageType, Read, varint, varintEnd } from './thrift-message.ts';

export interface ThriftResponse {
  /** TApplicationException; undefined: none. Its type, -1 where that was not seen. */
  application: number | undefined;
  /** Number of the exception that the method declares and has thrown; 0: none. */
  declared: number;
}

/** As far as an exception's text is looked past. */
const MAX_EXCEPTION = 4096;
const STOP = 0;
/** Types of the two protocols. */
const BINARY = { text: 11, i32: 8, struct: 12 };
const COMPACT = { text: 8, i32: 5, struct: 12 };
/** Fields of TApplicationException. */
const MESSAGE = 1;
const TYPE = 2;

/** The head of a field, and where its value begins; one object for all. */
const field = { type: STOP, id: 0, valueAt: 0 };

/** Reads what is known of the response whose head is in `head`; `read` says whether that is all there is to know. */
export function readResult(bytes: Uint8Array, to: number, response: ThriftResponse): Read {
  if (head.type === MessageType.exception) return readException(bytes, to, response);
  const read = readField(bytes, head.bodyAt, to, 0);
  if (read !== Read.whole) return read;
  // A result is a struct of which one field is there at most: 0 what is returned, the others what is thrown (Thrift, interface definition).
  const { struct } = head.compact ? COMPACT : BINARY;
  if (field.type === struct && field.id > 0) response.declared = field.id;
  return Read.whole;
}

function readException(bytes: Uint8Array, to: number, response: ThriftResponse): Read {
  const types = head.compact ? COMPACT : BINARY;
  const limit = Math.min(to, head.bodyAt + MAX_EXCEPTION);
  response.application = -1;
  field.id = 0;
  for (let at = head.bodyAt; ;) {
    const read = readField(bytes, at, limit, field.id);
    if (read !== Read.whole) return read === Read.more && limit < to ? Read.whole : read;
    if (field.type === STOP) return Read.whole;
    const { id, type, valueAt } = field;
    if (type === types.i32 && id === TYPE) return readType(bytes, valueAt, limit, response);
    if (type !== types.text || id !== MESSAGE) return Read.whole;
    at = textEnd(bytes, valueAt, limit);
    if (at < 0) return Read.wrong;
    if (at === 0 || at >= limit) return limit < to ? Read.whole : Read.more;
  }
}

function readField(bytes: Uint8Array, at: number, to: number, before: number): Read {
  if (at >= to) return Read.more;
  const first = bytes[at]!;
  field.type = head.compact ? first & 15 : first;
  if (first === STOP) return Read.whole;
  if (!isFieldType(head.compact, field.type)) return Read.wrong;
  if (!head.compact) {
    if (at + 3 > to) return Read.more;
    field.id = u16be(bytes, at + 1);
    field.valueAt = at + 3;
    return Read.whole;
  }
  field.id = before + (first >> 4);
  field.valueAt = at + 1;
  if (first >> 4 !== 0) return Read.whole;
  const end = varintEnd(bytes, at + 1, to, 3);
  if (end <= 0) return end < 0 ? Read.wrong : Read.more;
  field.id = zigzag(varint(bytes, at + 1, end));
  field.valueAt = end;
  return Read.whole;
}

/** Position behind a text, 0 where its length has not come, -1 where it has none. */
function textEnd(bytes: Uint8Array, at: number, to: number): number {
  if (!head.compact) {
    if (to - at < 4) return 0;
    const length = i32be(bytes, at);
    return length < 0 ? -1 : at + 4 + length;
  }
  const end = varintEnd(bytes, at, to, 5);
  return end <= 0 ? end : end + varint(bytes, at, end);
}

function readType(bytes: Uint8Array, at: number, to: number, response: ThriftResponse): Read {
  if (head.compact) {
    const end = varintEnd(bytes, at, to, 5);
    if (end <= 0) return end < 0 ? Read.wrong : Read.more;
    response.application = zigzag(varint(bytes, at, end));
    return Read.whole;
  }
  if (to - at < 4) return Read.more;
  response.application = i32be(bytes, at);
  return Read.whole;
}

function zigzag(value: number): number {
  return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
}
