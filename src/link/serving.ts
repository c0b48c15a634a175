import type { Pending } from './pending.ts';
import { rules } from './rule/index.ts';
import { Trust } from './trust.ts';

/** The requests that one process serves, by the thread that read them, and what the rules are worth there. */
export class Serving {
  readonly startNs: number;
  /** In the order of `rules`. */
  readonly trust: readonly Trust[] = rules.map(() => new Trust());
  /** Requests that are open. */
  open = 0;
  /** Requests so far. */
  serial = 0;
  /** Responses to requests with calls of which no rule could say whose they are. */
  silent = 0;
  readonly #byThread = new Map<number, Set<Pending>>();

  constructor(startNs: number) {
    this.startNs = startNs;
  }

  add(pending: Pending): void {
    const { tid } = pending.exchange;
    const known = this.#byThread.get(tid);
    if (known === undefined) this.#byThread.set(tid, new Set([pending]));
    else known.add(pending);
    this.open++;
    this.serial++;
  }

  remove(pending: Pending): void {
    const { tid } = pending.exchange;
    const known = this.#byThread.get(tid);
    if (!known?.delete(pending)) return;
    if (known.size === 0) this.#byThread.delete(tid);
    this.open--;
  }

  /** The one open request that a thread has read, if it is one. */
  soleOf(tid: number): Pending | undefined {
    const known = this.#byThread.get(tid);
    if (known?.size !== 1) return undefined;
    const [sole] = known;
    return sole;
  }
}
