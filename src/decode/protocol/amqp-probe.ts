import { Claim } from '../decoder.ts';
import {
  frame,
  FrameType,
  INCOMPLETE,
  MALFORMED,
  methodAt,
  protocolAt,
  PROTOCOL_LENGTH,
  readFrame,
} from './amqp-frame.ts';
import { Method, sendersOf } from './amqp-method.ts';

/**
 * The protocol header is AMQP 0-9-1's alone, and so are frames with a known method and the octet that ends a frame where their size says. A
 * connection that is seen from its start begins with the header and with connection.start.
 */
export function probeAmqp(
  bytes: Uint8Array,
  from: number,
  to: number,
  final: boolean,
  joined: boolean,
): Claim {
  if (to <= from) return Claim.more;
  const protocol = protocolAt(bytes, from, to);
  if (protocol === PROTOCOL_LENGTH) return Claim.request;
  if (protocol >= 0) return final ? Claim.no : Claim.more;
  return probeChain(bytes, from, to, final, joined);
}

const BOTH = 3;

/** Frames one after another, up to the end of what is there. */
function probeChain(bytes: Uint8Array, from: number, to: number, final: boolean, joined: boolean): Claim {
  let senders = BOTH;
  let sure = false;
  for (let at = from; at < to;) {
    const end = readFrame(bytes, at, to);
    if (end === MALFORMED) return Claim.no;
    if (end === INCOMPLETE || (frame.type === FrameType.method && frame.at + 4 > to)) {
      if (at > from) break;
      return final ? Claim.no : Claim.more;
    }
    if (!joined && !isStart(bytes)) return Claim.no;
    if (frame.type === FrameType.method) {
      senders &= sendersOf(methodAt(bytes, frame.at));
      sure ||= end <= to;
    }
    if (senders === 0) return Claim.no;
    at = end;
  }
  return claimOf(senders, sure);
}

/** The server's first frame. */
function isStart(bytes: Uint8Array): boolean {
  return frame.type === FrameType.method && methodAt(bytes, frame.at) === Method.connectionStart;
}

function claimOf(senders: number, sure: boolean): Claim {
  if (senders === BOTH) return Claim.like;
  if (senders === 1) return sure ? Claim.request : Claim.likeRequest;
  return sure ? Claim.response : Claim.likeResponse;
}
