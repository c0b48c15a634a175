import { u32 } from './map-values.ts';
import type { Tracer } from './native.ts';
import { writeRecord } from './record-writer.ts';

/** As the kernel's map has room for. */
const MAX_POOLS = 256;

/** Processes of which the kernel side tells whom their threads wake. Without any it does not look at futex(2) at all. */
export class Pools {
  readonly #tracer: Tracer;
  readonly #watched = new Set<number>();
  #round = 0;

  constructor(tracer: Tracer) {
    this.#tracer = tracer;
  }

  /** Gives the record that tells of the change, undefined where there is none. */
  set(tgid: number, isPool: boolean, nowNs: () => number): Uint8Array | undefined {
    if (isPool === this.#watched.has(tgid) || (isPool && this.#watched.size >= MAX_POOLS)) return undefined;
    if (isPool) {
      // What was noted at another time, which may have ended in the middle of a wait, has another number.
      this.#round = (this.#round + 1) >>> 0;
      this.#tracer.update('pools', u32(tgid), u32(this.#round));
      this.#watched.add(tgid);
    } else {
      this.#tracer.delete('pools', u32(tgid));
      this.#watched.delete(tgid);
    }
    this.#tracer.setGlobal('pool_count', this.#watched.size);
    return writeRecord('pool', { time_ns: nowNs(), tgid, tid: tgid, watched: isPool ? 1 : 0 });
  }
}
