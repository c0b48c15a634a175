import { i32be, u32be } from '../bytes.ts';
import { connectionAttributes } from '../connection-attributes.ts';
import { Claim, Step, type IdDecoder } from '../decoder.ts';
import type { Attributes, Description, Exchange } from '../exchange.ts';
import type { Frames } from '../frames.ts';
import { Match } from '../pairing.ts';
import type { Reader } from '../reader.ts';
import type { DecoderOptions } from './index.ts';
import { MessageContext } from './message-context.ts';
import { BURSTS } from './messaging.ts';
import { askerOf, Code, isFailure, requestName, responseName } from './rocketmq-codes.ts';
import { parseBinary, parseJson, type RemotingHeader } from './rocketmq-header.ts';
import {
  isPull,
  isSend,
  requestOf,
  responseOf,
  type RocketRequest,
  type RocketResponse,
} from './rocketmq-message.ts';

/** Length of the frame, which does not count itself; kind and length of the header. */
const FRAME_HEAD = 8;
/** com.rocketmq.remoting.frameMaxLength, unless it is set. */
const MAX_FRAME = 16_777_216;
const LEAST_HEADER = 20;
const MAX_HEADER = 65_536;
/** Bytes of a body in which messages are counted. */
const MAX_BODY = 8192;
/** A broker that may take so long is waited for without end. */
const PATIENT_MS = 30_000;
/** JSON headers have at least as many of code, flag, language, opaque and version. */
const LEAST_MEMBERS = 4;

/**
 * RocketMQ's remoting protocol, of 4.x and 5.x. https://rocketmq.apache.org/docs/4.x/introduction/03whatis
 *
 *   frame = length:4 kind:1 headerLength:3 header body        kind 0: the header is JSON, 1: binary
 *
 * Responses have the id (`opaque`) of their request. Either end asks. Of bodies only the messages are counted.
 * Not decoded: the gRPC protocol of 5.x clients (it is gRPC), replication between brokers, bodies, compressed or not.
 */
export function createRocketmq(options: DecoderOptions): IdDecoder<undefined> {
  const context = new MessageContext(options.requestIdHeaders);
  return {
    name: 'rocketmq',
    pairing: 'id',
    idsReturn: false,
    starts: [],
    capture: BURSTS,
    probe,
    createState: () => undefined,
    lost() {
      // Nothing is kept.
    },
    read: (reader, _fromClient, _state, frames) => read(reader, frames, context),
    describe,
  };
}

/** Length of the header in the frame at `at`, 0 if there is none. */
function headerLength(bytes: Uint8Array, at: number): number {
  const length = i32be(bytes, at);
  const word = u32be(bytes, at + 4);
  const header = word & 0xffffff;
  const fits = length <= MAX_FRAME && header <= length - 4 && header <= MAX_HEADER && header >= LEAST_HEADER;
  return fits && word >>> 24 <= 1 ? header : 0;
}

function parseHeader(bytes: Uint8Array, at: number, length: number): RemotingHeader | undefined {
  const from = at + FRAME_HEAD;
  if (bytes[at + 4] === 1) return parseBinary(bytes, from, from + length);
  const header = parseJson(bytes, from, from + length);
  return header !== undefined && header.members >= LEAST_MEMBERS ? header : undefined;
}

/** A header says itself what it is, and its length must be right. Who answers cannot be told from a response. */
function probe(bytes: Uint8Array, from: number, to: number, final: boolean): Claim {
  const more = final ? Claim.no : Claim.more;
  if (to <= from) return Claim.more;
  if (bytes[from]! > MAX_FRAME >> 24) return Claim.no;
  if (to - from < FRAME_HEAD + 1) return more;
  const length = headerLength(bytes, from);
  if (length === 0) return Claim.no;
  const binary = bytes[from + 4] === 1;
  if (!binary && bytes[from + FRAME_HEAD] !== 123 /* { */) return Claim.no;
  if (to - from < FRAME_HEAD + length) return length > MAX_BODY ? Claim.no : more;
  const header = parseHeader(bytes, from, length);
  if (header === undefined) return Claim.no;
  if (header.isResponse) return Claim.like;
  if (binary && requestName(header.code) === undefined) return Claim.no;
  return CLAIMS[askerOf(header.code)];
}

