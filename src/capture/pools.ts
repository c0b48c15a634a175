import { u32 } from './map-values.ts';
import type { Tracer } from './native.ts';

/** As the kernel's map has room for. */
const MAX_POOLS = 256;

/** Processes of which the kernel's side tells whom their threads wake. Without any it does not look at futex(2) at all. */
export class Pools {
  readonly #tracer: Tracer;
  readonly #tgids = new Set<number>();
  #round = 0;

  constructor(tracer: Tracer) {
    this.#tracer = tracer;
  }

  set(tgid: number, isPool: boolean): void {
    if (isPool === this.#tgids.has(tgid) || (isPool && this.#tgids.size >= MAX_POOLS)) return;
    if (isPool) {
      // What was noted of an earlier time, which may have ended in the middle of a wait, is told by its number.
      this.#round = (this.#round + 1) >>> 0;
      this.#tracer.update('pools', u32(tgid), u32(this.#round));
      this.#tgids.add(tgid);
    } else {
      this.#tracer.delete('pools', u32(tgid));
      this.#tgids.delete(tgid);
    }
    this.#tracer.setGlobal('pool_count', this.#tgids.size);
  }
}
