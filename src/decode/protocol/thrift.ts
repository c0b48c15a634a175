import { Step, type IdDecoder } from '../decoder.ts';
import type { Frames } from '../frames.ts';
import type { LiveExchange } from '../live-exchange.ts';
import { Match } from '../pairing.ts';
import type { Reader } from '../reader.ts';
import {
  answeredCall,
  createCalls,
  isDoubtful,
  loseCalls,
  openCall,
  openOneWay,
  type Calls,
} from './thrift-calls.ts';
import { describeThrift } from './thrift-describe.ts';
import { FRAME_HEAD, head, isRequest, MessageType, nameOf, Read, readHead } from './thrift-message.ts';
import { probeThrift, THRIFT_STARTS } from './thrift-probe.ts';
import { readResult, type ThriftResponse } from './thrift-result.ts';
import { Walk } from './thrift-walk.ts';

/** A run has many messages where many calls are open. */
const BUDGET = 65_536;
const PIPELINED = 262_144;

/** A message without a frame that is under way, and the exchange that is over with it. */
interface Part {
  readonly walk: Walk;
  readonly ends: LiveExchange | undefined;
}

interface ThriftState {
  readonly calls: Calls;
  ofClient: Part | undefined;
  ofServer: Part | undefined;
}

/**
 * Apache Thrift: binary protocol (strict, and old in frames) and compact protocol, framed or not.
 *
 * What is not framed has no length: its struct is gone through to its end (`thrift-walk.ts`). Arguments and results are not decoded, only which field of
 * a result is there. Not decoded: THeader, JSON, TZlibTransport, SASL; over HTTP it is HTTP.
 */
export function createThrift(): IdDecoder<ThriftState> {
  return {
    name: 'thrift',
    pairing: 'id',
    idsReturn: true,
    starts: THRIFT_STARTS,
    capture: { budget: BUDGET, pipelined: PIPELINED, elide: true },
    probe: probeThrift,
    createState: () => ({ calls: createCalls(), ofClient: undefined, ofServer: undefined }),
    lasting: () => true,
    read: (reader, fromClient, state, frames) =>
      (fromClient ? state.ofClient : state.ofServer)
        ? walkOn(reader, fromClient, state, frames)
        : readMessage(reader, fromClient, state, frames),
    lost(state, fromClient) {
      loseCalls(state.calls, fromClient);
      setPart(state, fromClient, undefined);
    },
    describe: describeThrift,
  };
}

function setPart(state: ThriftState, fromClient: boolean, part: Part | undefined): void {
  if (fromClient) state.ofClient = part;
  else state.ofServer = part;
}

function readMessage(reader: Reader, fromClient: boolean, state: ThriftState, frames: Frames): Step {
  const { bytes, at, limit } = reader;
  const read = readHead(bytes, at, limit);
  if (read !== Read.whole) return read === Read.more ? Step.more : Step.malformed;
  if (isRequest() !== fromClient) return Step.malformed;
  const { frame, bodyAt, compact } = head;
  const end = frame < 0 ? Infinity : at + FRAME_HEAD + frame;
  const ends = fromClient
    ? readCall(bytes, state.calls, frames)
    : readResponse(reader, end, state.calls, frames);
  if (typeof ends === 'number') return ends;
  if (frame < 0) {
    reader.skip(bodyAt - at);
    setPart(state, fromClient, { walk: new Walk(compact), ends });
    return walkOn(reader, fromClient, state, frames);
  }
  if (ends) frames.end(ends);
  reader.skip(end - at);
  return Step.end;
}

/** The call whose head is in `head`, if it is over with its message. */
function readCall(bytes: Uint8Array, calls: Calls, frames: Frames): LiveExchange | undefined {
  const method = nameOf(bytes);
  if (head.type === MessageType.oneway) return openOneWay(calls, frames, method);
  openCall(calls, frames, method, head.sequence);
  return undefined;
}

/** The call that the response answers whose head is in `head`; undefined: none that is known. */
function readResponse(
  { bytes, limit, blocked }: Reader,
  end: number,
  calls: Calls,
  frames: Frames,
): LiveExchange | undefined | Step {
  const response: ThriftResponse = { application: undefined, declared: 0 };
  const result = readResult(bytes, Math.min(limit, end), response);
  if (result === Read.wrong || (result === Read.more && limit >= end)) return Step.malformed;
  if (result === Read.more && !blocked) return Step.more;
  const exchange = answeredCall(calls, frames, nameOf(bytes), head.sequence);
  if (exchange === Match.wait) return Step.wait;
  if (exchange === Match.orphan) return undefined;
  if (isDoubtful(calls, exchange)) exchange.incomplete = 'response_lost';
  else exchange.response = response;
  return exchange;
}

/** Goes on in a message without a frame. What is not its end is said to be nothing by itself. */
function walkOn(reader: Reader, fromClient: boolean, state: ThriftState, frames: Frames): Step {
  const { walk, ends } = (fromClient ? state.ofClient : state.ofServer)!;
  const { bytes, at, limit } = reader;
  const read = walk.go(bytes, at, limit);
  if (read === Read.wrong) return Step.malformed;
  const moved = walk.at - at;
  reader.skip(moved);
  if (read === Read.more) return moved > 0 ? Step.interim : Step.more;
  setPart(state, fromClient, undefined);
  if (ends) frames.end(ends);
  return Step.end;
}
