/** A real Jaeger for tests: OTLP in over HTTP, everything kept in memory, given back by its query API. */
import { spanWithNumbers } from './agent.ts';
import { freePorts } from './collector.ts';
import { CollectorProcess } from './collector-process.ts';
import { findGoProgram } from './go-program.ts';
import { decodeParsed, type ReceivedSpan } from './otlp-proto.ts';
import { inCheckout, lacking } from './programs.ts';

const CONFIG = inCheckout('config', 'jaeger.yaml');
const MAX_TRACES = 10_000;
const QUERY_MS = 20_000;
const POLL_MS = 20;

/** Path of the binary, built where it is not yet there (some minutes). */
export function needJaeger(context: Mocha.Context): string {
  const found = findGoProgram('build-jaeger.mjs', 'Jaeger');
  return 'missing' in found ? lacking(context, found.missing) : found.binary;
}

type Ports = [number, number, number, number, number, number];

export class Jaeger {
  /** For OTLP over HTTP. */
  readonly endpoint: string;
  /** What a person opens. */
  readonly page: string;
  /** Answers 200 while it works. */
  readonly health: string;
  readonly #process: CollectorProcess;

  private constructor(started: CollectorProcess, http: number, query: number, health: number) {
    this.#process = started;
    this.endpoint = `http://127.0.0.1:${http}`;
    this.page = `http://127.0.0.1:${query}`;
    this.health = `http://127.0.0.1:${health}/status`;
  }

  /**
   * With the stack's own configuration; resolves when it takes spans and answers queries. The tab Monitor asks `prometheus`. Whoever must know its
   * address before it is there chooses ports.
   */
  static async start(
    binary: string,
    options: { prometheus?: string; grpcPort?: number; metricsPort?: number } = {},
  ): Promise<Jaeger> {
    const [http, query, queryGrpc, health, grpc, metrics] = (await freePorts(6)) as Ports;
    const { grpcPort = grpc, metricsPort = metrics } = options;
    const env = {
      OTLP_HTTP_ENDPOINT: `127.0.0.1:${http}`,
      OTLP_GRPC_ENDPOINT: `127.0.0.1:${grpcPort}`,
      QUERY_HTTP_ENDPOINT: `127.0.0.1:${query}`,
      QUERY_GRPC_ENDPOINT: `127.0.0.1:${queryGrpc}`,
      HEALTH_ENDPOINT: `127.0.0.1:${health}`,
      METRICS_HOST: '127.0.0.1',
      METRICS_PORT: String(metricsPort),
      ...(options.prometheus === undefined ? {} : { PROMETHEUS_URL: options.prometheus }),
    };
    const started = await CollectorProcess.start('Jaeger', binary, CONFIG, env);
    return new Jaeger(started, http, query, health);
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
    const response = await fetch(`${this.page}/api/v3${target}`, { signal: AbortSignal.timeout(QUERY_MS) });
    const text = await response.text();
    if (response.status === 404) return []; // its word for none
    if (!response.ok) throw new Error(`Jaeger answers ${response.status} to ${target}: ${text}`);
    return decodeParsed((JSON.parse(text) as { result: unknown }).result).map(spanWithNumbers);
  }
}
