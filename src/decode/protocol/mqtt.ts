import { Step, UNLIMITED, type IdDecoder } from '../decoder.ts';
import type { Frames } from '../frames.ts';
import type { Reader } from '../reader.ts';
import { DestinationNames } from './messaging.ts';
import { ContextFields } from './context-fields.ts';
import type { DecoderOptions } from './index.ts';
import { describeMqtt, type MqttRequest, type MqttResponse } from './mqtt-describe.ts';
import { header, INCOMPLETE, maySend, readHeader, Type } from './mqtt-packet.ts';
import { probeMqtt } from './mqtt-probe.ts';
import {
  readAck,
  readConnack,
  readConnect,
  readDisconnect,
  readPublish,
  readSubscribe,
  readSubscribed,
  type MqttState,
  type Packet,
} from './mqtt-read.ts';

/** Names of exchanges beside packet identifiers, which have 16 bits. */
const CONNECT = 0x10000;
const AUTH = 0x10001;
/** AUTH that asks for more (MQTT 5.0, 3.15.2.1). */
const CONTINUE = 0x18;

/** The packet that is being read; one for all connections. */
const packet: Packet = { bytes: new Uint8Array(0), at: 0, limit: 0, size: 0, blocked: false };

/**
 * MQTT 3.1, 3.1.1 and 5.0 (OASIS). Both ends publish; an exchange is
 *
 *   PUBLISH QoS 0 alone | PUBLISH PUBACK | PUBLISH PUBREC PUBREL PUBCOMP | SUBSCRIBE SUBACK | UNSUBSCRIBE UNSUBACK | CONNECT CONNACK
 *   | AUTH ... AUTH | DISCONNECT with a failure
 *
 * Pings and a DISCONNECT that is none are no spans. Not decoded: wills, payloads (only measured); user names and passwords are never looked at.
 */
export function createMqtt(options: DecoderOptions): IdDecoder<MqttState> {
  const names = new DestinationNames();
  const fields = new ContextFields(options.requestIdHeaders);
  return {
    name: 'mqtt',
    pairing: 'id',
    idsReturn: true,
    starts: [],
    capture: { elide: false, budget: UNLIMITED },
    probe: probeMqtt,
    createState: () => ({ version: 0, clientId: '', clientAliases: undefined, serverAliases: undefined }),
    lasting: ({ version, clientAliases, serverAliases }) =>
      version !== 0 || clientAliases !== undefined || serverAliases !== undefined,
    read: (reader, fromClient, state, frames) => read(reader, fromClient, state, frames, fields),
    lost(state, fromClient) {
      if (fromClient) state.clientAliases = undefined;
      else state.serverAliases = undefined;
    },
    describe: (exchange) => describeMqtt(exchange, names),
  };
}

function read(
  reader: Reader,
  fromClient: boolean,
  state: MqttState,
  frames: Frames,
  fields: ContextFields,
): Step {
  const { bytes, at, limit, blocked } = reader;
  const size = readHeader(bytes, at, limit, state.version);
  if (size < 0) return size === INCOMPLETE ? Step.more : Step.malformed;
  if (!maySend(fromClient)) return Step.malformed;
  packet.bytes = bytes;
  packet.at = header.at;
  packet.size = size;
  packet.limit = Math.min(limit, header.at + size);
  packet.blocked = blocked;
  const length = header.at + size - at;
  const step = readPacket(fromClient, state, frames, fields);
  if (step === Step.end) reader.skip(length);
  return step;
}

function readPacket(fromClient: boolean, state: MqttState, frames: Frames, fields: ContextFields): Step {
  switch (header.type) {
    case Type.publish:
      return takePublish(fromClient, state, frames, fields);
    case Type.puback:
    case Type.pubrec:
    case Type.pubrel:
    case Type.pubcomp:
      return takeAck(header.type, state, frames);
    case Type.connect:
      return takeConnect(state, frames, fields);
    case Type.connack:
      return takeConnack(state, frames, fields);
    case Type.subscribe:
    case Type.unsubscribe:
      return takeSubscribe(header.type === Type.subscribe, state, frames, fields);
    case Type.suback:
    case Type.unsuback:
      return takeSubscribed(frames);
    case Type.disconnect:
      return takeDisconnect(fromClient, state, frames);
    case Type.auth:
      return takeAuth(fromClient, state, frames);
    default:
      return Step.end;
  }
}

