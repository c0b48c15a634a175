/** A real Jaeger for tests: OTLP in over HTTP, everything kept in memory, given back by its query API. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { spanWithNumbers } from './agent.ts';
import { freePorts } from './collector.ts';
import { CollectorProcess } from './collector-process.ts';
import { findGoProgram } from './go-program.ts';
import { decodeParsed, type ReceivedSpan } from './otlp-proto.ts';
import { lacking } from './programs.ts';

const MAX_TRACES = 10_000;
const QUERY_MS = 20_000;
const POLL_MS = 20;

/** Path of the binary, built where it is not yet there (some minutes). */
export function needJaeger(context: Mocha.Context): string {
  const found = findGoProgram('build-jaeger.mjs', 'Jaeger');
  return 'missing' in found ? lacking(context, found.missing) : found.binary;
}

export class Jaeger {
  /** For OTLP over HTTP. */
  readonly endpoint: string;
  readonly #api: string;
  readonly #process: CollectorProcess;

  private constructor(started: CollectorProcess, otlpPort: number, queryPort: number) {
    this.#process = started;
    this.endpoint = `http://127.0.0.1:${otlpPort}`;
    this.#api = `http://127.0.0.1:${queryPort}/api/v3`;
  }

  /** With its configuration in `folder`; resolves when it takes spans and answers queries. */
  static async start(binary: string, folder: string): Promise<Jaeger> {
    const [otlpPort, queryPort, grpcPort] = (await freePorts(3)) as [number, number, number];
    const file = path.join(folder, 'jaeger.yaml');
    writeFileSync(
      file,
      `
receivers:
  otlp:
    protocols:
      http: { endpoint: "127.0.0.1:${otlpPort}" }
exporters:
  jaeger_storage_exporter: { trace_storage: memory }
extensions:
  jaeger_storage:
    backends:
      memory: { memory: { max_traces: ${MAX_TRACES} } }
  jaeger_query:
    storage: { traces: memory }
    http: { endpoint: "127.0.0.1:${queryPort}" }
    grpc: { endpoint: "127.0.0.1:${grpcPort}" }
service:
  extensions: [jaeger_storage, jaeger_query]
  telemetry:
    metrics: { level: none }
  pipelines:
    traces: { receivers: [otlp], exporters: [jaeger_storage_exporter] }
`,
    );
    return new Jaeger(await CollectorProcess.start('Jaeger', binary, file), otlpPort, queryPort);
  }

  /** At once: in order it waits for seconds, and all that it has is in memory. */
  stop(): Promise<void> {
    return this.#process.stop('SIGKILL');
  }

  /** The spans of one trace; none where it knows no such trace. */
  async trace(traceId: string): Promise<ReceivedSpan[]> {
    return this.#traces(`/traces/${traceId}`);
  }

  /** The spans of one trace as soon as there are `count`. Rejects after `timeoutMs`. */
  async waitForTrace(traceId: string, count: number, timeoutMs = 10_000): Promise<ReceivedSpan[]> {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      const spans = await this.trace(traceId);
      if (spans.length >= count) return spans;
      if (Date.now() > deadline)
        throw new Error(`Jaeger has ${spans.length} of ${count} spans after ${timeoutMs} ms`);
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }

  /** Every trace with a span that has begun since then: found by a search, and fetched one by one as a person would. */
  async tracesSince(since: Date): Promise<ReceivedSpan[][]> {
    const query = new URLSearchParams({
      'query.start_time_min': since.toISOString(),
      'query.start_time_max': new Date().toISOString(),
      'query.num_traces': String(MAX_TRACES),
    });
    const found = await this.#traces(`/traces?${query.toString()}`);
    const traces: ReceivedSpan[][] = [];
    for (const id of new Set(found.map(({ traceId }) => traceId))) traces.push(await this.trace(id));
    return traces;
  }

  async #traces(target: string): Promise<ReceivedSpan[]> {
    const response = await fetch(this.#api + target, { signal: AbortSignal.timeout(QUERY_MS) });
    const text = await response.text();
    if (response.status === 404) return []; // its word for none
    if (!response.ok) throw new Error(`Jaeger answers ${response.status} to ${target}: ${text}`);
    return decodeParsed((JSON.parse(text) as { result: unknown }).result).map(spanWithNumbers);
  }
}
