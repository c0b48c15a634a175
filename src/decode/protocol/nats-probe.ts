import { Claim } from '../decoder.ts';
import { INCOMPLETE, line, MALFORMED, maySend, readLine, Verb } from './nats-line.ts';

const CR = 13;
const LF = 10;
/** A line of a connection that is found anew is no longer. */
const MAX_LINE = 4096;

/**
 * INFO and CONNECT with JSON are NATS's alone, and so is a message whose size fits what is there. Other messages are short words that other
 * protocols have, too. A connection that is seen from its start begins with INFO.
 */
export function probeNats(
  bytes: Uint8Array,
  from: number,
  to: number,
  final: boolean,
  joined: boolean,
): Claim {
  if (to <= from) return Claim.more;
  const end = readLine(bytes, from, to);
  if (end === MALFORMED) return Claim.no;
  if (end === INCOMPLETE) return final || to - from > MAX_LINE ? Claim.no : Claim.more;
  if (line.verb === Verb.connect) return Claim.request;
  if (line.verb === Verb.info) return Claim.response;
  if (!joined) return Claim.no;
  return probeChain(bytes, from, to);
}

/** Messages one after another, up to the end of what is there; the first is whole. */
function probeChain(bytes: Uint8Array, from: number, to: number): Claim {
  let client = true;
  let server = true;
  let sure = false;
  for (let at = from; at < to;) {
    const end = readLine(bytes, at, to);
    if (end === MALFORMED) return Claim.no;
    if (end === INCOMPLETE) break;
    client &&= maySend(true);
    server &&= maySend(false);
    if (!client && !server) return Claim.no;
    if (line.size >= 0 && end <= to) sure = bytes[end - 2] === CR && bytes[end - 1] === LF;
    if (line.size >= 0 && end <= to && !sure) return Claim.no;
    at = end;
  }
  return claimOf(client, server, sure);
}

function claimOf(client: boolean, server: boolean, sure: boolean): Claim {
  if (sure) return client ? Claim.request : Claim.response;
  if (client && server) return Claim.like;
  return client ? Claim.likeRequest : Claim.likeResponse;
}
