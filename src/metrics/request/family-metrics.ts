import { ExemplarHistogram, type Exemplar } from '../exemplars.ts';
import type { Metric } from '../../base/metric.ts';
import { metricOf, SeriesTable } from '../series.ts';
import { instrumentOf, SERVICE, textOf, type Family } from './family.ts';
import type { FinishedRequest } from '../../link/finished-request.ts';
import { families } from './index.ts';

/** Who is at the other end, where that is no service of this host. */
export const EXTERNAL = 'external';
const ADDRESS = new Set(['server.address', 'server.port']);

/** The histograms of one series, by place in the family's measures. */
type Measured = Array<ExemplarHistogram | undefined>;

/** Rate, errors and duration of requests under the names of the semantic conventions: one table of series for each family. */
export class FamilyMetrics {
  readonly metrics: readonly Metric[];
  readonly tables: ReadonlyArray<SeriesTable<Measured>>;
  readonly #families: readonly Family[];

  /** `limitOf`: most series of the metric of that name. */
  constructor(limitOf: (name: string) => number, addresses: boolean) {
    this.#families = families.map((family) =>
      addresses ? family : { ...family, attributes: family.attributes.filter((key) => !ADDRESS.has(key)) },
    );
    this.tables = this.#families.map((family) => {
      const instrument = instrumentOf(family, family.measures[0]!);
      return new SeriesTable<Measured>(instrument, limitOf(instrument.name), () => []);
    });
    this.metrics = this.#families.flatMap((family, place) =>
      family.measures.map((measure, i) =>
        metricOf(instrumentOf(family, measure), this.tables[place]!, (measured) => measured[i]),
      ),
    );
  }

  observe(request: FinishedRequest, nowMs: number): void {
    const { attributes } = request.description;
    const { role } = request.exchange;
    const place = this.#families.findIndex(
      (family) => family.role === role && attributes[family.key] !== undefined,
    );
    if (place < 0) return;
    const family = this.#families[place]!;
    const measured = this.tables[place]!.of(attributesOf(request, family), nowMs).value;
    for (let i = 0; i < family.measures.length; i++) {
      const measure = family.measures[i]!;
      const value = measure.read(request);
      if (value === undefined) continue;
      const histogram = (measured[i] ??= new ExemplarHistogram(measure.bounds));
      histogram.observeWith(value, exemplarOf(request, value, nowMs));
    }
  }
}

function attributesOf(request: FinishedRequest, { attributes }: Family): string[] {
  const values = serviceOf(request);
  for (const key of attributes) values.push(attributeOf(request, key));
  return values;
}

/** Values of SERVICE. */
export function serviceOf({ service }: FinishedRequest): string[] {
  return SERVICE.map((key) => textOf(service.attributes[key]));
}

function attributeOf({ description, route, peer }: FinishedRequest, key: string): string {
  switch (key) {
    case 'http.route':
    case 'url.template':
      return route ?? '';
    case 'service.peer.name':
      return peer?.serviceName ?? EXTERNAL;
    case 'error.type':
      return description.errorType ?? '';
    default:
      return textOf(description.attributes[key]);
  }
}

/** The request as one that a bucket counts, if its span is exported. */
export function exemplarOf({ span }: FinishedRequest, value: number, unixMs: number): Exemplar | undefined {
  return span && { traceId: span.traceId, spanId: span.spanId, value, unixMs };
}
