import type { MetricsSettings } from '../../base/settings.ts';
import type { ServiceResource } from '../../enrich/resource.ts';
import type { FinishedRequest } from '../../link/finished-request.ts';
import { prometheusName } from '../prometheus-name.ts';
import type { Metric } from '../../base/metric.ts';
import type { Definer, Samples } from '../pull.ts';
import type { SeriesTable } from '../series.ts';
import { ActiveRequests } from './active-requests.ts';
import { FamilyMetrics } from './family-metrics.ts';
import { ServiceGraph } from './service-graph.ts';
import { SpanMetrics } from './span-metrics.ts';

/** All that is measured of requests. */
export class RequestMetrics {
  readonly active = new ActiveRequests();
  readonly metrics: readonly Metric[];
  readonly tables: ReadonlyArray<SeriesTable<unknown>>;
  readonly #parts: ReadonlyArray<FamilyMetrics | SpanMetrics | ServiceGraph>;
  readonly #idleMs: number;

  /** `identify`: who a process is as far as is known now. */
  constructor(
    { seriesLimits, idleMs, serverAddresses }: MetricsSettings,
    identify: (tgid: number, startNs: number) => ServiceResource,
  ) {
    const limitOf = (name: string): number => seriesLimits[name] ?? seriesLimits.default;
    this.#parts = [
      new FamilyMetrics(limitOf, serverAddresses),
      new SpanMetrics(limitOf),
      new ServiceGraph(limitOf),
    ];
    this.metrics = [...this.#parts.flatMap(({ metrics }) => metrics), this.active.metric(identify)];
    this.tables = this.#parts.flatMap((part): ReadonlyArray<SeriesTable<unknown>> => part.tables);
    this.#idleMs = idleMs;
  }

  observe(request: FinishedRequest, nowMs = Date.now()): void {
    for (const part of this.#parts) part.observe(request, nowMs);
  }

  define({ counter, gauge, metric }: Definer): void {
    for (const each of this.metrics) metric(each);
    const byTable = (read: (table: SeriesTable<unknown>) => number) => (): Samples =>
      this.tables.map((table) => [{ metric: prometheusName(table.instrument) }, read(table)]);
    gauge(
      'undertrace_metric_series',
      'Series of the metrics of requests; what else is measured of the same requests has as many.',
      ['metric'],
      byTable(({ size }) => size),
    );
    counter(
      'undertrace_metric_overflow_total',
      'Requests that were counted in the series with otel_metric_overflow="true", since there were as many others as receivers.undertrace.metrics.series_limits allows.',
      ['metric'],
      byTable(({ overflowed }) => overflowed),
    );
    counter(
      'undertrace_metric_expired_total',
      'Series that were forgotten because nothing happened to them for receivers.undertrace.metrics.series_idle.',
      ['metric'],
      byTable(({ expired }) => expired),
    );
  }

  /** Forgets series that have been idle for too long. */
  sweep(nowMs: number): void {
    for (const table of this.tables) table.expire(nowMs - this.#idleMs);
  }
}
