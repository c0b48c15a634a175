import { ExemplarHistogram } from '../exemplars.ts';
import type { Instrument, Metric } from '../../base/metric.ts';
import { metricOf, SeriesTable } from '../series.ts';
import { SERVICE } from './family.ts';
import type { FinishedRequest } from '../../link/finished-request.ts';
import { exemplarOf, serviceOf } from './family-metrics.ts';

/** Milliseconds. Defaults of the Collector's spanmetrics connector. */
const BOUNDS: readonly number[] = [
  ...[2, 4, 6, 8, 10, 50, 100, 200, 400, 800, 1000, 1400, 2000, 5000, 10_000, 15_000],
];
const ATTRIBUTES = [...SERVICE, 'span.kind', 'span.name', 'status.code'];

const CALLS: Instrument = {
  name: 'traces.span.metrics.calls',
  unit: '',
  description: 'Spans, as the spanmetrics connector of the Collector counts them; Jaeger asks for them.',
  type: 'counter',
  attributes: ATTRIBUTES,
};
const DURATION: Instrument = {
  name: 'traces.span.metrics.duration',
  unit: 'ms',
  description: 'Duration of spans, as the spanmetrics connector of the Collector measures it.',
  type: 'histogram',
  attributes: ATTRIBUTES,
};

/** What Jaeger's Monitor tab asks for. */
export class SpanMetrics {
  readonly metrics: readonly Metric[];
  readonly tables: ReadonlyArray<SeriesTable<ExemplarHistogram>>;
  readonly #table: SeriesTable<ExemplarHistogram>;

  constructor(limitOf: (name: string) => number) {
    this.#table = new SeriesTable(CALLS, limitOf(CALLS.name), () => new ExemplarHistogram(BOUNDS));
    this.tables = [this.#table];
    this.metrics = [
      metricOf(CALLS, this.#table, ({ count }) => count),
      metricOf(DURATION, this.#table, (histogram) => histogram),
    ];
  }

  observe(request: FinishedRequest, nowMs: number): void {
    const { description, exchange, name, durationNs } = request;
    const attributes = serviceOf(request);
    const status = description.errorType === undefined ? 'UNSET' : 'ERROR';
    attributes.push(
      `SPAN_KIND_${(description.kind ?? exchange.role).toUpperCase()}`,
      name,
      `STATUS_CODE_${status}`,
    );
    const milliseconds = durationNs / 1e6;
    this.#table
      .of(attributes, nowMs)
      .value.observeWith(milliseconds, exemplarOf(request, milliseconds, nowMs));
  }
}
