import { u16be } from '../bytes.ts';
import { Step } from '../decoder.ts';
import type { ContextFields } from './context-fields.ts';
import { boundedText } from './messaging.ts';
import type { MqttRequest } from './mqtt-describe.ts';
import { INCOMPLETE, isTopic, readVarint, varintSize } from './mqtt-packet.ts';
import { clearProperties, properties, readProperties } from './mqtt-properties.ts';

/** What of a packet stands before its payload, properties included, is looked at up to here. */
const MAX_HEAD = 8192;
/** Topic aliases kept of one direction, and the characters of their topics together. */
const MAX_ALIASES = 32;
const MAX_ALIAS_TEXT = 1024;

/** What is kept of a connection. */
export interface MqttState {
  /** 3 and 4: MQTT 3.1 and 3.1.1; 0: not known. */
  version: number;
  clientId: string;
  clientAliases: Aliases | undefined;
  serverAliases: Aliases | undefined;
}

/** A packet without its fixed header: `[at, at + size)`, of which what is before `limit` is there. */
export interface Packet {
  bytes: Uint8Array;
  at: number;
  limit: number;
  size: number;
  /** No more of it comes. */
  blocked: boolean;
}

/** Topics that a number stands for, as long as they fit. */
export class Aliases {
  readonly #topics = new Map<number, string>();
  #length = 0;

