import { i32be } from '../bytes.ts';
import { Claim } from '../decoder.ts';
import {
  FRAME_HEAD,
  head,
  MAX_FRAME,
  MAX_READ,
  readHead,
  RequestCheck,
  RESPONSE_HEAD,
  walkBody,
} from './kafka-message.ts';
import { Walked } from './kafka-layout.ts';

/** Head and error code. */
const LEAST_RESPONSE = 6;

/**
 * Whose are the bytes at the start of a record? A request says its kind, its version and who asks, and its length must be that of its body: that
 * is enough where somebody gives his name. A response begins with two numbers, which is next to nothing.
 */
export function probeKafka(bytes: Uint8Array, from: number, to: number, final: boolean): Claim {
  if (to <= from) return Claim.more;
  if (bytes[from]! > MAX_FRAME >> 24) return Claim.no;
  if (to - from < RESPONSE_HEAD) return final ? Claim.no : Claim.more;
  const length = i32be(bytes, from);
  if (length < LEAST_RESPONSE || length > MAX_FRAME) return Claim.no;
  const end = from + FRAME_HEAD + length;
  const request = probeRequest(bytes, from, to, end, final);
  return request === Claim.no ? probeResponse(bytes, from, to, end) : request;
}

function probeRequest(bytes: Uint8Array, from: number, to: number, end: number, final: boolean): Claim {
  const limit = Math.min(to, end);
  const read = readHead(bytes, from, limit);
  if (read === Walked.wrong) return Claim.no;
  const complete = limit - from >= Math.min(end - from, MAX_READ);
  const check = new RequestCheck();
  const walked = read === Walked.whole ? walkBody(bytes, limit, end, check) : read;
  if (walked === Walked.wrong || !check.passes) return Claim.no;
  if (!complete && !final) return Claim.more;
  if (read === Walked.cut || !mayFollow(bytes, end, to)) return Claim.no;
  return walked === Walked.whole && head.clientTo > head.clientFrom ? Claim.request : Claim.likeRequest;
}

/** Whether the bytes behind a request may be the next one. */
function mayFollow(bytes: Uint8Array, from: number, to: number): boolean {
  if (to - from < RESPONSE_HEAD) return true;
  const length = i32be(bytes, from);
  return length > 0 && length <= MAX_FRAME && readHead(bytes, from, to) !== Walked.wrong;
}

/** Ids rise; responses come in the order of the requests. */
function probeResponse(bytes: Uint8Array, from: number, to: number, end: number): Claim {
  const id = i32be(bytes, from + FRAME_HEAD);
  if (id < 0) return Claim.no;
  if (to - end >= RESPONSE_HEAD) {
    const length = i32be(bytes, end);
    if (length < LEAST_RESPONSE || length > MAX_FRAME || i32be(bytes, end + FRAME_HEAD) <= id)
      return Claim.no;
  }
  return Claim.likeResponse;
}
