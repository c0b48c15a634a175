import type { Decoder, DatagramDecoder } from '../decoder.ts';
import { createAmqp } from './amqp.ts';
import { createCassandra } from './cassandra.ts';
import { createDns, createDnsDatagrams } from './dns.ts';
import { createDubbo } from './dubbo.ts';
import { createFastcgi } from './fastcgi.ts';
import { createHttp1 } from './http1.ts';
import { createHttp2 } from './http2.ts';
import { createKafka } from './kafka.ts';
import { createMemcached } from './memcached.ts';
import { createMongodb } from './mongodb.ts';
import { createMqtt } from './mqtt.ts';
import { createMysql } from './mysql.ts';
import { createNats } from './nats.ts';
import { createPostgresql } from './postgresql.ts';
import { createProxy } from './proxy.ts';
import { createRedis } from './redis.ts';
import { createRocketmq } from './rocketmq.ts';
import { createThrift } from './thrift.ts';
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
    createProxy(),
    createHttp2(options),
    createHttp1(options),
    createTls(),
    createMqtt(options),
    createAmqp(options),
    createNats(options),
    createMongodb(),
    createDubbo(options),
    createThrift(),
    createFastcgi(options),
    createPostgresql(options),
    createRocketmq(options),
    createCassandra(options),
    createMysql(options),
    createKafka(options),
    createRedis(options),
    createMemcached(options),
    createDns(),
    createWebSocket(options),
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
