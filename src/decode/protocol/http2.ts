import { u16be, u32be } from '../bytes.ts';
import { Step, type IdDecoder } from '../decoder.ts';
import type { Exchange } from '../exchange.ts';
import type { Frames } from '../frames.ts';
import type { LiveExchange } from '../live-exchange.ts';
import { Match } from '../pairing.ts';
import type { Reader } from '../reader.ts';
import { describeGrpc, isGrpcCall } from './grpc-describe.ts';
import { Block, readBlock, type HpackNames } from './hpack.ts';
import { createDescriber } from './http-describe.ts';
import type { HttpRequest } from './http-message.ts';
import { beginsWithStatus, findBlock, Found, type HeaderBlock } from './http2-block.ts';
import {
  createHttp2State,
  hasBegun,
  loseFlow,
  type Flow,
  type Http2State,
  type StreamBody,
} from './http2-flow.ts';
import {
  ACK,
  END_STREAM,
  errorOf,
  HEAD,
  isFrameHead,
  isPreface,
  PADDED,
  PREFACE,
  readFrameHead,
  SETTING_LENGTH,
  SETTING_MAX_FRAME,
  Type,
  type FrameHead,
} from './http2-frame.ts';
import {
  createNames,
  head,
  unseenResponse,
  upgraded,
  type Http2Request,
  type Http2Response,
} from './http2-head.ts';
import { probeHttp2 } from './http2-probe.ts';
import type { DecoderOptions } from './index.ts';

const frame: FrameHead = { length: 0, type: 0, flags: 0, stream: 0 };
const block: HeaderBlock = { bytes: new Uint8Array(0), from: 0, to: 0, length: 0, cut: false };
const PREFACE_START = PREFACE.charCodeAt(0);
/** Where a request of HTTP/1.1 goes on (RFC 7540, 3.2). */
const UPGRADED_STREAM = 1;

/** What a call of `read` is about. One object, filled anew for every call. */
class Call {
  reader!: Reader;
  fromClient = false;
  flow!: Flow;
  state!: Http2State;
  frames!: Frames;
}
const call = new Call();

/**
 * HTTP/2 with prior knowledge and by Upgrade, and gRPC over it. RFC 9113, RFC 7541.
 *
 * Every stream that a client opens is an exchange, from the first byte of its HEADERS to the last frame of the response. Header blocks change the
 * table of their direction, so all are read, those of pushed responses, too; these are no exchanges. Where frames were lost, or the connection
 * was joined in the middle, fields that refer to what was not seen are unknown, and what they say is absent.
 *
 * State: two tables (hpack-table.ts), some 20 numbers. Not decoded: bodies (only measured), priorities, windows, extensions.
 */
export function createHttp2(options: DecoderOptions): IdDecoder<Http2State> {
  const names = createNames(options.requestIdHeaders);
  const describeHttp = createDescriber(options.redactedQueryKeys);
  return {
    name: 'http2',
    pairing: 'id',
    idsReturn: false,
    starts: [PREFACE.slice(0, 4)],
    // Heads of frames stand in the middle of bulk. What a lost header block says of the table is lost for all that follow.
    capture: { elide: false, budget: 65_536, pipelined: 1_048_576 },
    probe: probeHttp2,
    createState: createHttp2State,
    lasting: () => true,
    shrink({ client, server }) {
      client.table.pack();
      server.table.pack();
    },
    read(reader, fromClient, state, frames) {
      call.reader = reader;
      call.fromClient = fromClient;
      call.flow = fromClient ? state.client : state.server;
      call.state = state;
      call.frames = frames;
      return read(names);
    },
    lost: loseFlow,
    carry(state, exchange) {
      state.client.opened = UPGRADED_STREAM;
      exchange.request = upgraded(exchange.request as HttpRequest, state.client);
      exchange.response = undefined;
      return UPGRADED_STREAM;
    },
    describe: (exchange: Exchange) =>
      isGrpcCall(exchange) ? describeGrpc(exchange) : describeHttp(exchange),
  };
}

function read(names: HpackNames): Step {
  const { reader, fromClient, flow } = call;
  if (flow.stream !== 0) return readMessages();
  const { bytes, at, limit } = reader;
  if (fromClient && limit > at && bytes[at] === PREFACE_START) return readPreface(reader);
  if (limit - at < HEAD) return Step.more;
  readFrameHead(bytes, at, frame);
  if (!isFrameHead(frame, flow.maxFrame)) return Step.malformed;
  switch (frame.type) {
    case Type.data:
      return readData();
    case Type.headers:
      return readHeaders(names);
    case Type.pushPromise:
      return readPushPromise(names);
    case Type.continuation:
      // The block that it belongs to was not read: it may have changed the table.
      if (!flow.table.partial) return Step.malformed;
      flow.table.lose();
      return skipFrame(reader);
    case Type.rstStream:
    case Type.settings:
    case Type.goaway:
      return readControl();
    default:
      return skipFrame(reader);
  }
}

