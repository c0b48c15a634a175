import { messageOf } from '../base/errors.ts';
import type { Metric } from '../base/metric.ts';
import { Slices } from '../base/slices.ts';
import type { PushFigures } from '../metrics/self-sources.ts';
import { REAL_TIMERS, type Outcome, type Timers } from './exporter.ts';
import { otlpMetricsRequests, type MetricsRequest } from './otlp-metrics.ts';
import type { QueueLog } from './queue-stats.ts';

/** Where metrics are pushed to. */
export interface MetricsExporter {
  readonly id: string;
  readonly destination: string;
  readonly json: boolean;
  /** Of one attempt; 0: none. */
  readonly timeoutMs: number;
  send(request: MetricsRequest, signal: AbortSignal): Promise<Outcome>;
  close(): Promise<void>;
}

export interface PushStats extends PushFigures {
  destination: string;
  lastError: string | undefined;
}

export interface MetricsPushOptions {
  exporters: readonly MetricsExporter[];
  metrics: readonly Metric[];
  /** Reads anew what is read only where somebody asks. */
  refresh: () => Promise<void>;
  /** The agent's own resource. */
  resource: Readonly<Record<string, string>>;
  startedMs: number;
  intervalMs: number;
  log?: QueueLog | undefined;
  timers?: Timers;
}

/**
 * Sends all metrics every so often, in several requests where there are many. They count from the start, so what could not be delivered the next push says
 * again: nothing waits, and nothing is retried. A destination that takes longer than the interval is left out until it has answered.
 */
export class MetricsPush {
  readonly #options: MetricsPushOptions;
  readonly #timers: Timers;
  readonly #stats: PushStats[];
  readonly #busy = new Map<MetricsExporter, Promise<void>>();
  /** Aborted when no more time is left to send anything. */
  readonly #ends = new AbortController();
  #timer: unknown;

  constructor(options: MetricsPushOptions) {
    this.#options = options;
    this.#timers = options.timers ?? REAL_TIMERS;
    this.#stats = options.exporters.map(({ id, destination }) => {
      return { id, destination, sentPoints: 0, failedPoints: 0, lastError: undefined };
    });
    this.#wait();
  }

  stats(): readonly PushStats[] {
    return this.#stats;
  }

  /** Sends what there is once more, for as long as `deadlineMs` at most. */
  async stop(deadlineMs: number): Promise<void> {
    this.#timers.clear(this.#timer);
    const { exporters } = this.#options;
    const timer = this.#timers.set(() => this.#ends.abort(), deadlineMs);
    await Promise.all(this.#busy.values());
    await Promise.all(exporters.map((exporter, place) => this.#push(exporter, place)));
    this.#timers.clear(timer);
    await Promise.all(exporters.map((exporter) => exporter.close()));
  }

  #wait(): void {
    this.#timer = this.#timers.set(() => {
      this.#wait();
      for (const [place, exporter] of this.#options.exporters.entries()) {
        if (this.#busy.has(exporter)) continue;
        const sending = this.#push(exporter, place).finally(() => this.#busy.delete(exporter));
        this.#busy.set(exporter, sending);
      }
    }, this.#options.intervalMs);
  }

  async #push(exporter: MetricsExporter, place: number): Promise<void> {
    const { log } = this.#options;
    const stats = this.#stats[place]!;
    const error = await this.#sendAll(exporter, stats).catch(messageOf);
    // Said when it begins, and when it is over.
    if (error !== undefined && stats.lastError === undefined)
      log?.warn({ exporter: exporter.id, error }, 'metrics could not be delivered');
    else if (error === undefined && stats.lastError !== undefined)
      log?.info({ exporter: exporter.id }, 'metrics are delivered again');
    stats.lastError = error;
  }

  /** Resolves to what went wrong first, if anything did. Rejects where a metric cannot be read. */
  async #sendAll(exporter: MetricsExporter, stats: PushStats): Promise<string | undefined> {
    const { metrics, refresh, resource, startedMs } = this.#options;
    await refresh();
    const nowMs = this.#timers.wallMs();
    const slices = new Slices();
    let error: string | undefined;
    for (const request of otlpMetricsRequests(metrics, resource, { startedMs, nowMs, json: exporter.json })) {
      const late = exporter.timeoutMs > 0 ? [AbortSignal.timeout(exporter.timeoutMs)] : [];
      const outcome = await exporter.send(request, AbortSignal.any([this.#ends.signal, ...late]));
      const sent = outcome.result === 'done' ? outcome.accepted : 0;
      stats.sentPoints += sent;
      stats.failedPoints += request.points - sent;
      error ??= outcome.error;
      // Who does not take this one now does not take the others.
      if (outcome.result === 'retry') break;
      if (slices.isOver()) await slices.rest();
    }
    return error;
  }
}
