import type { Ledger } from '../base/ledger.ts';
import type { Span } from '../link/span.ts';
import type { ExporterQueue } from './queue.ts';
import type { QueueStats } from './queue-stats.ts';
import { estimateSpanBytes } from './span-size.ts';

/**
 * The end of the pipeline: hands every finished trace to the queue of each exporter.
 *
 * A span leaves the ledger's `spans` stage once, however many exporters take it; from then on each exporter's own stage has it.
 */
export class TracesOutput {
  readonly #queues: readonly ExporterQueue[];
  readonly #ledger: Ledger;
  readonly #bytes: number[] = [];

  constructor(ledger: Ledger, queues: readonly ExporterQueue[]) {
    this.#ledger = ledger;
    this.#queues = queues;
  }

  /** Takes over a finished trace, in any order of its spans. Never blocks. */
  push(trace: readonly Span[]): void {
    if (this.#queues.length === 0) {
      this.#ledger.spans.lost.no_exporter += trace.length;
      return;
    }
    this.#ledger.spans.out += trace.length;
    const bytes = this.#bytes;
    for (let i = 0; i < trace.length; i++) bytes[i] = estimateSpanBytes(trace[i]!);
    for (const queue of this.#queues) queue.offer(trace, bytes);
    // One huge trace must not keep its array for ever.
    if (bytes.length > 10_000) bytes.length = 0;
  }

  /**
   * Resolves when every queue holds at most `spans`. A source that can wait, such as a replay, waits for this between its pushes and then loses
   * nothing; a live source does not wait.
   */
  async whenBelow(spans: number): Promise<void> {
    await Promise.all(this.#queues.map((queue) => queue.whenBelow(spans)));
  }

  /** Sends what waits and resolves when nothing is left; without an end if a destination is away and its retries have none. */
  async flush(): Promise<void> {
    await Promise.all(this.#queues.map((queue) => queue.flush()));
  }

  /** Delivers what can be delivered within `deadlineMs`, counts the rest, closes the exporters. */
  async shutdown(deadlineMs: number): Promise<void> {
    await Promise.all(this.#queues.map((queue) => queue.shutdown(deadlineMs)));
  }

  /** One entry an exporter, for /status and the metrics. */
  stats(): QueueStats[] {
    return this.#queues.map((queue) => queue.stats());
  }
}
