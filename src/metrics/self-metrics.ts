import { Registry, type OpenMetricsContentType, type RegistryContentType } from 'prom-client';
import { Histogram } from '../base/histogram.ts';
import type { Metric } from '../base/metric.ts';
import { defineCollectorMetrics } from './collector-metrics.ts';
import { defineOwnMetrics, defineTargetInfo } from './own-metrics.ts';
import { exposed } from './exposition.ts';
import { definer, metricDefiner, type Definer } from './pull.ts';
import type { SelfSources } from './self-sources.ts';

/** Further metrics of other parts of the program: called once for each of the two formats, and for the push. */
export type DefineMetrics = (define: Definer) => void;

/** What one of the two formats is made of. */
interface Page {
  registry: Registry<RegistryContentType>;
  metrics: Metric[];
}

const SCRAPE_BOUNDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1];

/** All metrics: as pages of /metrics, in both formats under the same names, and as they are pushed. */
export class SelfMetrics {
  /** What the pages say, but for `target_info`, which is the resource of a push. */
  readonly metrics: readonly Metric[];
  readonly #text: Page = { registry: new Registry(), metrics: [] };
  readonly #openMetrics: Page = { registry: new Registry<OpenMetricsContentType>(), metrics: [] };
  readonly #scrapes = new Histogram(SCRAPE_BOUNDS);

  readonly #refresh: (() => Promise<void>) | undefined;

  /** `sources` undefined: service.telemetry.metrics.level is none. `refresh`: what has to be read anew before anything is told. */
  constructor(
    sources: SelfSources | undefined,
    others: readonly DefineMetrics[] = [],
    refresh?: () => Promise<void>,
  ) {
    this.#refresh = refresh;
    this.#openMetrics.registry.setContentType(Registry.OPENMETRICS_CONTENT_TYPE);
    const defineAll = (define: Definer): void => {
      if (sources) {
        defineCollectorMetrics(define, sources);
        defineOwnMetrics(define, sources);
        define.histogram(
          'undertrace_scrape_duration_seconds',
          'How long it took to make the page of /metrics, the times before.',
          this.#scrapes,
        );
      }
      for (const defineOthers of others) defineOthers(define);
    };
    for (const [{ registry, metrics }, openMetrics] of [
      [this.#text, false],
      [this.#openMetrics, true],
    ] as const) {
      const define = definer(registry, metrics, openMetrics);
      defineAll(define);
      if (sources) defineTargetInfo(define, sources);
    }
    const pushed: Metric[] = [];
    defineAll(metricDefiner(pushed));
    this.metrics = pushed;
  }

  /** Reads anew what is read only where somebody asks. */
  async refresh(): Promise<void> {
    await this.#refresh?.();
  }

  async render(openMetrics: boolean): Promise<string> {
    const startedMs = performance.now();
    await this.refresh();
    const { registry, metrics } = openMetrics ? this.#openMetrics : this.#text;
    const others = await exposed(metrics, openMetrics);
    const text = await registry.metrics();
    const page = openMetrics ? text.replace(/# EOF\n$/, `${others}# EOF\n`) : `${text}${others}`;
    this.#scrapes.observe((performance.now() - startedMs) / 1000);
    return page;
  }
}
