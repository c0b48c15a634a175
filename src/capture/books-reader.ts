import { sumOverCpus, u32 } from './map-values.ts';
import type { Tracer } from './native.ts';
import { Counter, InRing } from './records.gen.ts';

const COUNTERS = 'counters';
const COUNTER_BYTES = 8;
/** Some microseconds each. */
const ATTEMPTS = 100;

/** The kernel's cumulative counters by enum counter, and the records that wait. */
export interface KernelCounts {
  counters: BigUint64Array;
  /** InRing.unknown where that could not be told. */
  inRing: number;
}

/**
 * Reads what the books of the kernel side are made of. What was produced, what of it was lost and where the ring ends have to be of one instant: they
 * are read anew until the kernel did nothing meanwhile. What is in the ring is counted after that, since counting takes long.
 */
export class BooksReader {
  readonly #tracer: Tracer;

  constructor(tracer: Tracer) {
    this.#tracer = tracer;
  }

  /** `taken`: records that left the ring and have not been delivered yet. */
  read(taken: number): KernelCounts {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const produced = this.#count(Counter.produced);
      const lost = this.#count(Counter.lost_ring_full);
      const { used } = this.#tracer.ring();
      if (this.#count(Counter.produced) !== produced || this.#tracer.ring().used !== used) continue;
      const counters = this.#tracer.sumPerCpuArray(COUNTERS);
      counters[Counter.produced] = produced;
      counters[Counter.lost_ring_full] = lost;
      return { counters, inRing: this.#tracer.pending(used).records + taken };
    }
    return { counters: this.#tracer.sumPerCpuArray(COUNTERS), inRing: InRing.unknown };
  }

  #count(counter: number): bigint {
    return sumOverCpus(this.#tracer.lookup(COUNTERS, u32(counter))!, COUNTER_BYTES, 0);
  }
}