function takePublish(fromClient: boolean, state: MqttState, frames: Frames, fields: ContextFields): Step {
  const { flags } = header;
  const found = readPublish(packet, fromClient, (flags >> 1) & 3, state, fields);
  if (typeof found === 'number') return found;
  const { id, message } = found;
  if (message.qos === 0) frames.oneWay(message);
  else if (id === 0) frames.oneWay(message).incomplete ??= 'end_unseen';
  // One that is sent again because its acknowledgement is late is the same exchange.
  else if ((flags & 8) === 0 || frames.own(id) === undefined) frames.request(id, message);
  return Step.end;
}

function takeAck(type: number, state: MqttState, frames: Frames): Step {
  const ack = readAck(packet, state);
  if (typeof ack === 'number') return ack;
  const { id, reason } = ack;
  if (type === Type.pubrel) {
    frames.own(id);
    return Step.end;
  }
  const exchange = frames.answered(id, type !== Type.pubcomp);
  if (exchange === 'wait') return Step.wait;
  if (exchange === 'orphan' || !isOfQos(exchange.request as MqttRequest, type === Type.puback ? 1 : 2))
    return Step.end;
  const response = (exchange.response ??= { reason: 0 }) as MqttResponse;
  response.reason = Math.max(response.reason, reason);
  if (type !== Type.pubrec || reason >= 0x80) frames.end(exchange);
  return Step.end;
}

function isOfQos({ operation, qos }: MqttRequest, wanted: number): boolean {
  return operation === 'publish' && qos === wanted;
}

function takeConnect(state: MqttState, frames: Frames, fields: ContextFields): Step {
  const message = readConnect(packet, state, fields);
  if (typeof message === 'number') return message;
  frames.request(CONNECT, message);
  state.version = message.version;
  state.clientId = message.clientId;
  return Step.end;
}

function takeConnack(state: MqttState, frames: Frames, fields: ContextFields): Step {
  const found = readConnack(packet, state, fields);
  if (typeof found === 'number') return found;
  const exchange = frames.answered(CONNECT, true);
  if (exchange === 'wait') return Step.wait;
  if (state.version === 0 && packet.size > 2) state.version = 5;
  if (found.clientId !== '') state.clientId = found.clientId;
  if (exchange === 'orphan') return Step.end;
  const request = exchange.request as MqttRequest;
  if (found.clientId !== '') request.clientId = found.clientId;
  if (found.keepAlive >= 0) request.keepAlive = found.keepAlive;
  exchange.response = { reason: found.reason };
  frames.end(exchange);
  return Step.end;
}

function takeSubscribe(subscribes: boolean, state: MqttState, frames: Frames, fields: ContextFields): Step {
  const found = readSubscribe(packet, subscribes, state, fields);
  if (typeof found === 'number') return found;
  frames.request(found.id, found.message);
  return Step.end;
}

function takeSubscribed(frames: Frames): Step {
  const id = readSubscribed(packet);
  if (id < 0) return packet.blocked ? Step.end : Step.more;
  if (id === 0) return Step.malformed;
  const exchange = frames.answered(id, true);
  if (exchange === 'wait') return Step.wait;
  if (exchange === 'orphan') return Step.end;
  const { filters } = exchange.request as MqttRequest;
  exchange.response = { reason: worstCode(filters) };
  frames.end(exchange);
  return Step.end;
}

/** A code a filter is at the end of the packet; UNSUBACK of 3.1.1 has none. */
function worstCode(filters: number): number {
  const { bytes, at, limit, size } = packet;
  let worst = 0;
  for (let i = Math.max(at + 2, at + size - filters); i < limit; i++) worst = Math.max(worst, bytes[i]!);
  return worst;
}

function takeDisconnect(fromClient: boolean, state: MqttState, frames: Frames): Step {
  const message = readDisconnect(packet, fromClient, state);
  if (typeof message === 'number') return message;
  if (message.reason >= 0x80) frames.oneWay(message);
  return Step.end;
}

/** Within CONNECT it is part of that; later the client authenticates again, and the server asks for more or says that it is well. */
function takeAuth(fromClient: boolean, state: MqttState, frames: Frames): Step {
  const message = readDisconnect(packet, fromClient, state, 'auth');
  if (typeof message === 'number') return message;
  if (fromClient) {
    if (frames.own(CONNECT) === undefined && frames.own(AUTH) === undefined) frames.request(AUTH, message);
    return Step.end;
  }
  if (typeof frames.answered(CONNECT, false) !== 'string') return Step.end;
  const exchange = frames.answered(AUTH, true);
  if (exchange === 'wait') return Step.wait;
  if (exchange === 'orphan') return Step.end;
  exchange.response = { reason: message.reason };
  if (message.reason !== CONTINUE) frames.end(exchange);
  return Step.end;
}
