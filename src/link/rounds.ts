import { Fifo } from '../base/fifo.ts';

/** Things to come back to after a while, and again, later each time. A queue a delay, so that each is in order. */
export class Rounds<T> {
  readonly #delaysNs: readonly number[];
  readonly #queues: ReadonlyArray<Fifo<{ item: T; dueNs: number }>>;

  /** Delays in nanoseconds; the last one is repeated. */
  constructor(delaysNs: readonly number[]) {
    this.#delaysNs = delaysNs;
    this.#queues = delaysNs.map(() => new Fifo());
  }

  add(item: T, round: number, nowNs: number): void {
    const queue = Math.min(round, this.#queues.length - 1);
    this.#queues[queue]!.push({ item, dueNs: nowNs + this.#delaysNs[queue]! });
  }

  /** Takes out what is due. `visit` may add it again, for a round whose delay is not 0. */
  due(nowNs: number, visit: (item: T, round: number) => void): void {
    for (const [round, queue] of this.#queues.entries()) {
      for (let first = queue.first; first !== undefined && first.dueNs <= nowNs; first = queue.first) {
        queue.shift();
        visit(first.item, round);
      }
    }
  }
}
