/**
 * Which call a response answers. Its sequence id is that of the call, which clients count up (Java, Go, Node.js) or leave at 0 (Python, C++): calls that
 * are open with the same one are answered in their order.
 */
import type { Frames, Id } from '../frames.ts';
import type { LiveExchange } from '../live-exchange.ts';
import { Match } from '../pairing.ts';

export interface ThriftRequest {
  readonly method: string;
  /** Undefined of one that nobody answers. */
  readonly sequence: number | undefined;
  /** Which call of its connection, among those that the agent has seen. */
  readonly ordinal: number;
  /** Calls with the same number may have been lost before it, and be answered first. */
  readonly doubtful: boolean;
}

export interface Calls {
  count: number;
  /** Sequence id of the last call. */
  last: number;
  /** Calls with the same number were open together. */
  repeated: boolean;
  /** Some were lost since one was seen to be answered: the next with a number used again may be answered by what belongs to those. */
  doubtful: boolean;
  /** Some were lost of a connection where several with the same number are open: nothing is certain of these until its end. */
  adrift: boolean;
}

export function createCalls(): Calls {
  return { count: 0, last: 0, repeated: false, doubtful: false, adrift: false };
}

/** Calls, or responses, were lost. */
export function loseCalls(calls: Calls, ofClient: boolean): void {
  // Of a connection that is older than the agent, the client is taken for one that waits.
  if (ofClient && calls.count > 0) calls.doubtful = true;
  calls.adrift ||= calls.repeated;
}

/** A call that nobody answers, which ends with its message. */
export function openOneWay(calls: Calls, frames: Frames, method: string): LiveExchange {
  const ordinal = calls.count++;
  const request: ThriftRequest = { method, sequence: undefined, ordinal, doubtful: false };
  return frames.tell(`oneway/${ordinal}`, request);
}

export function openCall(calls: Calls, frames: Frames, method: string, sequence: number): LiveExchange {
  const used = frames.own(sequence) !== undefined;
  calls.repeated ||= used;
  // Numbers that are counted up are not used again.
  const constant = sequence === calls.last;
  const doubtful = calls.doubtful && constant;
  calls.doubtful &&= !constant;
  calls.last = sequence;
  const ordinal = calls.count++;
  const id: Id = used ? `${sequence}/${ordinal}` : sequence;
  return frames.request(id, { method, sequence, ordinal, doubtful } satisfies ThriftRequest);
}

/** The call that the response answers, as `Frames.answered`. */
export function answeredCall(
  calls: Calls,
  frames: Frames,
  method: string,
  sequence: number,
): LiveExchange | (typeof Match)[keyof typeof Match] {
  const id = calls.repeated ? oldest(frames, sequence) : sequence;
  const exchange = frames.answered(id, true);
  if (exchange === Match.wait) return exchange;
  if (exchange === Match.orphan) {
    // A client that waits for each response: what was lost has been answered.
    calls.doubtful = false;
    return exchange;
  }
  return isMethod(exchange.request as ThriftRequest, method) ? exchange : Match.orphan;
}

function oldest(frames: Frames, sequence: number): Id {
  let id: Id = sequence;
  let first = Infinity;
  const same = frames.select(false, ({ request }) => (request as ThriftRequest).sequence === sequence);
  for (const exchange of same) {
    const { ordinal } = exchange.request as ThriftRequest;
    if (ordinal >= first) continue;
    first = ordinal;
    id = exchange.id;
  }
  return id;
}

/** Whether the response may be that of a call which was lost. */
export function isDoubtful(calls: Calls, { request }: LiveExchange): boolean {
  return calls.adrift || (request as ThriftRequest).doubtful;
}

/** A response has the name of the call, without that of the service (TMultiplexedProcessor). */
function isMethod({ method }: ThriftRequest, name: string): boolean {
  return method === name || method.endsWith(`:${name}`);
}
