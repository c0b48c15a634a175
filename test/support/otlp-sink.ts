/**
 * A destination of the tests' own: OTLP over HTTP (protobuf, JSON, gzip) and gRPC, which keeps every span and behaves as told.
 */
import { once } from 'node:events';
import http from 'node:http';
import https from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { Metadata, Server, ServerCredentials, type ServerUnaryCall, type sendUnaryData } from '@grpc/grpc-js';
import {
  decodeJson,
  decodeProto,
  ExportTraceServiceResponse,
  type ReceivedSpan,
  RetryInfo,
  RpcStatus,
} from './otlp-proto.ts';

/** What the sink does with one request. Spans are kept only where it answers with success. */
export interface Behaviour {
  /** HTTP status, default 200. For gRPC use `grpcCode`. */
  status?: number;
  grpcCode?: number;
  /** Wait before the answer. */
  delayMs?: number;
  /** Read the request, then reset the connection (HTTP) or destroy the session (gRPC). */
  reset?: boolean;
  /** Never answer. */
  hang?: boolean;
  /** `Retry-After` (HTTP, text as given) or RetryInfo (gRPC, seconds). */
  retryAfter?: string;
  /** Spans that are refused by partial success. */
  rejectedSpans?: number;
  message?: string;
  location?: string;
}

export interface SinkRequest {
  at: number;
  protocol: 'http' | 'grpc';
  path: string;
  headers: Record<string, string | string[] | undefined>;
  spans: ReceivedSpan[];
  bytes: number;
  behaviour: Behaviour;
}

const SERVICE = '/opentelemetry.proto.collector.trace.v1.TraceService/Export';

export class OtlpSink {
  /** Of every request that was answered with success. */
  readonly spans: ReceivedSpan[] = [];
  /** Every request that arrived whole, whatever the answer. */
  readonly requests: SinkRequest[] = [];
  /** Decides about each request; by default all succeed. */
  behave: (request: SinkRequest) => Behaviour = () => ({});
  connections = 0;
  concurrent = 0;
  maxConcurrent = 0;
  readonly #sockets = new Set<Socket>();
  #http: http.Server | undefined;
  #grpc: Server | undefined;
  #waiters: Array<() => void> = [];

  /** Starts the HTTP side, over TLS where it is given certificates; gives back its port. */
  async listenHttp(port = 0, tls?: https.ServerOptions): Promise<number> {
    const serve = (request: http.IncomingMessage, response: http.ServerResponse): void =>
      void this.#serveHttp(request, response);
    const server = tls ? https.createServer(tls, serve) : http.createServer(serve);
    this.#http = server;
    server.on('connection', (socket: Socket) => {
      this.connections++;
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  }

  /** Starts the gRPC side; gives back its port. */
  listenGrpc(port = 0, credentials = ServerCredentials.createInsecure()): Promise<number> {
    const server = new Server();
    this.#grpc = server;
    const bytes = (message: Buffer): Buffer => message;
    server.addService(
      {
        export: {
          path: SERVICE,
          requestStream: false,
          responseStream: false,
          requestSerialize: bytes,
          requestDeserialize: bytes,
          responseSerialize: bytes,
          responseDeserialize: bytes,
        },
      },
      {
        export: (call: ServerUnaryCall<Buffer, Buffer>, reply: sendUnaryData<Buffer>) =>
          void this.#serveGrpc(call, reply),
      },
    );
    return new Promise((resolve, reject) =>
      server.bindAsync(`127.0.0.1:${port}`, credentials, (error, bound) =>
        error ? reject(error) : resolve(bound),
      ),
    );
  }

  /** Resolves when `predicate` holds, looked at after every request; rejects after `timeoutMs` with what there is. */
  async waitFor(predicate: (sink: OtlpSink) => boolean, timeoutMs = 5_000): Promise<void> {
    const deadline = Date.now() + timeoutMs;
    while (!predicate(this)) {
      const leftMs = deadline - Date.now();
      if (leftMs <= 0) {
        throw new Error(
          `the sink has ${this.spans.length} spans in ${this.requests.length} requests after ${timeoutMs} ms`,
        );
      }
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, leftMs);
        this.#waiters.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
  }

  /** Stops at once, connections included. It can listen again. */
  async close(): Promise<void> {
    const server = this.#http;
    this.#http = undefined;
    this.#grpc?.forceShutdown();
    this.#grpc = undefined;
    if (!server) return;
    const closed = once(server, 'close');
    server.close();
    for (const socket of this.#sockets) socket.resetAndDestroy();
    await closed;
  }

  async #serveHttp(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    this.#enter();
    try {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const raw = Buffer.concat(chunks);
      const body = request.headers['content-encoding'] === 'gzip' ? gunzipSync(raw) : raw;
      const json = request.headers['content-type'] === 'application/json';
      const received = this.#receive({
        protocol: 'http',
        path: request.url ?? '',
        headers: request.headers,
        spans: json ? decodeJson(body.toString('utf8')) : decodeProto(body),
        bytes: raw.length,
      });
      const { behaviour } = received;
      if (behaviour.delayMs) await sleep(behaviour.delayMs);
      if (behaviour.hang) return;
      if (behaviour.reset) return void request.socket.resetAndDestroy();
      answerHttp(response, json, behaviour);
    } catch {
      response.destroy(); // the client went away in the middle of its request
    } finally {
      this.#leave();
    }
  }

