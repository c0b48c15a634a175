/** A real OpenTelemetry Collector for tests: OTLP in over gRPC and HTTP, everything out into a file for each signal. */
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import path from 'node:path';
import { CollectorProcess } from './collector-process.ts';
import { findGoProgram } from './go-program.ts';
import { decodeJson, type ReceivedSpan } from './otlp-proto.ts';

/** Path of the binary, built where it is not yet there (a minute or two), or the reason why it cannot be had. */
export const findCollector = (): ReturnType<typeof findGoProgram> =>
  findGoProgram('build-collector.mjs', 'OpenTelemetry Collector');

/** Ports that nobody listens on at this moment. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer();
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      return server;
    }),
  );
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => once(server.close(), 'close')));
  return ports;
}

export class Collector {
  readonly httpPort: number;
  readonly grpcPort: number;
  /** What its file exporters write. */
  readonly file: string;
  readonly #metricsFile: string;
  readonly #binary: string;
  readonly #config: string;
  #process: CollectorProcess | undefined;

  private constructor(binary: string, folder: string, ports: number[]) {
    [this.httpPort, this.grpcPort] = ports as [number, number];
    this.#binary = binary;
    this.file = path.join(folder, 'collector.jsonl');
    this.#metricsFile = path.join(folder, 'collector-metrics.jsonl');
    this.#config = path.join(folder, 'collector.yaml');
    writeFileSync(
      this.#config,
      `
receivers:
  otlp:
    protocols:
      grpc: { endpoint: "127.0.0.1:${this.grpcPort}" }
      http: { endpoint: "127.0.0.1:${this.httpPort}" }
exporters:
  file: { path: "${this.file}", append: true, flush_interval: 20ms }
  file/metrics: { path: "${this.#metricsFile}", append: true, flush_interval: 20ms }
service:
  telemetry:
    metrics: { level: none }
  pipelines:
    traces: { receivers: [otlp], exporters: [file] }
    metrics: { receivers: [otlp], exporters: [file/metrics] }
`,
    );
  }

  /** A Collector with its files in `folder`, started. */
  static async start(binary: string, folder: string): Promise<Collector> {
    const collector = new Collector(binary, folder, await freePorts(2));
    await collector.start();
    return collector;
  }

  /** Starts it (again); resolves when it says that it is ready. */
  async start(): Promise<void> {
    this.#process = await CollectorProcess.start('the Collector', this.#binary, this.#config);
  }

  async stop(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    await this.#process?.stop(signal);
    this.#process = undefined;
  }

  /** Stops it where it stands: connections stay open and nothing is answered. */
  freeze(): void {
    this.#process?.freeze();
  }

  thaw(): void {
    this.#process?.thaw();
  }

  /** Every span it has written so far. */
  spans(): ReceivedSpan[] {
    return linesOf(this.file).flatMap(decodeJson);
  }

  /** Every request with metrics that it has written so far, as OTLP/JSON. */
  metricsRequests(): string[] {
    return linesOf(this.#metricsFile);
  }

  /** Resolves with all spans when there are `count`; rejects after `timeoutMs`. */
  async waitForSpans(count: number, timeoutMs = 10_000): Promise<ReceivedSpan[]> {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      const spans = this.spans();
      if (spans.length >= count) return spans;
      if (Date.now() > deadline) {
        throw new Error(`the Collector wrote ${spans.length} of ${count} spans in ${timeoutMs} ms`);
      }
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
}

/** Whole lines. */
function linesOf(file: string): string[] {
  return existsSync(file) ? readFileSync(file, 'utf8').split('\n').slice(0, -1) : [];
}
