/**
 * OTLP over HTTP: protobuf (default) or JSON.
 *
 * The transport is node:http(s), not that of the official exporter packages: that one (0.223) retries by itself, hides a partial success in a
 * log line, treats a reset without a known code as permanent, and cannot be aborted; the queue needs all of these in its own hands. JSON comes
 * from the official serializer, protobuf of spans from otlp-protobuf.ts, which is compared with the official one in the tests.
 */
import type { Exporter, Requests } from '../exporter.ts';
import { gzip } from '../gzip.ts';
import type { MetricsExporter } from '../metrics-push.ts';
import { OtlpProtobufEncoder } from '../otlp-protobuf.ts';
import { completeQueueSettings } from '../queue-options.ts';
import { openOtlpHttp, type OtlpHttpSettings } from './otlp-http-client.ts';

interface Encoder {
  encode: Requests['encode'];
  /** Takes the memory of a request back that is not needed any more. */
  recycle: (request: Buffer) => void;
}

/** Rejects with a UserError where the settings cannot work. */
export async function createOtlpHttpExporter(id: string, settings: OtlpHttpSettings): Promise<Exporter> {
  const client = openOtlpHttp(id, settings, 'traces');
  const gzipped = isGzipped(settings);
  const { encode, recycle } =
    settings.encoding === 'json' ? await loadJsonEncoder() : createProtobufEncoder();
  const compress = async (request: Buffer): Promise<Buffer> => {
    const compressed = await gzip(request);
    recycle(request);
    return compressed;
  };
  const send: Requests['send'] = (...request) => client.send(...request);
  return {
    id,
    destination: client.destination,
    requests: { encode, compress: gzipped ? compress : undefined, sentCompressed: true, send },
    send: async (batch, signal) => {
      const plain = encode(batch);
      return send(gzipped ? await compress(plain) : plain, gzipped, batch.length, signal);
    },
    close: () => client.close(),
  };
}

/** Throws a UserError where the settings cannot work. */
export function createOtlpHttpMetrics(id: string, settings: OtlpHttpSettings): MetricsExporter {
  const { destination, send, close } = openOtlpHttp(id, settings, 'metrics');
  const gzipped = isGzipped(settings);
  return {
    ...{ id, destination, close },
    json: settings.encoding === 'json',
    timeoutMs: completeQueueSettings(settings).timeout,
    send: async ({ bytes, points }, signal) =>
      send(gzipped ? await gzip(bytes) : bytes, gzipped, points, signal),
  };
}

function isGzipped({ compression }: OtlpHttpSettings): boolean {
  return (compression ?? 'gzip') === 'gzip';
}

/** OpenTelemetry's serializer takes 15 MB of memory: loaded only where it is used. */
async function loadJsonEncoder(): Promise<Encoder> {
  const { encodeOtlpJson } = await import('../otlp-json.ts');
  return { encode: encodeOtlpJson, recycle: () => undefined };
}

function createProtobufEncoder(): Encoder {
  const encoder = new OtlpProtobufEncoder();
  return { encode: (batch) => encoder.encode(batch), recycle: (request) => encoder.recycle(request) };
}
