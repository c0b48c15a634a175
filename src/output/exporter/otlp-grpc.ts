/**
 * OTLP over gRPC: `TraceService/Export` and `MetricsService/Export`, unary. Spec: opentelemetry.io/docs/specs/otlp, section OTLP/gRPC.
 *
 *   OK                                                       accepted, less what `partial_success` rejects
 *   CANCELLED, DEADLINE_EXCEEDED, ABORTED, OUT_OF_RANGE,
 *   UNAVAILABLE, DATA_LOSS                                   sent again later, after RetryInfo's delay where it is given
 *   RESOURCE_EXHAUSTED                                       the same with RetryInfo, else refused for good
 *   everything else                                          refused for good
 *
 * The client is @grpc/grpc-js itself, which the official exporter (0.223) wraps: the wrapper turns every failure into the same one, drops the
 * response metadata that RetryInfo comes in, and cannot cancel a call.
 */
import {
  type ChannelCredentials,
  Client,
  type ClientOptions,
  credentials,
  Metadata,
  type ServiceError,
  status,
} from '@grpc/grpc-js';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { UserError } from '../../base/errors.ts';
import type { Exporter, Outcome } from '../exporter.ts';
import { gzip } from '../gzip.ts';
import type { MetricsExporter } from '../metrics-push.ts';
import { OtlpProtobufEncoder } from '../otlp-protobuf.ts';
import { accepted, printable, readPartialSuccess, readRetryDelayMs } from '../otlp-response.ts';
import { SCOPE_VERSION } from '../otlp-scope.ts';
import { completeQueueSettings, type PartialQueueSettings } from '../queue-options.ts';
import { readTlsFiles, type TlsSettings } from './tls.ts';

export interface OtlpGrpcSettings extends PartialQueueSettings {
  /** `host:port`, or a URL whose scheme decides about TLS: `http://` none, `https://` TLS. Also `unix:/path`. */
  endpoint?: string;
  compression?: 'gzip' | 'none';
  headers?: Record<string, string>;
  tls?: TlsSettings;
}

const DEFAULT_ENDPOINT = 'localhost:4317';
const TRACES = '/opentelemetry.proto.collector.trace.v1.TraceService/Export';
const METRICS = '/opentelemetry.proto.collector.metrics.v1.MetricsService/Export';
const RETRYABLE: ReadonlySet<number> = new Set([
  status.CANCELLED,
  status.DEADLINE_EXCEEDED,
  status.ABORTED,
  status.OUT_OF_RANGE,
  status.UNAVAILABLE,
  status.DATA_LOSS,
]);
/** grpc-js numbers algorithms: 0 identity, 2 gzip. */
const GZIP = 2;

const gunzipAsync = promisify<Buffer, Buffer>(gunzip);

/** Throws a UserError where the settings cannot work. */
export function createOtlpGrpcExporter(id: string, settings: OtlpGrpcSettings): Exporter {
  const { target, call, close } = open(id, settings, TRACES);
  const encoder = new OtlpProtobufEncoder();
  return {
    id,
    destination: target,
    requests: {
      encode: (batch) => encoder.encode(batch),
      // The library compresses each message itself and takes none that is, so a request only waits compressed.
      compress: gzip,
      send: async (request, compressed, count, signal) =>
        call(compressed ? await gunzipAsync(request) : request, count, signal),
    },
    send: (batch, signal) => call(encoder.encode(batch), batch.length, signal),
    close,
  };
}

/** Throws a UserError where the settings cannot work. */
export function createOtlpGrpcMetrics(id: string, settings: OtlpGrpcSettings): MetricsExporter {
  const { target, call, close } = open(id, settings, METRICS);
  return {
    ...{ id, destination: target, close, json: false },
    timeoutMs: completeQueueSettings(settings).timeout,
    send: ({ bytes, points }, signal) => call(bytes, points, signal),
  };
}

interface Unary {
  target: string;
  call: (request: Buffer, count: number, signal: AbortSignal) => Promise<Outcome>;
  close: () => Promise<void>;
}

