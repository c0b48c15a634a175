import { ExemplarHistogram } from '../exemplars.ts';
import type { Instrument, Metric } from '../../base/metric.ts';
import { metricOf, SeriesTable } from '../series.ts';
import type { FinishedRequest } from '../../link/finished-request.ts';
import { EXTERNAL, exemplarOf } from './family-metrics.ts';

/** Seconds. Defaults of the Collector's servicegraph connector. */
const BOUNDS: readonly number[] = [
  ...[0.002, 0.004, 0.006, 0.008, 0.01, 0.05, 0.1, 0.2, 0.4, 0.8, 1, 1.4, 2, 5, 10, 15],
];
const ATTRIBUTES = ['client', 'server', 'connection_type'];

function instrument(name: string, unit: string, type: Instrument['type'], description: string): Instrument {
  return { name: `traces_service_graph_request_${name}`, unit, description, type, attributes: ATTRIBUTES };
}

const TOTAL = instrument('total', '', 'counter', 'Requests between two services.');
const FAILED = instrument('failed_total', '', 'counter', 'Requests between two services that failed.');
const CLIENT = instrument(
  'client',
  's',
  'histogram',
  'Duration of requests between two services as the client saw it.',
);
const SERVER = instrument(
  'server',
  's',
  'histogram',
  'Duration of requests between two services as the server saw it.',
);

interface Edge {
  total: number;
  failed: number;
  client: ExemplarHistogram | undefined;
  server: ExemplarHistogram | undefined;
}

/** Who asks whom, under the names of the Collector's servicegraph connector and of Tempo, which Grafana draws. */
export class ServiceGraph {
  readonly metrics: readonly Metric[];
  readonly tables: ReadonlyArray<SeriesTable<Edge>>;
  readonly #table: SeriesTable<Edge>;

  constructor(limitOf: (name: string) => number) {
    this.#table = new SeriesTable<Edge>(TOTAL, limitOf(TOTAL.name), () => ({
      total: 0,
      failed: 0,
      client: undefined,
      server: undefined,
    }));
    this.tables = [this.#table];
    this.metrics = [
      metricOf(TOTAL, this.#table, ({ total }) => total),
      metricOf(FAILED, this.#table, ({ failed }) => failed),
      metricOf(CLIENT, this.#table, ({ client }) => client),
      metricOf(SERVER, this.#table, ({ server }) => server),
    ];
  }

  /** A request that was seen at both ends is counted at the client's. */
  observe(request: FinishedRequest, nowMs: number): void {
    const { exchange, service, peer, description, durationNs } = request;
    const other = peer?.serviceName ?? EXTERNAL;
    const isClient = exchange.role === 'client';
    const [client, server] = isClient ? [service.serviceName, other] : [other, service.serviceName];
    const edge = this.#table.of([client, server, connectionType(description.attributes)], nowMs).value;
    if (isClient || peer === undefined) {
      edge.total++;
      if (description.errorType !== undefined) edge.failed++;
    }
    const seconds = durationNs / 1e9;
    const histogram = isClient
      ? (edge.client ??= new ExemplarHistogram(BOUNDS))
      : (edge.server ??= new ExemplarHistogram(BOUNDS));
    histogram.observeWith(seconds, exemplarOf(request, seconds, nowMs));
  }
}

function connectionType(attributes: Readonly<Record<string, unknown>>): string {
  if (attributes['db.system.name'] !== undefined) return 'database';
  return attributes['messaging.system'] !== undefined ? 'messaging_system' : '';
}
