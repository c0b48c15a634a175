import type { Histogram } from '../base/histogram.ts';
import type { Instrument } from './instrument.ts';
import type { Series, SeriesTable } from './series.ts';

/** One series as it stands now. */
export interface Point {
  /** As in Series. */
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

/** What a table of series says of one instrument; `read`: undefined where a series has nothing to say of it. */
export function metricOf<V>(
  instrument: Instrument,
  table: SeriesTable<V>,
  read: (value: V) => number | Histogram | undefined,
): Metric {
  return {
    instrument,
    *points() {
      for (const { attributes, value, startMs } of table as Iterable<Series<V>>) {
        const found = read(value);
        if (found !== undefined) yield { attributes, value: found, startMs };
      }
    },
  };
}