function open(id: string, settings: OtlpGrpcSettings, method: string): Unary {
  const { target, insecure } = targetOf(id, settings);
  const tls = settings.tls ?? {};
  const options: ClientOptions = {
    'grpc.primary_user_agent': `undertrace/${SCOPE_VERSION}`,
    'grpc.default_compression_algorithm': (settings.compression ?? 'gzip') === 'gzip' ? GZIP : 0,
    // Retry is the queue's, and so is the wait: the channel itself reconnects quickly.
    'grpc.enable_retries': 0,
    'grpc.initial_reconnect_backoff_ms': 200,
    'grpc.min_reconnect_backoff_ms': 200,
    'grpc.max_reconnect_backoff_ms': 1000,
    // Two exporters to one address keep a connection each, so that closing one leaves the other alone.
    'grpc.use_local_subchannel_pool': 1,
    ...(tls.server_name_override ? { 'grpc.ssl_target_name_override': tls.server_name_override } : {}),
  };
  const client = new Client(target, credentialsOf(id, insecure, tls), options);
  const metadata = metadataOf(id, settings.headers ?? {});
  return {
    target,
    call: (request, count, signal) =>
      new Promise((resolve) => {
        const cancel = (): void => unary.cancel();
        const unary = client.makeUnaryRequest(
          method,
          (bytes: Buffer) => bytes,
          (bytes: Buffer) => bytes,
          request,
          metadata,
          (error, response) => {
            signal.removeEventListener('abort', cancel);
            resolve(
              error
                ? failureOf(error, count, request.length)
                : accepted(readPartialSuccess(response ?? Buffer.alloc(0)), count, request.length),
            );
          },
        );
        if (signal.aborted) cancel();
        else signal.addEventListener('abort', cancel, { once: true });
      }),
    close: () => {
      client.close();
      return Promise.resolve();
    },
  };
}

function targetOf(id: string, settings: OtlpGrpcSettings): { target: string; insecure: boolean } {
  const endpoint = settings.endpoint ?? DEFAULT_ENDPOINT;
  const insecure = settings.tls?.insecure === true;
  if (/^(unix|dns|ipv4|ipv6):/.test(endpoint)) return { target: endpoint, insecure };
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(endpoint)?.[1]?.toLowerCase() ?? '';
  const url = parseUrl(scheme === '' ? `http://${endpoint}` : endpoint);
  const defaultPort = DEFAULT_PORTS[scheme];
  if (!url?.hostname || defaultPort === undefined) {
    throw new UserError(
      'endpoint',
      `exporters.${id}.endpoint: "${endpoint}" is not host:port or an http:// or https:// URL, such as localhost:4317`,
    );
  }
  // The URL class leaves a scheme's own port out.
  const port = url.port === '' ? (/:80$/.test(endpoint) ? '80' : defaultPort) : url.port;
  return { target: `${url.hostname}:${port}`, insecure: scheme === '' ? insecure : scheme === 'http' };
}

const DEFAULT_PORTS: Record<string, string> = { '': '4317', http: '80', https: '443' };

function parseUrl(text: string): URL | undefined {
  return URL.canParse(text) ? new URL(text) : undefined;
}

function credentialsOf(id: string, insecure: boolean, tls: TlsSettings): ChannelCredentials {
  const { ca, cert, key } = readTlsFiles(id, tls);
  if (insecure) return credentials.createInsecure();
  return credentials.createSsl(ca ?? null, key ?? null, cert ?? null, {
    rejectUnauthorized: tls.insecure_skip_verify !== true,
    ...(tls.insecure_skip_verify ? { checkServerIdentity: () => undefined } : {}),
  });
}

function metadataOf(id: string, headers: Record<string, string>): Metadata {
  const metadata = new Metadata();
  for (const [key, value] of Object.entries(headers)) {
    try {
      metadata.set(key.toLowerCase(), value);
    } catch (error) {
      throw new UserError('headers', `exporters.${id}.headers: "${key}" cannot be a gRPC header`, {
        cause: error,
      });
    }
  }
  return metadata;
}

function failureOf(failure: ServiceError, count: number, bytes: number): Outcome {
  const error = `gRPC ${status[failure.code] ?? failure.code}: ${printable(failure.details)}`;
  const detail = failure.metadata?.get('grpc-status-details-bin')[0];
  const retryAfterMs = typeof detail === 'object' ? readRetryDelayMs(detail) : undefined;
  const exhausted = failure.code === status.RESOURCE_EXHAUSTED && retryAfterMs !== undefined;
  if (exhausted || RETRYABLE.has(failure.code)) return { result: 'retry', error, retryAfterMs };
  return { result: 'done', accepted: 0, rejected: count, bytes, error };
}