  set(alias: number, topic: string): void {
    this.#length -= this.get(alias).length;
    this.#topics.delete(alias);
    if (this.#topics.size >= MAX_ALIASES || this.#length + topic.length > MAX_ALIAS_TEXT) return;
    this.#topics.set(alias, topic);
    this.#length += topic.length;
  }

  /** '' where it is not known. */
  get(alias: number): string {
    return this.#topics.get(alias) ?? '';
  }
}

/** Whether `count` bytes of the packet must still be waited for. */
function isShort({ at, limit, size, blocked }: Packet, count: number): boolean {
  return !blocked && limit - at < Math.min(count, size, MAX_HEAD);
}

/** Where the properties end whose length stands at `at`, or `at` where the packet has none; `bad`: it breaks the rules. */
const span = { from: 0, to: 0, bad: false };

/** Finds and reads properties. `Step.end`: done, as far as they are there. */
function takeProperties(packet: Packet, at: number, fields: ContextFields): Step {
  const { bytes, limit, size } = packet;
  const end = packet.at + size;
  span.from = span.to = at;
  clearProperties();
  const length = at < end ? readVarint(bytes, at, limit) : 0;
  if (length === INCOMPLETE) return packet.blocked || at - packet.at >= MAX_HEAD ? Step.end : Step.more;
  if (length < 0) return Step.malformed;
  span.from = at < end ? at + varintSize : at;
  span.to = span.from + length;
  if (span.to > end) return Step.malformed;
  if (isShort(packet, span.to - packet.at)) return Step.more;
  const seen = Math.min(limit, packet.at + MAX_HEAD);
  return readProperties(bytes, span.from, span.to, seen, fields) ? Step.end : Step.malformed;
}

function createRequest(
  operation: MqttRequest['operation'],
  fromClient: boolean,
  { version, clientId }: MqttState,
): Writable {
  return {
    operation,
    fromClient,
    version,
    clientId,
    destination: '',
    contextHeaders: undefined,
    bodySize: -1,
    qos: 0,
    keepAlive: 0,
    filters: 0,
    reason: 0,
  };
}
type Writable = { -readonly [K in keyof MqttRequest]: MqttRequest[K] };

/** What the last packet was read into. */
const published = { id: 0, message: undefined as unknown as MqttRequest };

/**
 *   topic:text [packet identifier:2] [properties] payload      3.3
 *
 * A packet that was not captured as far as that says what there is: without an identifier it is 0.
 */
export function readPublish(
  packet: Packet,
  fromClient: boolean,
  qos: number,
  state: MqttState,
  fields: ContextFields,
): Step | typeof published {
  const { bytes, at, limit, size } = packet;
  const message = createRequest('publish', fromClient, state);
  message.qos = qos;
  published.id = 0;
  published.message = message;
  if (isShort(packet, 2)) return Step.more;
  if (limit - at < 2) return published;
  const topicEnd = at + 2 + u16be(bytes, at);
  const head = topicEnd + (qos > 0 ? 2 : 0);
  if (head > at + size) return Step.malformed;
  if (isShort(packet, head - at)) return Step.more;
  if (!isTopic(bytes, at + 2, Math.min(topicEnd, limit), false)) return Step.malformed;
  if (topicEnd <= limit) message.destination = boundedText(bytes, at + 2, topicEnd);
  if (qos > 0 && head <= limit) {
    published.id = u16be(bytes, topicEnd);
    if (published.id === 0) return Step.malformed;
  }
  if (state.version === 5 || topicEnd === at + 2)
    return readPublishProperties(packet, head, message, state, fields);
  if (state.version !== 0) message.bodySize = at + size - head;
  return published;
}

/** The topic's alias is one of the properties: where it cannot be read, it is not known any more which ones stand for what. */
function readPublishProperties(
  packet: Packet,
  head: number,
  message: Writable,
  state: MqttState,
  fields: ContextFields,
): Step | typeof published {
  const step = takeProperties(packet, head, fields);
  if (step !== Step.end) return step;
  const aliases = message.fromClient ? 'clientAliases' : 'serverAliases';
  if (span.to > packet.limit || span.from === head) {
    state[aliases] = undefined;
    return published;
  }
  message.bodySize = packet.at + packet.size - span.to;
  message.contextHeaders = properties.contextHeaders;
  const { topicAlias } = properties;
  if (topicAlias === 0) return message.destination === '' ? Step.malformed : published;
  // Only MQTT 5 has topics by number.
  if (state.version === 0) state.version = 5;
  if (message.destination === '') message.destination = state[aliases]?.get(topicAlias) ?? '';
  else (state[aliases] ??= new Aliases()).set(topicAlias, message.destination);
  return published;
}

const ack = { id: 0, reason: 0 };

/** packet identifier:2 [reason:1 [properties]] of PUBACK, PUBREC, PUBREL, PUBCOMP      3.4 to 3.7 */
export function readAck(packet: Packet, state: MqttState): Step | typeof ack {
  const { bytes, at, limit, size } = packet;
  if (isShort(packet, 3)) return Step.more;
  if (limit - at < 2) return Step.end;
  ack.id = u16be(bytes, at);
  if (ack.id === 0) return Step.malformed;
  if (size > 2 && state.version === 0) state.version = 5;
  ack.reason = size > 2 && limit - at > 2 ? bytes[at + 2]! : 0;
  return ack;
}

/** name:text level:1 flags:1 keep alive:2 [properties] client id:text      3.1; what follows is never looked at */
export function readConnect(packet: Packet, state: MqttState, fields: ContextFields): Step | MqttRequest {
  const { bytes, at, limit, size } = packet;
  const message = createRequest('connect', true, state);
  if (isShort(packet, 2)) return Step.more;
  const level = at + 2 + (limit - at < 2 ? 0 : u16be(bytes, at));
  if (level - at !== 6 && level - at !== 8) return Step.malformed;
  if (isShort(packet, level + 4 - at)) return Step.more;
  if (limit < level + 4) return Step.end;
  message.version = bytes[level]! & 0x7f;
  if (message.version < 3 || message.version > 5) return Step.malformed;
  message.keepAlive = u16be(bytes, level + 2);
  let id = level + 4;
  if (message.version === 5) {
    const step = takeProperties(packet, id, fields);
    if (step !== Step.end) return step;
    message.contextHeaders = properties.contextHeaders;
    id = span.to;
  }
  if (isShort(packet, id + 2 - at)) return Step.more;
  if (limit < id + 2) return message;
  const idEnd = id + 2 + u16be(bytes, id);
  if (idEnd > at + size) return Step.malformed;
  if (isShort(packet, idEnd - at)) return Step.more;
  if (idEnd <= limit) message.clientId = boundedText(bytes, id + 2, idEnd);
  return message;
}

const connack = { reason: 0, clientId: '', keepAlive: -1 };

/** flags:1 code:1 [properties]      3.2 */
export function readConnack(packet: Packet, state: MqttState, fields: ContextFields): Step | typeof connack {
  const { bytes, at, limit, size } = packet;
  if (isShort(packet, 2)) return Step.more;
  if (limit - at < 2) return Step.end;
  if (bytes[at]! > 1) return Step.malformed;
  clearProperties();
  if (size > 2 && state.version !== 3 && state.version !== 4) {
    const step = takeProperties(packet, at + 2, fields);
    if (step !== Step.end) return step;
  }
  connack.reason = bytes[at + 1]!;
  connack.clientId = properties.clientId;
  connack.keepAlive = properties.serverKeepAlive;
  return connack;
}

const subscribed = { id: 0, message: undefined as unknown as MqttRequest };

/** packet identifier:2 [properties] 1*( filter:text [options:1] )      3.8, 3.10; UNSUBSCRIBE has no options */
export function readSubscribe(
  packet: Packet,
  subscribes: boolean,
  state: MqttState,
  fields: ContextFields,
): Step | typeof subscribed {
  const { bytes, at, limit, size } = packet;
  if (isShort(packet, size)) return Step.more;
  if (limit - at < 2) return Step.end;
  const message = createRequest(subscribes ? 'subscribe' : 'unsubscribe', true, state);
  subscribed.id = u16be(bytes, at);
  subscribed.message = message;
  if (subscribed.id === 0) return Step.malformed;
  const whole = limit - at === size;
  let version = state.version;
  if (version === 0) version = !whole || filtersOf(packet, at + 2, subscribes, message) ? 4 : 5;
  let from = at + 2;
  if (version === 5) {
    const step = takeProperties(packet, from, fields);
    if (step !== Step.end) return step;
    from = span.to;
    message.contextHeaders = properties.contextHeaders;
  }
  if (!filtersOf(packet, from, subscribes, message) && whole) return Step.malformed;
  return subscribed;
}

/** Counts the filters, and keeps it if there is only one. False if they break the rules or are not all there. */
function filtersOf(
  { bytes, at, limit, size }: Packet,
  from: number,
  subscribes: boolean,
  message: Writable,
): boolean {
  let count = 0;
  let filter = from;
  message.destination = '';
  while (filter < at + size) {
    if (filter + 2 > limit) return false;
    const end = filter + 2 + u16be(bytes, filter);
    const next = subscribes ? end + 1 : end;
    if (end === filter + 2 || next > limit || !isTopic(bytes, filter + 2, end, true)) return false;
    message.destination = ++count === 1 ? boundedText(bytes, filter + 2, end) : '';
    filter = next;
  }
  message.filters = count;
  return count > 0;
}

/** packet identifier:2 [properties] codes      3.9, 3.11. The identifier, -1 while not all of it is there. */
export function readSubscribed(packet: Packet): number {
  const { bytes, at, limit, size } = packet;
  if (limit - at < 2 || isShort(packet, size)) return -1;
  return u16be(bytes, at);
}

/** [code:1 [properties]] of DISCONNECT and AUTH      3.14, 3.15 */
export function readDisconnect(
  packet: Packet,
  fromClient: boolean,
  state: MqttState,
  operation: 'disconnect' | 'auth' = 'disconnect',
): Step | MqttRequest {
  const { bytes, at, limit } = packet;
  if (isShort(packet, 1)) return Step.more;
  const message = createRequest(operation, fromClient, state);
  if (limit > at) message.reason = bytes[at]!;
  return message;
}
