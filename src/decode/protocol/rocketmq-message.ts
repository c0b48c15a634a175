import { i32be } from '../bytes.ts';
import type { ContextHeaders } from '../context-headers.ts';
import type { MessageContext } from './message-context.ts';
import { Code } from './rocketmq-codes.ts';
import type { RemotingHeader } from './rocketmq-header.ts';

/** Ends of names and of values in a message's properties. */
const NAME_END = '\x01';
const VALUE_END = '\x02';
const MAX_PROPERTIES = 64;
const MAX_TEXT = 255;
/** The least of messages. */
const LEAST_MESSAGE = 5;

export class RocketRequest {
  readonly code: number;
  topic: string | undefined = undefined;
  group: string | undefined = undefined;
  queueId: string | undefined = undefined;
  clientId: string | undefined = undefined;
  /** Of a batch; undefined for others, and where it is not known. */
  messages: number | undefined = undefined;
  tag: string | undefined = undefined;
  /** Milliseconds that the broker may take. */
  waitMs = 0;
  contextHeaders: ContextHeaders | undefined = undefined;

  constructor(code: number) {
    this.code = code;
  }
}

export class RocketResponse {
  readonly code: number;
  messageId: string | undefined = undefined;
  /** Found by a pull; undefined for others, and where it is not known. */
  messages: number | undefined = undefined;

  constructor(code: number) {
    this.code = code;
  }
}

export function isSend(code: number): boolean {
  return code === Code.send || code === Code.sendV2 || code === Code.sendBatch;
}

export function isPull(code: number): boolean {
  return code === Code.pull || code === Code.litePull || code === Code.pop;
}

/** `bytes[from, limit)` is what was captured of the body, which ends at `end`. */
export function requestOf(
  header: RemotingHeader,
  bytes: Uint8Array,
  from: number,
  limit: number,
  end: number,
  context: MessageContext,
): RocketRequest {
  const { code } = header;
  const request = new RocketRequest(code);
  const short = code === Code.sendV2 || code === Code.sendBatch || code === Code.sendReplyV2;
  const get = (...names: string[]): string | undefined => bounded(header.first(names));
  request.topic = short ? get('b') : get('topic', 'originTopic');
  request.group = get('consumerGroup', 'group');
  request.queueId = queueOf(get(short ? 'e' : 'queueId'));
  request.clientId = get('clientID', 'clientId');
  request.waitMs = Number(header.first(['suspendTimeoutMillis', 'pollTime']));
  if (!isSend(code)) return request;
  const batch = code === Code.sendBatch || header.field(short ? 'm' : 'batch') === 'true';
  if (batch) request.messages = countMessages(bytes, from, end, limit);
  // Those of the messages in a batch are in the body, and as many.
  else readProperties(request, header.field(short ? 'i' : 'properties') ?? '', context);
  return request;
}

export function responseOf(
  header: RemotingHeader,
  bytes: Uint8Array,
  from: number,
  limit: number,
  end: number,
  request: RocketRequest,
): RocketResponse {
  const response = new RocketResponse(header.code);
  if (isSend(request.code) && request.messages === undefined)
    response.messageId = bounded(header.field('msgId'));
  if (isPull(request.code)) response.messages = countMessages(bytes, from, end, limit);
  return response;
}

/** A negative one is none: whoever is asked chooses. */
function queueOf(queueId: string | undefined): string | undefined {
  return queueId !== undefined && queueId.startsWith('-') ? undefined : queueId;
}

/** A longer one is none. */
function bounded(value: string | undefined): string | undefined {
  return value === undefined || value === '' || value.length > MAX_TEXT ? undefined : value;
}

/** Messages stand one behind the other, each with its length, which counts itself, in front. */
function countMessages(bytes: Uint8Array, from: number, end: number, limit: number): number | undefined {
  let count = 0;
  for (let at = from; at < end; count++) {
    if (at + 4 > limit) return undefined;
    const length = i32be(bytes, at);
    if (length < LEAST_MESSAGE || at + length > end) return undefined;
    at += length;
  }
  return count;
}

function readProperties(request: RocketRequest, properties: string, context: MessageContext): void {
  let at = 0;
  for (let left = MAX_PROPERTIES; left > 0 && at < properties.length; left--) {
    const nameEnd = properties.indexOf(NAME_END, at);
    if (nameEnd < 0) return;
    const next = properties.indexOf(VALUE_END, nameEnd);
    const valueEnd = next < 0 ? properties.length : next;
    const name = properties.slice(at, nameEnd);
    const value = properties.slice(nameEnd + 1, valueEnd);
    if (name === 'TAGS') request.tag = bounded(value);
    request.contextHeaders = context.take(request.contextHeaders, name, value);
    at = valueEnd + 1;
  }
}
