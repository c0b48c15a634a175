import type { Pending } from './pending.ts';
import { Need } from './residual/need.ts';
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
  /** What is left to the residual matcher. */
  readonly need = new Need();
  /** The one open request of a thread as it is, several as a set: most threads have one, and a set costs more than the rest of the rule. */
  readonly #byThread = new Map<number, Pending | Set<Pending>>();

  constructor(startNs: number) {
    this.startNs = startNs;
  }

  add(pending: Pending): void {
    const { tid } = pending.exchange;
    const known = this.#byThread.get(tid);
    if (known === undefined) this.#byThread.set(tid, pending);
    else if (known instanceof Set) known.add(pending);
    else this.#byThread.set(tid, new Set([known, pending]));
    this.open++;
    this.serial++;
  }

  remove(pending: Pending): void {
    const { tid } = pending.exchange;
    const known = this.#byThread.get(tid);
    if (known === pending) {
      this.#byThread.delete(tid);
    } else {
      if (!(known instanceof Set) || !known.delete(pending)) return;
      if (known.size === 1) for (const last of known) this.#byThread.set(tid, last);
    }
    this.open--;
  }

  /** The one open request that a thread has read, if it is one. */
  soleOf(tid: number): Pending | undefined {
    const known = this.#byThread.get(tid);
    return known instanceof Set ? undefined : known;
  }
}
