import {
  Counter,
  Gauge,
  Histogram as PromHistogram,
  type Registry,
  type RegistryContentType,
} from 'prom-client';
import type { Histogram } from '../base/histogram.ts';

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
  };
}

function samplesOf(read: number | undefined | Samples): Samples {
  if (read === undefined) return [];
  return typeof read === 'number' ? [[{}, read]] : read;
}

/** Prom-client's own histogram can only be filled by observing; this one shows buckets that were filled elsewhere. */
class PulledHistogram extends PromHistogram {
  readonly #name: string;
  readonly #help: string;
  readonly #source: Histogram;

  constructor(name: string, help: string, source: Histogram, registry: Registry<RegistryContentType>) {
    super({ name, help, buckets: [...source.bounds], registers: [registry] });
    this.#name = name;
    this.#help = help;
    this.#source = source;
  }

  override get(): ReturnType<PromHistogram['get']> {
    return Promise.resolve(this.#snapshot() as unknown as Awaited<ReturnType<PromHistogram['get']>>);
  }

  /** The registry asks for this one when it renders text. */
  getForPromString(): ReturnType<PromHistogram['get']> {
    return this.get();
  }

  #snapshot(): object {
    const { bounds, counts, count, sum } = this.#source;
    let below = 0;
    const values = bounds.map((bound, bucket) => {
      below += counts[bucket]!;
      return { metricName: `${this.#name}_bucket`, labels: { le: canonical(bound) }, value: below };
    });
    return {
      name: this.#name,
      help: this.#help,
      type: 'histogram',
      aggregator: 'sum',
      values: [
        ...values,
        { metricName: `${this.#name}_bucket`, labels: { le: '+Inf' }, value: count },
        { metricName: `${this.#name}_sum`, labels: {}, value: sum },
        { metricName: `${this.#name}_count`, labels: {}, value: count },
      ],
    };
  }
}

/** Bounds look alike in both formats, whatever a scraper makes of `1` and `1.0`. */
function canonical(bound: number): string {
  return Number.isInteger(bound) ? `${bound}.0` : String(bound);
}