function readPreface(reader: Reader): Step {
  const { bytes, at, limit } = reader;
  const to = Math.min(limit, at + PREFACE.length);
  if (!isPreface(bytes, at, to)) return Step.malformed;
  if (to - at < PREFACE.length) return Step.more;
  reader.skip(PREFACE.length);
  return Step.interim;
}

function skipFrame(reader: Reader): Step {
  reader.skip(HEAD + frame.length);
  return Step.end;
}

/** Frames that are read in full before anything is done. */
function readControl(): Step {
  const { reader, state, fromClient, frames } = call;
  const { bytes, at, limit, blocked } = reader;
  const whole = limit - at >= HEAD + frame.length;
  if (!whole && !blocked) return Step.more;
  switch (frame.type) {
    case Type.rstStream:
      endStream(errorOf(whole ? u32be(bytes, at + HEAD) : 0));
      break;
    case Type.settings:
      if (whole && (frame.flags & ACK) === 0)
        readSettings(bytes, at + HEAD, fromClient ? state.server : state.client);
      break;
    case Type.goaway:
      if (whole && !fromClient) {
        const last = u32be(bytes, at + HEAD) & 0x7fffffff;
        const error = u32be(bytes, at + HEAD + 4);
        const unserved = frames.select(false, ({ id }) => (id as number) > last);
        for (const exchange of unserved) frames.end(exchange, error === 0 ? 'goaway' : errorOf(error));
      }
      break;
    default:
  }
  return skipFrame(reader);
}

/** `receives`: the direction that the settings are for. */
function readSettings(bytes: Uint8Array, from: number, receives: Flow): void {
  for (let at = from; at < from + frame.length; at += SETTING_LENGTH) {
    // Frames that are under way may still be as long as before.
    if (u16be(bytes, at) === SETTING_MAX_FRAME)
      receives.maxFrame = Math.max(receives.maxFrame, u32be(bytes, at + 2));
  }
}

function endStream(failure: string): void {
  const exchange = exchangeOf(frame.stream);
  if (exchange === undefined) return;
  (exchange.request as Http2Request).cancelled = call.fromClient;
  call.frames.end(exchange, failure);
}

/** Whose a frame is that begins nothing. */
function exchangeOf(stream: number): LiveExchange | undefined {
  const { fromClient, frames } = call;
  if (fromClient) return frames.own(stream);
  const exchange = frames.answered(stream, false);
  return typeof exchange === 'string' ? undefined : exchange;
}

function readHeaders(names: HpackNames): Step {
  const { reader, fromClient } = call;
  const isPush = (frame.stream & 1) === 0;
  if (fromClient && isPush) return Step.malformed;
  const found = findBlock(reader, frame, 0, block);
  if (found !== Found.whole) return found === Found.more ? Step.more : Step.malformed;
  const ends = (frame.flags & END_STREAM) !== 0;
  if (fromClient) {
    readAsked(names, ends);
  } else {
    const exchange = isPush ? Match.orphan : answeredBy(!ends || beginsWithStatus(block));
    if (exchange === Match.wait) return Step.wait;
    if (exchange === Match.orphan) readFields(names);
    else readAnswered(names, exchange, ends);
  }
  reader.skip(block.length);
  return Step.end;
}

/** The exchange that the server's HEADERS belong to. What the client has begun and nothing waits for any more is over: it was reset. */
function answeredBy(begins: boolean): ReturnType<Frames['answered']> {
  const { frames, state } = call;
  const { stream } = frame;
  if (hasBegun(state, stream) && frames.answered(stream, false) === Match.orphan) return Match.orphan;
  return frames.answered(stream, begins);
}

/**
 * Reads the block into `head`. Of one that breaks the rules nothing is believed, and false is answered: where frames begin is known all the same, so
 * only what was in the table is lost.
 */
function readFields(names: HpackNames): boolean {
  const { flow } = call;
  const { bytes, from, to, cut } = block;
  const outcome = readBlock(bytes, from, to, flow.table, names, head.reset());
  const broken = outcome === Block.malformed || (outcome === Block.cut && !cut);
  if (broken) head.reset();
  if (!broken && !cut) return true;
  flow.table.lose();
  head.partial = true;
  head.truncated = cut;
  return !broken;
}