const CLAIMS = { client: Claim.request, broker: Claim.response, either: Claim.like };

function read(reader: Reader, frames: Frames, context: MessageContext): Step {
  const { bytes, at, limit, blocked } = reader;
  if (limit - at < FRAME_HEAD) return Step.more;
  const length = headerLength(bytes, at);
  if (length === 0) return Step.malformed;
  const end = at + 4 + i32be(bytes, at);
  const body = at + FRAME_HEAD + length;
  if (limit < body || (limit < Math.min(end, body + MAX_BODY) && !blocked)) return Step.more;
  const header = parseHeader(bytes, at, length);
  if (header === undefined) return Step.malformed;
  const seen = Math.min(limit, end, body + MAX_BODY);
  const id = header.opaque!;
  if (header.isResponse) {
    const exchange = frames.answered(id, true);
    if (exchange === Match.wait) return Step.wait;
    if (exchange !== Match.orphan) {
      const request = exchange.request as RocketRequest;
      exchange.response = responseOf(header, bytes, body, seen, end, request);
      frames.end(exchange);
    }
  } else {
    const request = requestOf(header, bytes, body, seen, end, context);
    if (header.isOneWay) frames.oneWay(request);
    else frames.request(id, request).patient = request.waitMs >= PATIENT_MS;
  }
  reader.skip(end - at);
  return Step.end;
}

/** What the messaging conventions call operations. */
const OPERATIONS: ReadonlyMap<number, readonly [name: string, type: string]> = new Map([
  [Code.send, ['send', 'send']],
  [Code.sendV2, ['send', 'send']],
  [Code.sendBatch, ['send', 'send']],
  [Code.pull, ['pull', 'receive']],
  [Code.litePull, ['pull', 'receive']],
  [Code.pop, ['pop', 'receive']],
  [Code.ack, ['ack', 'settle']],
  [Code.batchAck, ['ack', 'settle']],
  [Code.commitOffset, ['commit', 'settle']],
]);

function describe(exchange: Exchange): Description {
  const request = exchange.request as RocketRequest;
  const response = exchange.response as RocketResponse | undefined;
  const operation = OPERATIONS.get(request.code);
  const name = operation?.[0] ?? requestName(request.code) ?? '_OTHER';
  const attributes = connectionAttributes(exchange);
  attributes['messaging.system'] = 'rocketmq';
  attributes['messaging.operation.name'] = name;
  if (operation) attributes['messaging.operation.type'] = operation[1];
  if (name === '_OTHER') attributes['undertrace.rocketmq.code'] = request.code;
  const pulls = isPull(request.code);
  set(attributes, 'messaging.destination.name', request.topic);
  set(attributes, 'messaging.destination.partition.id', request.queueId);
  set(attributes, 'messaging.consumer.group.name', request.group);
  set(attributes, 'messaging.client.id', request.clientId);
  set(attributes, 'messaging.rocketmq.message.tag', request.tag);
  set(attributes, 'messaging.message.id', response?.messageId);
  set(attributes, 'messaging.batch.message_count', pulls ? response?.messages : request.messages);
  return {
    name: operation && request.topic !== undefined ? `${name} ${request.topic}` : name,
    ...(isSend(request.code) && exchange.role === 'client' ? { kind: 'producer' } : {}),
    attributes,
    errorType: exchange.failure ?? errorOf(response),
    contextHeaders: request.contextHeaders,
  };
}

function set(attributes: Attributes, key: string, value: string | number | undefined): void {
  if (value !== undefined) attributes[key] = value;
}

function errorOf(response: RocketResponse | undefined): string | undefined {
  return response !== undefined && isFailure(response.code) ? responseName(response.code) : undefined;
}
