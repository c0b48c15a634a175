import { Counter, Gauge, type Registry, type RegistryContentType } from 'prom-client';
import type { Histogram } from '../base/histogram.ts';
import type { Metric } from '../base/metric.ts';

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
 * Puts metrics into `metrics`, and what has no instrument into a registry of prom-client. That must serve one format only: for OpenMetrics it renames
 * counters in place, which would change the names of the text format, too.
 */
export function definer(
  registry: Registry<RegistryContentType>,
  metrics: Metric[],
  openMetrics: boolean,
): Definer {
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
    histogram: (...histogram) => void metrics.push(histogramMetric(...histogram)),
    metric: (metric) => void metrics.push(metric),
  };
}

/** Puts all metrics into `metrics`. What has no instrument keeps the name and the labels that it is scraped with, as the Collector's own metrics do. */
export function metricDefiner(metrics: Metric[]): Definer {
  const of =
    (type: 'counter' | 'gauge'): DefineMetric =>
    (name, description, attributes, read) => {
      const instrument = { name, unit: '', description, type, attributes };
      metrics.push({
        instrument,
        points: () =>
          samplesOf(read()).map(([labels, value]) => {
            return { attributes: attributes.map((key) => labels[key] ?? ''), value };
          }),
      });
    };
  return {
    counter: of('counter'),
    bareCounter: of('counter'),
    gauge: of('gauge'),
    histogram: (...histogram) => void metrics.push(histogramMetric(...histogram)),
    metric: (metric) => void metrics.push(metric),
  };
}

function histogramMetric(name: string, description: string, value: Histogram): Metric {
  const instrument = { name, unit: '', description, type: 'histogram', attributes: [] } as const;
  return { instrument, points: () => [{ attributes: [], value }] };
}

function samplesOf(read: number | undefined | Samples): Samples {
  if (read === undefined) return [];
  return typeof read === 'number' ? [[{}, read]] : read;
}
