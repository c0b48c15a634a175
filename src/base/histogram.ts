/** A cumulative histogram with fixed bounds, cheap enough for every drain. A scrape reads it; nothing is reset. */
export class Histogram {
  /** Inclusive upper bounds, ascending; what is larger counts in `count` alone. */
  readonly bounds: readonly number[];
  /** Observations by bucket, not cumulative; one more than bounds. */
  readonly counts: number[];
  count = 0;
  sum = 0;

  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.counts = new Array<number>(bounds.length + 1).fill(0);
  }

  /** Returns the bucket. */
  observe(value: number): number {
    let bucket = 0;
    while (bucket < this.bounds.length && value > this.bounds[bucket]!) bucket++;
    this.counts[bucket]!++;
    this.count++;
    this.sum += value;
    return bucket;
  }
}
