import { Registry, type OpenMetricsContentType } from 'prom-client';
import { defineCollectorMetrics } from './collector-metrics.ts';
import { defineOwnMetrics } from './own-metrics.ts';
import { definer, type Definer } from './pull.ts';
import type { SelfSources } from './self-sources.ts';

/** Further metrics of other parts of the program: called once for each of the two formats. */
export type DefineMetrics = (define: Definer) => void;

/** What /metrics says about the agent itself, in both formats under the same names. */
export class SelfMetrics {
  readonly #text = new Registry();
  readonly #openMetrics = new Registry<OpenMetricsContentType>();

  readonly #refresh: (() => Promise<void>) | undefined;

  /** `sources` undefined: service.telemetry.metrics.level is none. `refresh`: what has to be read anew before anything is told. */
  constructor(
    sources: SelfSources | undefined,
    others: readonly DefineMetrics[] = [],
    refresh?: () => Promise<void>,
  ) {
    this.#refresh = refresh;
    this.#openMetrics.setContentType(Registry.OPENMETRICS_CONTENT_TYPE);
    for (const [registry, openMetrics] of [
      [this.#text, false],
      [this.#openMetrics, true],
    ] as const) {
      const define = definer(registry, openMetrics);
      if (sources) {
        defineCollectorMetrics(define, sources);
        defineOwnMetrics(define, sources);
      }
      for (const defineOthers of others) defineOthers(define);
    }
  }

  async render(openMetrics: boolean): Promise<string> {
    await this.#refresh?.();
    return await (openMetrics ? this.#openMetrics : this.#text).metrics();
  }
}
