import { u16be, u64be } from '../bytes.ts';
import { Claim, Step, UNLIMITED, type IdDecoder } from '../decoder.ts';
import type { Description, Exchange } from '../exchange.ts';
import type { Frames } from '../frames.ts';
import type { Reader } from '../reader.ts';
import { createDescriber } from './http-describe.ts';
import type { HttpResponse } from './http-message.ts';
import type { DecoderOptions } from './index.ts';

const Opcode = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;
const FIN = 0x80;
/** RSV1: the message is compressed (RFC 7692, 6). */
const COMPRESSED = 0x40;
const RESERVED = 0x30;
const MASK = 0x80;
const MASK_KEY = 4;
const MAX_CONTROL = 125;
/** The one exchange. */
const ID = 0;

/** Codes of a close that is no error: normal, going away, none given. RFC 6455, 7.4.1. */
const NO_ERRORS: ReadonlySet<number> = new Set([1000, 1001, 1005]);
const NO_CODE = 1005;

/** One direction. */
interface Flow {
  messages: number;
  /** Of their content, as it was sent: compressed where the message is. */
  bytes: number;
  /** A message is under way whose last fragment has not come. */
  fragmented: boolean;
}

interface WebSocketState {
  readonly client: Flow;
  readonly server: Flow;
  compressed: boolean;
  closeCode: number;
  /** Frames were lost: nothing is counted any more. */
  lost: boolean;
}

/** The handshake's response, and what came of it. */
interface WebSocketResponse extends HttpResponse {
  socket: WebSocketState;
}

/** One object, filled anew for every frame. */
const frame = { opcode: 0, first: 0, masked: false, head: 0, length: 0 };

/**
 * WebSocket, which HTTP/1.1 hands over to. RFC 6455.
 *
 *   FIN RSV(3) opcode(4) | MASK length(7) [length(16) or (64)] [key(32)] | content
 *
 * The exchange of the handshake goes on until the first Close frame or the end of the connection. Messages are counted, not read; a client's are
 * masked, a server's are not. Of permessage-deflate (RFC 7692) it is told that it was used. State: 8 numbers.
 */
export function createWebSocket(options: DecoderOptions): IdDecoder<WebSocketState> {
  const describeHttp = createDescriber(options.redactedQueryKeys);
  return {
    name: 'websocket',
    pairing: 'id',
    handedOver: true,
    idsReturn: false,
    starts: [],
    // One end may talk alone for ever.
    capture: { elide: false, budget: UNLIMITED },
    probe: probeWebSocket,
    createState: () => ({
      client: { messages: 0, bytes: 0, fragmented: false },
      server: { messages: 0, bytes: 0, fragmented: false },
      compressed: false,
      closeCode: 0,
      lost: false,
    }),
    lasting: () => true,
    read,
    lost(state, fromClient) {
      state.lost = true;
      (fromClient ? state.client : state.server).fragmented = false;
    },
    carry(state, exchange) {
      const response = exchange.response as HttpResponse;
      exchange.response = { ...response, socket: state } satisfies WebSocketResponse;
      exchange.patient = true;
      return ID;
    },
    describe: (exchange) => describe(exchange, describeHttp(exchange)),
  };
}

/** Fills `frame` from its first bytes. Claim.request or Claim.response by its sender, Claim.more, or Claim.no where it is no frame. */
function readHead(bytes: Uint8Array, at: number, limit: number): Claim {
  if (limit - at < 2) return Claim.more;
  const first = bytes[at]!;
  const short = bytes[at + 1]! & 0x7f;
  const extended = short === 127 ? 8 : short === 126 ? 2 : 0;
  frame.first = first;
  frame.opcode = first & 0x0f;
  frame.masked = (bytes[at + 1]! & MASK) !== 0;
  frame.head = 2 + extended;
  if (!isKind(first, short)) return Claim.no;
  if (limit - at < frame.head) return Claim.more;
  frame.length = extended === 8 ? u64be(bytes, at + 2) : extended === 2 ? u16be(bytes, at + 2) : short;
  // The shortest form must be used (5.2).
  const shortest = extended === 8 ? 0x10000 : extended === 2 ? 126 : 0;
  if (frame.length < shortest || frame.length > Number.MAX_SAFE_INTEGER) return Claim.no;
  return frame.masked ? Claim.request : Claim.response;
}

