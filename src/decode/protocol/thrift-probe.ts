import { Claim } from '../decoder.ts';
import { FRAME_HEAD, head, isRequest, MAX_FRAME, Read, readHead } from './thrift-message.ts';
import { isFieldType, Walk } from './thrift-walk.ts';

/** First field id of a struct that a generated one has. */
const MAX_FIELD_ID = 1024;
/** Of a message whose end tells what it is. */
const MAX_AWAITED = 7000;

/** Heads of strict binary messages: call, reply, exception and oneway. */
export const THRIFT_STARTS: readonly string[] = [1, 2, 3, 4].map((type) =>
  String.fromCharCode(0x80, 1, 0, type),
);

/**
 * Whose are the bytes at the start of a record? A head must be whole, its name one of an interface, and its struct begin as one does. The first four
 * bytes of a strict message say it for sure. Compact and old binary heads are short: with them goes a struct that ends where its frame does, or where
 * the next message begins; what is too long for that counts where both directions have one.
 */
export function probeThrift(bytes: Uint8Array, from: number, to: number, final: boolean): Claim {
  const read = readHead(bytes, from, to);
  if (read === Read.wrong) return Claim.no;
  if (read === Read.more || head.bodyAt >= to) return final ? Claim.no : Claim.more;
  const { frame, compact, old } = head;
  const end = frame < 0 ? Infinity : from + FRAME_HEAD + frame;
  if (frame > MAX_FRAME || !beginsStruct(bytes, to, end)) return Claim.no;
  if (compact || old) return probeShort(bytes, to, final, end);
  return isRequest() ? Claim.request : Claim.response;
}

/** Behind a head that is compact or old, of a message that goes to `end` if it is framed. */
function probeShort(bytes: Uint8Array, to: number, final: boolean, end: number): Claim {
  const asks = isRequest();
  const walk = new Walk(head.compact);
  const limit = Math.min(to, end);
  const read = walk.go(bytes, head.bodyAt, limit);
  if (read === Read.wrong || walk.at > end || (read === Read.more && end <= to)) return Claim.no;
  if (read === Read.whole) {
    if (end === Infinity ? !mayFollow(bytes, walk.at, to) : walk.at !== end) return Claim.no;
    return asks ? Claim.request : Claim.response;
  }
  if (to - head.bodyAt <= MAX_AWAITED && !final) return Claim.more;
  return asks ? Claim.likeRequest : Claim.likeResponse;
}

/** Behind a message without a frame nothing has come, or another one begins. */
function mayFollow(bytes: Uint8Array, at: number, to: number): boolean {
  return at === to || readHead(bytes, at, to) !== Read.wrong;
}

/** A field, or the end of an empty struct, which is that of its frame as well. */
function beginsStruct(bytes: Uint8Array, to: number, end: number): boolean {
  const at = head.bodyAt;
  const first = bytes[at]!;
  if (first === 0) return end === Infinity || at + 1 === end;
  if (head.compact) return isFieldType(true, first & 15);
  if (!isFieldType(false, first)) return false;
  return at + 3 > to || ((bytes[at + 1]! << 8) | bytes[at + 2]!) <= MAX_FIELD_ID;
}
