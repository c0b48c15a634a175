import type { Tracer } from './native.ts';
import { Counter, InRing } from './records.gen.ts';

const COUNTERS = 'counters';
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
      const counters = this.#counters();
      const { used } = this.#tracer.ring();
      if (this.#counters()[Counter.produced] !== counters[Counter.produced]) continue;
      if (this.#tracer.ring().used !== used) continue;
      return { counters, inRing: this.#tracer.pending(used).records + taken };
    }
    return { counters: this.#counters(), inRing: InRing.unknown };
  }

  #counters(): BigUint64Array {
    return this.#tracer.sumPerCpuArray(COUNTERS);
  }
}
