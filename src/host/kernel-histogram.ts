import { Histogram } from '../base/histogram.ts';

/** Seconds: 2^10 to 2^34 ns (bucket_of in bpf/host.bpf.h). */
const BOUNDS: readonly number[] = Array.from({ length: 25 }, (_, place) => 2 ** (10 + place) / 1e9);

/** 64-bit words of a `struct histogram`: its buckets, then the sum in nanoseconds. */
export const HISTOGRAM_WORDS = BOUNDS.length + 2;

/** The `struct histogram` at `at` of a value's words, in seconds. */
export function readHistogram(words: BigUint64Array, at: number): Histogram {
  const histogram = new Histogram(BOUNDS);
  for (let bucket = 0; bucket <= BOUNDS.length; bucket++) {
    const count = Number(words[at + bucket]);
    histogram.counts[bucket] = count;
    histogram.count += count;
  }
  histogram.sum = Number(words[at + BOUNDS.length + 1]) / 1e9;
  return histogram;
}
