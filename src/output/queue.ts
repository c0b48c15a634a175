/**
 * What stands between finished spans and one exporter: a bounded queue, batches, several requests in flight, retry, time-outs, shutdown.
 *
 *   offer → ring (waiting) → batch → in flight → accepted | rejected
 *                              ↑         │ may pass
 *                              └ returned┘→ retries_exhausted
 *
 * The bound covers all three places, so memory has an end whatever the destination does. When it is reached the oldest spans make room:
 * first returned batches, then the ring's head; what is in flight cannot be called back. Every span is, at every moment, in exactly one of the
 * places or in exactly one counter of the ledger's stage.
 */
import type { Ledger, Stage } from '../base/ledger.ts';
import { messageOf } from '../base/errors.ts';
import type { LossReason } from '../base/losses.ts';
import type { Span } from '../link/span.ts';
import { Circuit } from './circuit.ts';
import { type Exporter, type Outcome, REAL_TIMERS, type Timers } from './exporter.ts';
import type { QueueSettings } from './queue-options.ts';
import type { QueueLog, QueueStats } from './queue-stats.ts';
import { SpanRing } from './span-ring.ts';
import { estimateSpanBytes } from './span-size.ts';

/** A request stays below this estimate: the Collector's gRPC receiver refuses messages of 4 MiB. Wire bytes are about half of the estimate. */
const MAX_BATCH_BYTES = 3 * 1024 * 1024;
/** After this many attempts a batch is suspected to be itself the reason, and others are tried in between. */
const SUSPECT_ATTEMPTS = 3;
/** How long an exporter may take to give up a request that was aborted at shutdown. */
const ABORT_GRACE_MS = 250;
const LOG_EVERY_MS = 60_000;

interface Batch {
  readonly spans: readonly Span[];
  readonly cost: number;
  readonly firstTriedAt: number;
  attempts: number;
  /** Not tried before this time. */
  notBefore: number;
  /** How often it was let go early because the destination answered something else. */
  released: number;
}

interface Flight {
  readonly batch: Batch;
  readonly abort: AbortController;
  timedOut: boolean;
}

export interface QueueOptions {
  exporter: Exporter;
  ledger: Ledger;
  settings: QueueSettings;
  log?: QueueLog;
  timers?: Timers;
}

export class ExporterQueue {
  readonly exporter: Exporter;
  readonly #settings: QueueSettings;
  readonly #timers: Timers;
  readonly #log: QueueLog | undefined;
  readonly #stage: Stage<LossReason<'exporters'>>;
  readonly #circuit: Circuit;
  readonly #ring = new SpanRing();
  readonly #together: boolean;
  readonly #maxInFlight: number;
  readonly #costIs: 'bytes' | 'spans' | 'groups';
  #returned: Batch[] = [];
  readonly #flights = new Set<Flight>();
  /** Cost of returned batches and of those in flight. */
  #batchCost = 0;
  #batchSpans = 0;
  /** Spans at the ring's head that have waited long enough. */
  #due = 0;
  #timer: unknown;
  #timerAt = Infinity;
  #flushAt = Infinity;
  #closing = false;
  #probeRingNext = false;
  #attempts = 0;
  #bytes = 0;
  #lastError: QueueStats['lastError'];
  readonly #said = new Map<string, { at: number; kept: number }>();
  /** The log says that the destination is away: it is told of the return too. */
  #saidAway = false;
  #waiters: Array<{ below: number; resolve: () => void }> = [];

  constructor(options: QueueOptions) {
    this.exporter = options.exporter;
    this.#settings = options.settings;
    this.#timers = options.timers ?? REAL_TIMERS;
    this.#log = options.log;
    this.#stage = options.ledger.exporter(options.exporter.id, () => this.#held());
    this.#circuit = new Circuit(this.#timers, options.settings.retry_on_failure);
    const { sizer, num_consumers } = options.settings.sending_queue;
    this.#maxInFlight = Math.min(num_consumers, options.exporter.maxInFlight ?? Infinity);
    this.#costIs = sizer === 'items' ? 'spans' : sizer === 'requests' ? 'groups' : 'bytes';
    this.#together = options.exporter.wantsTraces === true || sizer === 'requests';
  }

