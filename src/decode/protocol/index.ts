import type { Decoder, DatagramDecoder } from '../decoder.ts';
import { createAmqp } from './amqp.ts';
import { createCassandra } from './cassandra.ts';
import { createDns, createDnsDatagrams } from './dns.ts';
import { createDubbo } from './dubbo.ts';
import { createHttp1 } from './http1.ts';
import { createHttp2 } from './http2.ts';
import { createKafka } from './kafka.ts';
import { createMongodb } from './mongodb.ts';
import { createMqtt } from './mqtt.ts';
import { createNats } from './nats.ts';
import { createPostgresql } from './postgresql.ts';
import { createProxy } from './proxy.ts';
import { createRedis } from './redis.ts';
import { createRocketmq } from './rocketmq.ts';
import { createTls } from './tls.ts';
import { createWebSocket } from './websocket.ts';

export interface DecoderOptions {
  /** Query keys whose values become REDACTED, compared without case. */
  readonly redactedQueryKeys: readonly string[];
  /** Names of headers, in lower case, whose values are kept as request ids. */
  readonly requestIdHeaders: readonly string[];
  readonly queryText: QueryTextOptions;
}

/** What `db.query.text` says. */
export interface QueryTextOptions {
  /** `sanitized`: literals are replaced by `?`. `full`: as it was sent, secrets of the protocol's own apart. */
  readonly mode: 'off' | 'sanitized' | 'full';
  /** Longest value in characters. */
  readonly limit: number;
}

/** Every protocol of streams, strictest probe first. */
export function createDecoders(options: DecoderOptions): Decoder[] {
  return [
    createMongodb(),
    createCassandra(options),
    createHttp1(options),
    createRedis(options),
    createDns(),
    createAmqp(options),
    createMqtt(options),
    createNats(options),
    createHttp2(options),
    createWebSocket(options),
    createRocketmq(options),
    createKafka(options),
    createPostgresql(options),
    createProxy(),
    createTls(),
    createDubbo(options),
  ];
}

/** Every protocol of datagrams. */
export function createDatagramDecoders(): DatagramDecoder[] {
  return [createDnsDatagrams()];
}

/** What messages begin with (`Decoder.starts`), of all protocols. */
export const MESSAGE_STARTS: readonly string[] = createDecoders({
  redactedQueryKeys: [],
  requestIdHeaders: [],
  queryText: { mode: 'off', limit: 0 },
}).flatMap(({ starts }) => starts);
