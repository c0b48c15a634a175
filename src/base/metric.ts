import type { Histogram } from './histogram.ts';

/** What is measured, named as the semantic conventions name it; Prometheus' names are made of these (metrics/prometheus-name.ts). */
export interface Instrument {
  /** `http.server.request.duration`. */
  readonly name: string;
  /** UCUM: `s`, `By`, `1`, `{request}`. */
  readonly unit: string;
  readonly description: string;
  /** A gauge may fall; the value of a counter never does while the agent runs. */
  readonly type: 'counter' | 'gauge' | 'histogram';
  /** Keys of the attributes that tell its series apart. A series need not have all of them. */
  readonly attributes: readonly string[];
}

/** One series as it stands now. */
export interface Point {
  /** By place in the instrument's attributes; '' where there is none. Undefined: everything beyond the limit of series. */
  readonly attributes: readonly string[] | undefined;
  readonly value: number | Histogram;
  /** Unix milliseconds since which it counts; of a gauge undefined. */
  readonly startMs?: number;
}

/** A metric that is read when somebody asks: by a scrape, or by a push. */
export interface Metric {
  readonly instrument: Instrument;
  points(): Iterable<Point>;
}
