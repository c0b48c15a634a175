import { Step } from '../decoder.ts';
import type { Reader } from '../reader.ts';
import {
  createMemcachedRequest,
  type MemcachedRequest,
  type MemcachedResponse,
} from './memcached-message.ts';
import {
  addPacket,
  endsResponse,
  HEADER,
  isHit,
  isQuietPacket,
  isQuit,
  packet,
  readPacket,
  statusOf,
} from './memcached-packet.ts';
import { finalStep, Phase, sayHead, type Side } from './memcached-side.ts';

/** Reads on in a packet or a run of quiet ones. `limit`: characters of a query text. */
export function readBinaryRequest(reader: Reader, side: Side<MemcachedRequest>, limit: number): Step {
  for (;;) {
    if (!reader.arrived) return Step.more;
    const step = finalStep(side);
    if (step !== undefined) return step;
    const { bytes, at, limit: to, available, blocked } = reader;
    if (available < HEADER) return Step.more;
    if (!readPacket(bytes, at, true)) return Step.malformed;
    if (available < HEADER + packet.extras + packet.keyLength && !blocked) return Step.more;
    const request = side.message ?? createMemcachedRequest(true);
    const quiet = isQuietPacket();
    addPacket(request, bytes, at, to, limit);
    request.quiet ||= quiet;
    request.ended = !quiet;
    side.phase = quiet ? Phase.next : Phase.end;
    if (isQuit()) side.phase = Phase.unanswered;
    reader.skip(HEADER + packet.body);
    if (sayHead(reader, side, request)) return Step.head;
  }
}

export function readBinaryResponse(
  reader: Reader,
  side: Side<MemcachedResponse>,
  request: MemcachedRequest | undefined,
): Step {
  for (;;) {
    if (!reader.arrived) return Step.more;
    const step = finalStep(side);
    if (step !== undefined) return step;
    const { bytes, at, available } = reader;
    if (available < HEADER) return Step.more;
    if (!readPacket(bytes, at, false) || (request && !isAnswer(request))) return Step.malformed;
    const response = side.message ?? { hits: 0, status: undefined };
    if (isHit()) response.hits++;
    response.status ??= statusOf();
    side.phase = endsResponse() ? Phase.end : Phase.next;
    reader.skip(HEADER + packet.body);
    if (sayHead(reader, side, response)) return Step.head;
  }
}

/** What ends the response answers the last command, if that has come. */
function isAnswer({ binary, ended, opcode }: MemcachedRequest): boolean {
  return binary && (!ended || !endsResponse() || packet.opcode === opcode);
}
