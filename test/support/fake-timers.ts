import type { Timers } from '../../src/output/exporter.ts';

interface Pending {
  at: number;
  order: number;
  callback: () => void;
}

/** Time that moves only when told. After every timer the microtasks run dry, so that promises it settled have had their say. */
export class FakeTimers implements Timers {
  /** What `random()` gives: 0.5 is no jitter. */
  jitter = 0.5;
  #now = 1_000;
  #order = 0;
  #pending = new Set<Pending>();

  now(): number {
    return this.#now;
  }

  wallMs(): number {
    return 1_795_250_000_000 + this.#now;
  }

  random(): number {
    return this.jitter;
  }

  set(callback: () => void, afterMs: number): unknown {
    const pending = { at: this.#now + afterMs, order: this.#order++, callback };
    this.#pending.add(pending);
    return pending;
  }

  clear(timer: unknown): void {
    this.#pending.delete(timer as Pending);
  }

  get pending(): number {
    return this.#pending.size;
  }

  /** Runs every timer due within the next `ms`, in order. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    await settle();
    for (;;) {
      const next = [...this.#pending]
        .filter((pending) => pending.at <= end)
        .sort((a, b) => a.at - b.at || a.order - b.order)[0];
      if (!next) break;
      this.#pending.delete(next);
      this.#now = Math.max(this.#now, next.at);
      next.callback();
      await settle();
    }
    this.#now = end;
  }
}

/** Lets every promise that can go on go on. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