/** The head of a request, or its trailers. */
function readAsked(names: HpackNames, ends: boolean): void {
  const { frames, flow } = call;
  const whole = readFields(names);
  let request = frames.own(frame.stream)?.request as Http2Request | undefined;
  if (request === undefined) {
    // Trailers end the stream and have none of a request's own fields.
    if (!whole || (ends && !head.asks)) return;
    request = head.toRequest(flow);
    const exchange = frames.request(frame.stream, request);
    flow.opened = frame.stream;
    exchange.patient = request.method === 'CONNECT';
  }
  if (ends) endBody(request, request.body);
}

/** The head of a response, an interim one (1xx), or trailers. */
function readAnswered(names: HpackNames, exchange: LiveExchange, ends: boolean): void {
  const { flow } = call;
  const whole = readFields(names);
  if (!ends && head.status >= 100 && head.status < 200) return;
  const request = exchange.request as Http2Request;
  const known = exchange.response as Http2Response | undefined;
  if (known === undefined) {
    exchange.response = whole ? head.toResponse(flow, request) : unseenResponse(flow, request);
    // What streams messages may be silent for any time.
    exchange.patient ||= request.rpc === true && !ends;
  } else {
    known.trailers = true;
    if (head.rpcStatus >= 0) known.rpcStatus = head.rpcStatus;
    known.rpcException ||= head.rpcException;
  }
  if (ends) endResponse(exchange);
}

function endBody(message: Http2Request | Http2Response, body: StreamBody): void {
  body.ended = true;
  if (body.intact) message.bodySize = body.size;
}

function endResponse(exchange: LiveExchange): void {
  const response = exchange.response as Http2Response;
  if (!response.seen) exchange.incomplete ??= 'response_lost';
  endBody(response, response.body);
  call.frames.end(exchange);
}

/** Its block changes the table of the server's direction; what is pushed is no exchange. */
function readPushPromise(names: HpackNames): Step {
  const { reader } = call;
  const found = findBlock(reader, frame, 4, block);
  if (found !== Found.whole) return found === Found.more ? Step.more : Step.malformed;
  readFields(names);
  reader.skip(block.length);
  return Step.end;
}

function readData(): Step {
  const { reader, flow } = call;
  const { bytes, at, limit, blocked } = reader;
  const padded = (frame.flags & PADDED) !== 0;
  if (padded && limit - at <= HEAD && !blocked) return Step.more;
  const padding = padded && limit - at > HEAD ? bytes[at + HEAD]! + 1 : 0;
  if (padding > frame.length) return Step.malformed;
  const size = frame.length - padding;
  const ends = (frame.flags & END_STREAM) !== 0;
  const exchange = exchangeOf(frame.stream);
  const body = exchange && bodyOf(exchange);
  if (!body) return skipFrame(reader);
  body.size += size;
  if (body.framed) {
    flow.left = size;
    flow.padding = padded ? padding - 1 : 0;
    flow.stream = frame.stream;
    flow.ends = ends;
    reader.skip(padded ? HEAD + 1 : HEAD);
    return readMessages();
  }
  if (ends) endData(exchange, body);
  return skipFrame(reader);
}

function bodyOf(exchange: LiveExchange): StreamBody {
  const { fromClient, flow } = call;
  const request = exchange.request as Http2Request;
  if (fromClient) return request.body;
  exchange.response ??= unseenResponse(flow, request);
  return (exchange.response as Http2Response).body;
}

function endData(exchange: LiveExchange, body: StreamBody): void {
  if (call.fromClient) endBody(exchange.request as Http2Request, body);
  else endResponse(exchange);
}

/** The content of a DATA frame in which gRPC messages begin and end: these are counted. */
function readMessages(): Step {
  const { reader, flow } = call;
  const exchange = exchangeOf(flow.stream);
  const body = exchange && bodyOf(exchange);
  while (body?.framed && flow.left > 0) {
    const passed = body.pass(flow.left);
    flow.left -= passed;
    if (passed > 0) reader.skip(passed);
    if (flow.left === 0) break;
    if (!reader.arrived || reader.available === 0) return Step.more;
    const { bytes, at, limit } = reader;
    const taken = body.takePrefix(bytes, at, Math.min(limit, at + flow.left));
    flow.left -= taken;
    reader.skip(taken);
  }
  if (flow.ends && exchange && body) endData(exchange, body);
  reader.skip(flow.left + flow.padding);
  flow.left = flow.padding = flow.stream = 0;
  return Step.end;
}