  /** Takes over the spans of one finished trace. `bytes[i]` is the estimate of `trace[i]`, made here if not given. Never blocks, never throws. */
  offer(trace: readonly Span[], bytes: readonly number[] = trace.map(estimateSpanBytes)): void {
    this.#stage.in += trace.length;
    if (this.#closing) {
      this.#stage.lost.shutdown += trace.length;
      return;
    }
    this.#ring.push(trace, bytes, this.#together);
    const { enabled, queue_size, batch } = this.#settings.sending_queue;
    if (!enabled) {
      this.#due = this.#ring.spans;
      this.#pump();
      while (this.#ring.spans > 0) this.#dropOldest();
      return;
    }
    while (this.#cost() > queue_size && this.#dropOldest() > 0);
    if (this.#ring.spans >= batch.min_size) this.#pump();
    else if (this.#ring.spans > 0 && this.#flushAt === Infinity) {
      this.#flushAt = this.#timers.now() + batch.flush_timeout;
      this.#schedule();
    }
  }

  /** Resolves when at most `spans` wait or are in flight. While somebody waits, spans do not wait for others to share their request. */
  whenBelow(spans: number): Promise<void> {
    if (this.#held() <= spans) return Promise.resolve();
    this.#due = this.#ring.spans;
    this.#pump();
    return new Promise((resolve) => this.#waiters.push({ below: spans, resolve }));
  }

  /** Sends what waits without waiting for more; resolves when nothing is left, which takes as long as the destination does. */
  flush(): Promise<void> {
    return this.whenBelow(0);
  }

  /** Delivers what it can until `deadlineMs` from now, counts the rest as lost by `shutdown`, closes the exporter. */
  async shutdown(deadlineMs: number): Promise<void> {
    this.#closing = true;
    this.#circuit.hurry();
    for (const batch of this.#returned) batch.notBefore = 0;
    const deadline = this.#sleep(deadlineMs);
    await Promise.race([this.flush(), deadline.promise]);
    deadline.cancel();
    const lostInQueue = this.#abandonWaiting();
    for (const flight of this.#flights) flight.abort.abort();
    if (this.#flights.size > 0) {
      const grace = this.#sleep(ABORT_GRACE_MS);
      await Promise.race([this.whenBelow(0), grace.promise]);
      grace.cancel();
    }
    // An exporter that does not let go of a request: its answer is not waited for and no longer counted.
    for (const flight of this.#flights) this.#land(flight, 'shutdown');
    this.#timers.clear(this.#timer);
    this.#tellWaiters();
    if (lostInQueue > 0) {
      this.#log?.warn(
        { exporter: this.exporter.id, spans: lostInQueue },
        'stopped before all spans were delivered',
      );
    }
    await this.exporter.close();
  }

  stats(): QueueStats {
    const { lost } = this.#stage;
    return {
      id: this.exporter.id,
      destination: this.exporter.destination,
      sent: this.#stage.out,
      bytes: this.#bytes,
      sendFailed: lost.rejected + lost.retries_exhausted,
      enqueueFailed: lost.queue_full + lost.shutdown,
      queueSize: this.#cost(),
      queueCapacity: this.#settings.sending_queue.queue_size,
      sizer: this.#settings.sending_queue.sizer,
      spansHeld: this.#held(),
      requestsInFlight: this.#flights.size,
      attempts: this.#attempts,
      unreachable: this.#circuit.open,
      lastError: this.#lastError,
    };
  }

  #held(): number {
    return this.#ring.spans + this.#batchSpans;
  }

  #cost(): number {
    return this.#ring[this.#costIs] + this.#batchCost;
  }

  /** Makes room; gives back how many spans that cost, 0 if only requests in flight are left. */
  #dropOldest(): number {
    const batch = this.#returned.shift();
    let dropped: number;
    if (batch) {
      dropped = batch.spans.length;
      this.#batchSpans -= dropped;
      this.#batchCost -= batch.cost;
    } else {
      dropped = this.#ring.drop();
      this.#due = Math.max(0, this.#due - dropped);
    }
    this.#stage.lost.queue_full += dropped;
    return dropped;
  }

  /** Starts every request that may start now and sets the timer for the next that may start later. */
  #pump(): void {
    for (;;) {
      if (this.#flights.size >= this.#maxInFlight) break;
      if (this.#circuit.waitMs() > 0) break;
      const batch = this.#nextBatch();
      if (!batch) break;
      void this.#fly(batch);
    }
    if (this.#ring.spans === 0) this.#flushAt = Infinity;
    else if (this.#due === 0 && this.#flushAt === Infinity) {
      this.#flushAt = this.#timers.now() + this.#settings.sending_queue.batch.flush_timeout;
    }
    this.#schedule();
  }

  #nextBatch(): Batch | undefined {
    const now = this.#timers.now();
    const ready = this.#returned.findIndex((batch) => batch.notBefore <= now);
    const suspect = ready >= 0 && this.#returned[ready]!.attempts >= SUSPECT_ATTEMPTS;
    // One batch that the destination cannot digest must not stop all others: probe with a new one every other time.
    const preferRing = suspect && this.#circuit.open && this.#probeRingNext && this.#ringIsReady();
    if (suspect) this.#probeRingNext = !this.#probeRingNext;
    if (ready >= 0 && !preferRing) return this.#returned.splice(ready, 1)[0];
    return this.#ringIsReady() ? this.#batchFromRing(now) : undefined;
  }

  #ringIsReady(): boolean {
    return this.#due > 0 || this.#ring.spans >= this.#settings.sending_queue.batch.min_size;
  }

  #batchFromRing(now: number): Batch | undefined {
    const taken = this.#ring.take(this.#settings.sending_queue.batch.max_size, MAX_BATCH_BYTES);
    const { spans } = taken;
    if (spans.length === 0) return undefined;
    this.#due = Math.max(0, this.#due - spans.length);
    const cost = this.#costIs === 'spans' ? spans.length : taken[this.#costIs];
    this.#batchCost += cost;
    this.#batchSpans += spans.length;
    return { spans, cost, firstTriedAt: now, attempts: 0, notBefore: 0, released: 0 };
  }

  async #fly(batch: Batch): Promise<void> {
    const flight: Flight = { batch, abort: new AbortController(), timedOut: false };
    this.#flights.add(flight);
    batch.attempts++;
    this.#attempts++;
    const generation = this.#circuit.started();
    const { timeout } = this.#settings;
    const timer =
      timeout > 0
        ? this.#timers.set(() => {
            flight.timedOut = true;
            flight.abort.abort();
          }, timeout)
        : undefined;
    let outcome: Outcome;
    try {
      outcome = await this.exporter.send(batch.spans, flight.abort.signal);
    } catch (error) {
      // A fault of ours; trying the same spans again would only repeat it.
      outcome = {
        result: 'done',
        accepted: 0,
        rejected: batch.spans.length,
        bytes: 0,
        error: messageOf(error),
      };
    }
    if (timer !== undefined) this.#timers.clear(timer);
    if (!this.#flights.has(flight)) return; // given up at shutdown and counted there
    if (outcome.result === 'done') this.#answered(flight, outcome, generation);
    else this.#failed(flight, outcome, generation);
    this.#pump();
    this.#tellWaiters();
  }

  #answered(flight: Flight, outcome: Outcome & { result: 'done' }, generation: number): void {
    const size = flight.batch.spans.length;
    // Whatever a destination claims, no more is lost than was sent.
    const rejected = Math.min(Math.max(0, outcome.rejected), size);
    this.#release(flight);
    this.#stage.out += size - rejected;
    this.#stage.lost.rejected += rejected;
    this.#bytes += outcome.bytes;
    if (outcome.error !== undefined) this.#note(outcome.error);
    if (rejected > 0) this.#warn({ spans: rejected }, 'the destination rejects spans for good');
    const openMs = this.#circuit.openMs;
    if (!this.#circuit.answered(generation)) return;
    if (this.#saidAway) {
      const fields = { exporter: this.exporter.id, awayMs: Math.round(openMs) };
      this.#log?.info(fields, 'the destination answers again');
      this.#saidAway = false;
    }
    for (const batch of this.#returned) if (batch.released++ === 0) batch.notBefore = 0;
  }

  #failed(flight: Flight, outcome: Outcome & { result: 'retry' }, generation: number): void {
    const { batch } = flight;
    const retry = this.#settings.retry_on_failure;
    this.#note(flight.timedOut ? `no answer within ${this.#settings.timeout} ms` : outcome.error);
    if (this.#closing && flight.abort.signal.aborted && !flight.timedOut)
      return this.#land(flight, 'shutdown');
    if (!retry.enabled) return this.#land(flight, 'retries_exhausted');
    const retryAfterMs = outcome.retryAfterMs ?? 0;
    if (this.#circuit.failed(generation, retryAfterMs)) {
      this.#saidAway = this.#warn(
        { error: this.#lastError?.text },
        'the destination does not take spans; they wait and are sent again',
      );
    }
    const now = this.#timers.now();
    const waitMs = Math.max(this.#circuit.intervalMs(batch.attempts), this.#circuit.waitMs());
    const elapsed = now + waitMs - batch.firstTriedAt;
    if (retry.max_elapsed_time > 0 && elapsed > retry.max_elapsed_time) {
      return this.#land(flight, 'retries_exhausted');
    }
    batch.notBefore = this.#circuit.open && batch.released === 0 ? 0 : now + waitMs;
    this.#flights.delete(flight);
    this.#returned.push(batch);
    while (this.#cost() > this.#settings.sending_queue.queue_size && this.#dropOldest() > 0);
  }

  /** Takes a flight and its spans off the books of what is held. */
  #release(flight: Flight): void {
    this.#flights.delete(flight);
    this.#batchCost -= flight.batch.cost;
    this.#batchSpans -= flight.batch.spans.length;
  }

  #land(flight: Flight, reason: 'shutdown' | 'retries_exhausted'): void {
    this.#release(flight);
    this.#stage.lost[reason] += flight.batch.spans.length;
  }

  /** Counts what still waits as lost at shutdown; gives back how many spans. */
  #abandonWaiting(): number {
    let lost = 0;
    for (const batch of this.#returned) {
      lost += batch.spans.length;
      this.#batchSpans -= batch.spans.length;
      this.#batchCost -= batch.cost;
    }
    this.#returned = [];
    while (this.#ring.spans > 0) lost += this.#ring.drop();
    this.#due = 0;
    this.#stage.lost.shutdown += lost;
    return lost;
  }

  /** One timer for the next thing that time brings: a batch that is old enough, the circuit's next probe, a returned batch's turn. */
  #schedule(): void {
    const now = this.#timers.now();
    let at = this.#due > 0 ? Infinity : this.#flushAt;
    if (this.#flights.size < this.#maxInFlight) {
      const from = now + this.#circuit.waitMs();
      if (this.#ringIsReady()) at = Math.min(at, from);
      for (const batch of this.#returned) at = Math.min(at, Math.max(from, batch.notBefore));
    }
    if (at === this.#timerAt) return;
    if (this.#timerAt !== Infinity) this.#timers.clear(this.#timer);
    this.#timerAt = at;
    if (at !== Infinity) this.#timer = this.#timers.set(() => this.#tick(), Math.max(0, at - now));
  }

  #tick(): void {
    this.#timerAt = Infinity;
    if (this.#timers.now() >= this.#flushAt) {
      this.#flushAt = Infinity;
      this.#due = this.#ring.spans;
    }
    this.#pump();
  }

  #tellWaiters(): void {
    if (this.#waiters.length === 0) return;
    const held = this.#held();
    const reached = this.#waiters.filter((waiter) => held <= waiter.below);
    this.#waiters = this.#waiters.filter((waiter) => held > waiter.below);
    for (const waiter of reached) waiter.resolve();
  }

  #sleep(ms: number): { promise: Promise<void>; cancel: () => void } {
    let timer: unknown;
    const promise = new Promise<void>((resolve) => (timer = this.#timers.set(resolve, ms)));
    return { promise, cancel: () => this.#timers.clear(timer) };
  }

  #note(text: string): void {
    this.#lastError = { text, atMs: this.#timers.wallMs() };
  }

  /** At most once a minute a message, with how often it was kept back since. True if it was written. */
  #warn(fields: object, message: string): boolean {
    const now = this.#timers.now();
    const said = this.#said.get(message);
    if (said && now - said.at < LOG_EVERY_MS) {
      said.kept++;
      return false;
    }
    this.#said.set(message, { at: now, kept: 0 });
    const { id: exporter, destination } = this.exporter;
    this.#log?.warn({ exporter, destination, ...fields, ...(said ? { repeated: said.kept } : {}) }, message);
    return true;
  }
}