function isKind(first: number, short: number): boolean {
  const opcode = first & 0x0f;
  if ((first & RESERVED) !== 0) return false;
  if (opcode >= Opcode.close)
    return opcode <= Opcode.pong && (first & (FIN | COMPRESSED)) === FIN && short <= MAX_CONTROL;
  return opcode <= Opcode.binary && !(opcode === Opcode.continuation && (first & COMPRESSED) !== 0);
}

/** The next frame of a direction where some were lost. */
function probeWebSocket(bytes: Uint8Array, from: number, to: number, final: boolean): Claim {
  if (to <= from) return Claim.more;
  const claim = readHead(bytes, from, to);
  if (claim === Claim.more) return final ? Claim.no : Claim.more;
  if (claim === Claim.no || frame.opcode === Opcode.continuation) return Claim.no;
  return claim === Claim.request ? Claim.likeRequest : Claim.likeResponse;
}

function read(reader: Reader, fromClient: boolean, state: WebSocketState, frames: Frames): Step {
  const { bytes, at, limit, blocked } = reader;
  const claim = readHead(bytes, at, limit);
  if (claim === Claim.more) return Step.more;
  if (claim === Claim.no || frame.masked !== fromClient) return Step.malformed;
  const flow = fromClient ? state.client : state.server;
  if (!state.lost && breaksOrder(flow)) return Step.malformed;
  const head = frame.head + (frame.masked ? MASK_KEY : 0);
  const isClose = frame.opcode === Opcode.close;
  if (isClose && limit - at < head + frame.length && !blocked) return Step.more;
  const exchange = fromClient ? frames.own(ID) : frames.answered(ID, false);
  if (isClose) {
    if (state.closeCode === 0) state.closeCode = closeCode(bytes, at + frame.head, limit);
    if (typeof exchange === 'object') frames.end(exchange);
  } else {
    count(flow, state);
  }
  reader.skip(head + frame.length);
  return Step.end;
}

/** A message's fragments follow each other; control frames may stand between them (5.4). */
function breaksOrder({ fragmented }: Flow): boolean {
  return frame.opcode <= Opcode.binary && fragmented !== (frame.opcode === Opcode.continuation);
}

function count(flow: Flow, state: WebSocketState): void {
  if (frame.opcode > Opcode.binary || state.closeCode !== 0) return;
  flow.bytes += frame.length;
  flow.fragmented = (frame.first & FIN) === 0;
  if (!flow.fragmented) flow.messages++;
  if ((frame.first & COMPRESSED) !== 0) state.compressed = true;
}

/** `at`: behind the length. */
function closeCode(bytes: Uint8Array, at: number, limit: number): number {
  const content = at + (frame.masked ? MASK_KEY : 0);
  if (frame.length < 2 || limit - content < 2) return NO_CODE;
  const code = u16be(bytes, content);
  return frame.masked ? code ^ u16be(bytes, at) : code;
}

function describe(exchange: Exchange, description: Description): Description {
  const { socket } = exchange.response as WebSocketResponse;
  const { attributes } = description;
  const client = exchange.role === 'client';
  const [sent, received] = client ? [socket.client, socket.server] : [socket.server, socket.client];
  if (!socket.lost) {
    attributes['undertrace.websocket.messages.sent'] = sent.messages;
    attributes['undertrace.websocket.messages.received'] = received.messages;
    attributes['undertrace.websocket.bytes.sent'] = sent.bytes;
    attributes['undertrace.websocket.bytes.received'] = received.bytes;
  }
  if (socket.compressed) attributes['undertrace.websocket.compressed'] = true;
  if (socket.closeCode === 0) return description;
  attributes['undertrace.websocket.close_code'] = socket.closeCode;
  if (description.errorType !== undefined || NO_ERRORS.has(socket.closeCode)) return description;
  description.errorType = String(socket.closeCode);
  attributes['error.type'] = description.errorType;
  return description;
}
