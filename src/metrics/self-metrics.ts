import { Registry, type OpenMetricsContentType, type RegistryContentType } from 'prom-client';
import type { Metric } from '../base/metric.ts';
import { defineCollectorMetrics } from './collector-metrics.ts';
import { defineOwnMetrics } from './own-metrics.ts';
import { exposed } from './exposition.ts';
import { definer, type Definer } from './pull.ts';
import type { SelfSources } from './self-sources.ts';

/** Further metrics of other parts of the program: called once for each of the two formats. */
export type DefineMetrics = (define: Definer) => void;

/** What one of the two formats is made of. */
interface Page {
  registry: Registry<RegistryContentType>;
  metrics: Metric[];
}

/** What /metrics says about the agent itself, in both formats under the same names. */
export class SelfMetrics {
  readonly #text: Page = { registry: new Registry(), metrics: [] };
  readonly #openMetrics: Page = { registry: new Registry<OpenMetricsContentType>(), metrics: [] };

  readonly #refresh: (() => Promise<void>) | undefined;

  /** `sources` undefined: service.telemetry.metrics.level is none. `refresh`: what has to be read anew before anything is told. */
  constructor(
    sources: SelfSources | undefined,
    others: readonly DefineMetrics[] = [],
    refresh?: () => Promise<void>,
  ) {
    this.#refresh = refresh;
    this.#openMetrics.registry.setContentType(Registry.OPENMETRICS_CONTENT_TYPE);
    for (const [{ registry, metrics }, openMetrics] of [
      [this.#text, false],
      [this.#openMetrics, true],
    ] as const) {
      const define = definer(registry, metrics, openMetrics);
      if (sources) {
        defineCollectorMetrics(define, sources);
        defineOwnMetrics(define, sources);
      }
      for (const defineOthers of others) defineOthers(define);
    }
  }

  async render(openMetrics: boolean): Promise<string> {
    await this.#refresh?.();
    const { registry, metrics } = openMetrics ? this.#openMetrics : this.#text;
    const others = await exposed(metrics, openMetrics);
    const text = await registry.metrics();
    return openMetrics ? text.replace(/# EOF\n$/, `${others}# EOF\n`) : `${text}${others}`;
  }
}
