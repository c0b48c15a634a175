import type { ContextHeaders } from '../context-headers.ts';
import type { Description, Exchange } from '../exchange.ts';
import { describeMessaging, directionOf, fail, type DestinationNames } from './messaging.ts';
import { connectError, reasonError } from './mqtt-codes.ts';

/** What begins an exchange. */
export interface MqttRequest {
  readonly operation: 'connect' | 'publish' | 'subscribe' | 'unsubscribe' | 'disconnect' | 'auth';
  readonly fromClient: boolean;
  /** 3 and 4: MQTT 3.1 and 3.1.1; 0: not known. */
  readonly version: number;
  clientId: string;
  /** Topic, or the only filter; '' where it is not known. */
  destination: string;
  readonly contextHeaders: ContextHeaders | undefined;
  /** Of the message; -1 where it is not known, and of others. */
  readonly bodySize: number;
  /** Of PUBLISH. */
  readonly qos: number;
  /** Seconds, of CONNECT. */
  keepAlive: number;
  /** Filters of SUBSCRIBE and UNSUBSCRIBE. */
  readonly filters: number;
  /** Of DISCONNECT. */
  readonly reason: number;
}

/** The worst code of what answers. */
export interface MqttResponse {
  reason: number;
}

const VERSIONS: Readonly<Record<number, string>> = { 3: '3.1', 4: '3.1.1', 5: '5.0' };

/** MQTT spans by the conventions for messaging; see docs/protocols/mqtt.md for names and kinds. */
export function describeMqtt(exchange: Exchange, names: DestinationNames): Description {
  const request = exchange.request as MqttRequest;
  const response = exchange.response as MqttResponse | undefined;
  const asks = exchange.role === 'client';
  const { operation, fromClient, version, destination, clientId, bodySize } = request;
  const description = describeMessaging(
    exchange,
    {
      system: 'mqtt',
      ...(operation === 'publish'
        ? directionOf(fromClient, asks)
        : { name: operation, type: undefined, kind: undefined }),
      destination,
      generated: undefined,
      clientId,
      bodySize,
      isClient: asks === fromClient,
    },
    names,
  );
  const { attributes } = description;
  attributes['network.protocol.name'] = 'mqtt';
  if (version !== 0) attributes['network.protocol.version'] = VERSIONS[version]!;
  if (operation === 'publish') attributes['undertrace.mqtt.qos'] = request.qos;
  if (operation === 'connect') attributes['undertrace.mqtt.keep_alive'] = request.keepAlive;
  description.contextHeaders = request.contextHeaders;
  const code = response?.reason ?? request.reason;
  return fail(
    description,
    exchange.failure ?? (operation === 'connect' ? connectError(code) : reasonError(code)),
  );
}
