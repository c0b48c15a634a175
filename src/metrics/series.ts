import type { Histogram } from '../base/histogram.ts';
import type { Instrument, Metric } from '../base/metric.ts';

/** What is added where there is no room for another series, by OpenTelemetry's name. */
export const OVERFLOW = 'otel.metric.overflow';

/** One combination of attribute values. */
export interface Series<V> {
  /** As in Point. */
  readonly attributes: readonly string[] | undefined;
  readonly value: V;
  /** Unix milliseconds of the first and of the last measurement. */
  readonly startMs: number;
  usedMs: number;
}

/** The series of one instrument. They are bounded: what is beyond becomes one series, and is counted. Idle ones are forgotten. */
export class SeriesTable<V> {
  readonly instrument: Instrument;
  /** Measurements that went into the series for what is beyond the limit. */
  overflowed = 0;
  /** Series that were forgotten because nothing happened to them. */
  expired = 0;
  limit: number;
  readonly #create: () => V;
  readonly #series = new Map<string, Series<V>>();
  #overflow: Series<V> | undefined;

  constructor(instrument: Instrument, limit: number, create: () => V) {
    this.instrument = instrument;
    this.limit = limit;
    this.#create = create;
  }

  get size(): number {
    return this.#series.size + (this.#overflow === undefined ? 0 : 1);
  }

  /** The series with these values, one for each of the instrument's attributes, or the one for what is beyond the limit. */
  of(attributes: readonly string[], nowMs: number): Series<V> {
    const key = attributes.join('\0');
    let series = this.#series.get(key);
    if (series === undefined) {
      if (this.#series.size < this.limit) {
        series = { attributes, value: this.#create(), startMs: nowMs, usedMs: nowMs };
        this.#series.set(key, series);
        return series;
      }
      this.overflowed++;
      series = this.#overflow ??= {
        attributes: undefined,
        value: this.#create(),
        startMs: nowMs,
        usedMs: nowMs,
      };
    }
    series.usedMs = nowMs;
    return series;
  }

  /** Forgets series that were last used before then. Returns whether there were any. */
  expire(beforeMs: number): boolean {
    const before = this.size;
    for (const [key, { usedMs }] of this.#series) if (usedMs < beforeMs) this.#series.delete(key);
    if (this.#overflow !== undefined && this.#overflow.usedMs < beforeMs) this.#overflow = undefined;
    this.expired += before - this.size;
    return this.size < before;
  }

  *[Symbol.iterator](): IterableIterator<Series<V>> {
    yield* this.#series.values();
    if (this.#overflow !== undefined) yield this.#overflow;
  }
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
      for (const { attributes, value, startMs } of table) {
        const found = read(value);
        if (found !== undefined) yield { attributes, value: found, startMs };
      }
    },
  };
}
