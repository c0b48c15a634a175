import { setImmediate } from 'node:timers/promises';

/** For so long work that can wait keeps the agent from its other work, ms. */
const SLICE_MS = 2;

/** Takes long work apart: `if (slices.isOver()) await slices.rest();` at places where it may be left alone for a while. */
export class Slices {
  #since = performance.now();

  isOver(): boolean {
    return performance.now() - this.#since >= SLICE_MS;
  }

  /** Resolves when what waits has had its turn. */
  async rest(): Promise<void> {
    await setImmediate();
    this.#since = performance.now();
  }
}