  async #serveGrpc(call: ServerUnaryCall<Buffer, Buffer>, reply: sendUnaryData<Buffer>): Promise<void> {
    this.#enter();
    const { behaviour } = this.#receive({
      protocol: 'grpc',
      path: SERVICE,
      headers: call.metadata.getMap() as Record<string, string>,
      spans: decodeProto(call.request),
      bytes: call.request.length,
    });
    if (behaviour.delayMs) await sleep(behaviour.delayMs);
    this.#leave();
    if (behaviour.hang) return;
    if (behaviour.grpcCode) {
      reply({
        code: behaviour.grpcCode,
        details: behaviour.message ?? 'as told',
        metadata: statusDetails(behaviour),
      });
      return;
    }
    reply(null, encodeResponse(behaviour));
  }

  #receive(request: Omit<SinkRequest, 'at' | 'behaviour'>): SinkRequest {
    const received: SinkRequest = { ...request, at: performance.now(), behaviour: {} };
    received.behaviour = this.behave(received);
    this.requests.push(received);
    const { status = 200, grpcCode = 0, hang, reset, rejectedSpans = 0 } = received.behaviour;
    if (status < 300 && grpcCode === 0 && !hang && !reset) {
      this.spans.push(...received.spans.slice(0, received.spans.length - rejectedSpans));
    }
    return received;
  }

  #enter(): void {
    this.concurrent++;
    this.maxConcurrent = Math.max(this.maxConcurrent, this.concurrent);
  }

  #leave(): void {
    this.concurrent--;
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const waiter of waiters) waiter();
  }
}

function answerHttp(response: http.ServerResponse, json: boolean, behaviour: Behaviour): void {
  const status = behaviour.status ?? 200;
  const headers: Record<string, string> = {};
  if (behaviour.retryAfter !== undefined) headers['retry-after'] = behaviour.retryAfter;
  if (behaviour.location !== undefined) headers.location = behaviour.location;
  if (status >= 300) {
    const text = behaviour.message ?? '';
    response.writeHead(status, { ...headers, 'content-type': 'text/plain' }).end(text);
    return;
  }
  const partialSuccess = {
    rejectedSpans: String(behaviour.rejectedSpans ?? 0),
    errorMessage: behaviour.message ?? '',
  };
  headers['content-type'] = json ? 'application/json' : 'application/x-protobuf';
  response
    .writeHead(status, headers)
    .end(json ? JSON.stringify({ partialSuccess }) : encodeResponse(behaviour));
}

function encodeResponse(behaviour: Behaviour): Buffer {
  if (behaviour.rejectedSpans === undefined && behaviour.message === undefined) return Buffer.alloc(0);
  const partialSuccess = {
    rejectedSpans: behaviour.rejectedSpans ?? 0,
    errorMessage: behaviour.message ?? '',
  };
  return Buffer.from(ExportTraceServiceResponse.encode({ partialSuccess }).finish());
}

function statusDetails(behaviour: Behaviour): Metadata {
  const metadata = new Metadata();
  if (behaviour.retryAfter === undefined) return metadata;
  const delay = Number(behaviour.retryAfter);
  const seconds = Math.floor(delay);
  const value = RetryInfo.encode({
    retryDelay: { seconds, nanos: Math.round((delay - seconds) * 1e9) },
  }).finish();
  const details = [{ typeUrl: 'type.googleapis.com/google.rpc.RetryInfo', value }];
  const status = RpcStatus.encode({ code: behaviour.grpcCode, message: behaviour.message ?? '', details });
  metadata.set('grpc-status-details-bin', Buffer.from(status.finish()));
  return metadata;
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
