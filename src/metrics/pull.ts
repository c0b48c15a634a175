import {
  Counter,
  Gauge,
  Histogram as PromHistogram,
  type Metric as PromMetric,
  type Registry,
  type RegistryContentType,
} from 'prom-client';
import type { Histogram } from '../base/histogram.ts';
import { ExemplarHistogram, type Exemplar } from './exemplars.ts';
import { prometheusLabel, prometheusName } from './prometheus-name.ts';
import type { Metric } from '../base/metric.ts';
import { OVERFLOW } from './series.ts';

/** Labels and value; an empty list where nothing is known. */
export type Samples = Array<[labels: Record<string, string>, value: number]>;
export type Read = () => number | undefined | Samples;

/** Defines metrics whose values are read when they are scraped. The labels are those of the samples. */
export interface Definer {
  /** `name` ends in `_total`. */
  counter: DefineMetric;
  /** A counter under a name without `_total`, as the Collector exposes its own. */
  bareCounter: DefineMetric;
  gauge: DefineMetric;
  histogram: (name: string, help: string, histogram: Histogram) => void;
  /** Under the name that is made of the instrument's. */
  metric: (metric: Metric) => void;
}

export type DefineMetric = (name: string, help: string, labels: readonly string[], read: Read) => void;

/**
 * Puts metrics into one registry of prom-client, which must serve one format only: for OpenMetrics it renames counters in place, which would
 * change the names of the text format, too.
 */
export function definer(registry: Registry<RegistryContentType>, openMetrics: boolean): Definer {
  const counter: Definer['counter'] = (name, help, labelNames, read) => {
    new Counter({
      name,
      help,
      labelNames,
      registers: [registry],
      collect() {
        this.reset();
        for (const [labels, value] of samplesOf(read())) this.inc(labels, value);
      },
    });
  };
  const gauge = (name: string, help: string, labelNames: readonly string[], read: Read): Gauge =>
    new Gauge({
      name,
      help,
      labelNames,
      registers: [registry],
      collect() {
        this.reset();
        const samples = samplesOf(read());
        // Without a value, no 0 either.
        if (samples.length === 0 && labelNames.length === 0) this.remove();
        for (const [labels, value] of samples) this.set(labels, value);
      },
    });
  return {
    counter,
    gauge: (...metric) => void gauge(...metric),
    // OpenMetrics allows a counter no other name than *_total; `unknown` may have any, and so the name is the same in both formats.
    bareCounter: (name, help, labels, read) =>
      openMetrics
        ? void Reflect.set(gauge(name, help, labels, read), 'type', 'unknown')
        : counter(name, help, labels, read),
    histogram: (name, help, source) => {
      new PulledHistogram(name, help, source, registry);
    },
    metric: (metric) => registry.registerMetric(new PulledMetric(metric) as unknown as PromMetric),
  };
}

function samplesOf(read: number | undefined | Samples): Samples {
  if (read === undefined) return [];
  return typeof read === 'number' ? [[{}, read]] : read;
}

/** Prom-client's own histogram can only be filled by observing; this one shows buckets that were filled elsewhere. */
class PulledHistogram extends PromHistogram {
  readonly #shown: { name: string; help: string; type: string };
  readonly #source: Histogram;

  constructor(name: string, help: string, source: Histogram, registry: Registry<RegistryContentType>) {
    super({ name, help, buckets: [...source.bounds], registers: [registry] });
    this.#shown = { name, help, type: 'histogram' };
    this.#source = source;
  }

  override get(): ReturnType<PromHistogram['get']> {
    const values: Value[] = [];
    addHistogram(values, this.#shown.name, NO_LABELS, this.#source);
    return Promise.resolve({ ...this.#shown, aggregator: 'sum', values } as unknown as Shown);
  }

  /** The registry asks for this one when it renders text. */
  getForPromString(): ReturnType<PromHistogram['get']> {
    return this.get();
  }
}

type Shown = Awaited<ReturnType<PromHistogram['get']>>;
type Labels = Readonly<Record<string, string>>;

/** A line of text, as prom-client renders it: it makes text of each object of shared labels once. */
interface Value {
  metricName?: string;
  labels: Labels;
  sharedLabels: Labels;
  value: number;
  exemplar?: { labelSet: Labels; value: number; timestamp: number };
}

const NO_LABELS: Labels = {};

/** By a series' attributes, which are one object for as long as it lives: for all metrics of a table, in both formats. */
const labelsOfSeries = new WeakMap<readonly string[], Labels>();

/** A metric of our own as one of prom-client's. */
class PulledMetric {
  name: string;
  readonly help: string;
  readonly type: string;
  readonly #metric: Metric;
  readonly #keys: readonly string[];

  constructor(metric: Metric) {
    const { instrument } = metric;
    this.name = prometheusName(instrument);
    this.help = instrument.description;
    this.type = instrument.type;
    this.#keys = instrument.attributes.map(prometheusLabel);
    this.#metric = metric;
  }

  getForPromString(): { name: string; help: string; type: string; values: Value[] } {
    const { name, help, type } = this;
    const values: Value[] = [];
    for (const { attributes, value } of this.#metric.points()) {
      const sharedLabels = this.#labelsOf(attributes);
      if (typeof value === 'number') values.push({ labels: NO_LABELS, sharedLabels, value });
      else addHistogram(values, name, sharedLabels, value);
    }
    return { name, help, type, values };
  }

  #labelsOf(attributes: readonly string[] | undefined): Labels {
    if (attributes === undefined) return OVERFLOWED;
    let labels = labelsOfSeries.get(attributes);
    if (labels === undefined) {
      const given = this.#keys.map((key, i): [string, string] => [key, attributes[i]!]);
      labels = Object.fromEntries(given.filter(([, value]) => value !== ''));
      labelsOfSeries.set(attributes, labels);
    }
    return labels;
  }
}

const OVERFLOWED: Labels = { [prometheusLabel(OVERFLOW)]: 'true' };

function addHistogram(values: Value[], name: string, sharedLabels: Labels, histogram: Histogram): void {
  const { bounds, counts, count, sum } = histogram;
  const exemplars = histogram instanceof ExemplarHistogram ? histogram.exemplars : [];
  const bucket = (le: string, value: number, exemplar: Exemplar | undefined): void => {
    const line: Value = { metricName: `${name}_bucket`, labels: { le }, sharedLabels, value };
    if (exemplar !== undefined) line.exemplar = shown(exemplar);
    values.push(line);
  };
  let below = 0;
  for (let i = 0; i < bounds.length; i++) {
    below += counts[i]!;
    bucket(canonical(bounds[i]!), below, exemplars[i]);
  }
  bucket('+Inf', count, exemplars[bounds.length]);
  values.push({ metricName: `${name}_sum`, labels: NO_LABELS, sharedLabels, value: sum });
  values.push({ metricName: `${name}_count`, labels: NO_LABELS, sharedLabels, value: count });
}

function shown({ traceId, spanId, value, unixMs }: Exemplar): NonNullable<Value['exemplar']> {
  return { labelSet: { trace_id: traceId, span_id: spanId }, value, timestamp: unixMs / 1000 };
}

/** Bounds look alike in both formats, whatever a scraper makes of `1` and `1.0`. */
function canonical(bound: number): string {
  return Number.isInteger(bound) ? `${bound}.0` : String(bound);
}
