import { Registry, type OpenMetricsContentType } from 'prom-client';
import { Histogram } from '../base/histogram.ts';
import { defineCollectorMetrics } from './collector-metrics.ts';
import { defineOwnMetrics } from './own-metrics.ts';
import { definer, type Definer } from './pull.ts';
import type { SelfSources } from './self-sources.ts';

/** Further metrics of other parts of the program: called once for each of the two formats. */
export type DefineMetrics = (define: Definer) => void;

const SCRAPE_BOUNDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1];

/** What /metrics says about the agent itself, in both formats under the same names. */
export class SelfMetrics {
  readonly #text = new Registry();
  readonly #openMetrics = new Registry<OpenMetricsContentType>();
  readonly #scrapes = new Histogram(SCRAPE_BOUNDS);

  /** `sources` undefined: service.telemetry.metrics.level is none. */
  constructor(sources: SelfSources | undefined, others: readonly DefineMetrics[] = []) {
    this.#openMetrics.setContentType(Registry.OPENMETRICS_CONTENT_TYPE);
    for (const [registry, openMetrics] of [
      [this.#text, false],
      [this.#openMetrics, true],
    ] as const) {
      const define = definer(registry, openMetrics);
      if (sources) {
        defineCollectorMetrics(define, sources);
        defineOwnMetrics(define, sources);
        define.histogram(
          'undertrace_scrape_duration_seconds',
          'How long it took to make this page, the times before.',
          this.#scrapes,
        );
      }
      for (const defineOthers of others) defineOthers(define);
    }
  }

  async render(openMetrics: boolean): Promise<string> {
    const startedMs = performance.now();
    const page = await (openMetrics ? this.#openMetrics : this.#text).metrics();
    this.#scrapes.observe((performance.now() - startedMs) / 1000);
    return page;
  }
}
