/** The Collector of the stack: a real one with the stack's own configuration. */
import { findCollector, freePorts } from './collector.ts';
import { CollectorProcess } from './collector-process.ts';
import { inCheckout, lacking } from './programs.ts';

const CONFIG = inCheckout('config', 'collector.yaml');

export class StackCollector {
  /** For OTLP over HTTP. */
  readonly endpoint: string;
  /** Answers 200 while it works. */
  readonly health: string;
  /** Host and port of its own metrics. */
  readonly metrics: string;
  readonly #process: CollectorProcess;

  private constructor(started: CollectorProcess, http: number, health: number, metrics: number) {
    this.#process = started;
    this.endpoint = `http://127.0.0.1:${http}`;
    this.health = `http://127.0.0.1:${health}/`;
    this.metrics = `127.0.0.1:${metrics}`;
  }

  /** Sends what it gets to the OTLP over gRPC at `jaegerPort`, whether somebody listens there or not. */
  static async start(context: Mocha.Context, jaegerPort: number): Promise<StackCollector> {
    const found = findCollector();
    if ('missing' in found) lacking(context, found.missing);
    const [grpc, http, health, metrics] = (await freePorts(4)) as [number, number, number, number];
    const started = await CollectorProcess.start('the Collector', found.binary, CONFIG, {
      OTLP_GRPC_ENDPOINT: `127.0.0.1:${grpc}`,
      OTLP_HTTP_ENDPOINT: `127.0.0.1:${http}`,
      HEALTH_ENDPOINT: `127.0.0.1:${health}`,
      METRICS_HOST: '127.0.0.1',
      METRICS_PORT: String(metrics),
      JAEGER_ENDPOINT: `127.0.0.1:${jaegerPort}`,
    });
    return new StackCollector(started, http, health, metrics);
  }

  stop(signal?: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    return this.#process.stop(signal);
  }
}
