import { Histogram } from '../base/histogram.ts';

/** A request that is one of those that a bucket counts. */
export interface Exemplar {
  readonly traceId: string;
  readonly spanId: string;
  readonly value: number;
  readonly unixMs: number;
}

/** A histogram that remembers the latest request of each bucket whose span is exported. */
export class ExemplarHistogram extends Histogram {
  /** By bucket; as long as the last bucket that has one. */
  readonly exemplars: Array<Exemplar | undefined> = [];

  observeWith(value: number, exemplar: Exemplar | undefined): void {
    const bucket = this.observe(value);
    if (exemplar !== undefined) this.exemplars[bucket] = exemplar;
  }
}
