/**
 * What stands between finished spans and one exporter: a bounded queue, batches, several requests in flight, retry, time-outs, shutdown.
 *
 *   offer → ring → batch → in flight → accepted | rejected
 *                    │       ↑    │ may pass
 *                    └→ waiting ──┘→ retries_exhausted
 *
 * The bound covers all places, so memory has an end whatever the destination does. When it is reached the oldest spans make room: first
 * waiting batches, then the ring's head; what is in flight cannot be called back. Every span is, at every moment, in exactly one of the places
 * or in exactly one counter of the ledger's stage.
 *
 * Where the exporter sends bytes, a batch becomes a request as soon as it is cut, and is compressed if it has to wait. Spans as objects take five,
 * and twenty, times the memory; those that outlive a few drains keep the garbage collector, and RSS, on the move.
 */
import type { Ledger, Stage } from '../base/ledger.ts';
import { messageOf } from '../base/errors.ts';
import type { LossReason } from '../base/losses.ts';
import type { Span } from '../link/span.ts';
import { BLOCK_BYTES } from './block-store.ts';
import { type Batch, createBatch, type EncodedRequest, WaitingBatches } from './batch.ts';
import { Circuit } from './circuit.ts';
import { type Exporter, type Outcome, REAL_TIMERS, type Requests, type Timers } from './exporter.ts';
import type { QueueSettings } from './queue-options.ts';
import type { QueueLog, QueueStats } from './queue-stats.ts';
import { RepeatLog } from './repeat-log.ts';
import { SpanRing } from './span-ring.ts';
import { estimateSpanBytes } from './span-size.ts';

/** A request stays below this estimate: the Collector's gRPC receiver refuses messages of 4 MiB. Wire bytes are about half of the estimate. */
const MAX_BATCH_BYTES = 3 * 1024 * 1024;
/** How long an exporter may take to give up a request that was aborted at shutdown. */
const ABORT_GRACE_MS = 250;
/**
 * Requests being compressed at once. Compression has threads of its own, which a busy machine may leave without time: what is under way there is
 * held even if the queue has dropped it meanwhile.
 */
const MAX_COMPRESSING = 4;
/** What a request takes beside its bytes: the batch, and what is left of its last block. */
const REQUEST_OVERHEAD = 512 + BLOCK_BYTES / 2;
type Compress = NonNullable<Requests['compress']>;

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
  readonly #log: RepeatLog;
  readonly #stage: Stage<LossReason<'exporters'>>;
  readonly #circuit: Circuit;
  readonly #ring = new SpanRing();
  readonly #together: boolean;
  readonly #maxInFlight: number;
  readonly #costIs: 'bytes' | 'spans' | 'groups';
  readonly #waiting = new WaitingBatches();
  /** An array: what was in a Set that is always written to lives for long (base/slot-map.ts), and a flight has its request. */
  readonly #flights: Flight[] = [];
  /** Cost and spans of batches, waiting and in flight. */
  #batchCost = 0;
  #compressing = 0;
  #batchSpans = 0;
  /** Spans at the ring's head that have waited long enough. */
  #due = 0;
  #timer: unknown;
  #timerAt = Infinity;
  #flushAt = Infinity;
  #closing = false;
  #attempts = 0;
  #bytes = 0;
  #lastError: QueueStats['lastError'];
  /** The log says that the destination is away: it is told of the return too. */
  #saidAway = false;
  #waiters: Array<{ below: number; resolve: () => void }> = [];

  constructor(options: QueueOptions) {
    this.exporter = options.exporter;
    this.#settings = options.settings;
    this.#timers = options.timers ?? REAL_TIMERS;
    const { id, destination } = options.exporter;
    this.#log = new RepeatLog(this.#timers, options.log, { exporter: id, destination });
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
    if (this.#ring.spans >= batch.min_size) this.#pump();
    else if (this.#ring.spans > 0 && this.#flushAt === Infinity) {
      this.#flushAt = this.#timers.now() + batch.flush_timeout;
      this.#schedule();
    }
    while (this.#cost() > queue_size && this.#dropOldest() > 0);
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
    this.#waiting.hurry();
    const deadline = this.#sleep(deadlineMs);
    await Promise.race([this.flush(), deadline.promise]);
    deadline.cancel();
    const lostInQueue = this.#abandonWaiting();
    for (const flight of [...this.#flights]) flight.abort.abort();
    if (this.#flights.length > 0) {
      const grace = this.#sleep(ABORT_GRACE_MS);
      await Promise.race([this.whenBelow(0), grace.promise]);
      grace.cancel();
    }
    // An exporter that does not let go of a request: its answer is not waited for and no longer counted.
    for (const flight of [...this.#flights]) this.#land(flight, 'shutdown');
    this.#timers.clear(this.#timer);
    this.#tellWaiters();
    if (lostInQueue > 0) {
      this.#log.warn({ spans: lostInQueue }, 'stopped before all spans were delivered');
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
      requestsInFlight: this.#flights.length,
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
    const dropped = this.#discardWaiting() || this.#ring.drop();
    this.#due = Math.min(this.#due, this.#ring.spans);
    this.#stage.lost.queue_full += dropped;
    return dropped;
  }

  /** Takes the oldest waiting batch off the books of what is held; gives back its spans for a counter. */
  #discardWaiting(): number {
    const batch = this.#waiting.drop();
    if (!batch) return 0;
    this.#batchSpans -= batch.count;
    this.#batchCost -= batch.cost;
    return batch.count;
  }

  /** Starts every request that may start now, makes requests of what may not, and sets the timer for the next that may start later. */
  #pump(): void {
    for (;;) {
      if (this.#flights.length >= this.#maxInFlight) break;
      if (this.#circuit.waitMs() > 0) break;
      const batch = this.#nextBatch();
      if (!batch) break;
      void this.#fly(batch);
    }
    const { enabled, batch } = this.#settings.sending_queue;
    const { requests } = this.exporter;
    if (enabled && requests) {
      while (this.#ring.spans >= batch.max_size) this.#waiting.append(this.#batchFromRing());
      this.#compressWaiting(requests);
    }
    if (this.#ring.spans === 0) this.#flushAt = Infinity;
    else if (this.#due === 0 && this.#flushAt === Infinity) {
      this.#flushAt = this.#timers.now() + batch.flush_timeout;
    }
    this.#schedule();
  }

  #nextBatch(): Batch | undefined {
    const now = this.#timers.now();
    const failing = this.#circuit.open;
    const batch = this.#waiting.take(now, failing, this.#maxInFlight, false);
    if (batch !== 'other' && batch !== undefined) return batch;
    if (this.#ringIsReady()) return this.#batchFromRing();
    const last = this.#waiting.take(now, failing, this.#maxInFlight, true);
    return last === 'other' ? undefined : last;
  }

  #ringIsReady(): boolean {
    return this.#due > 0 || this.#ring.spans >= this.#settings.sending_queue.batch.min_size;
  }

  /** The ring is not empty. */
  #batchFromRing(): Batch {
    const taken = this.#ring.take(this.#settings.sending_queue.batch.max_size, MAX_BATCH_BYTES);
    this.#due = Math.max(0, this.#due - taken.spans.length);
    const count = taken.spans.length;
    const content = this.#encode(taken.spans);
    let cost = this.#costIs === 'spans' ? count : taken[this.#costIs];
    if (this.#costIs === 'bytes' && 'bytes' in content) cost = content.bytes.length + REQUEST_OVERHEAD;
    this.#batchCost += cost;
    this.#batchSpans += count;
    return createBatch(count, content, cost);
  }

  /** What a batch keeps of its spans: the request, where the exporter makes one. */
  #encode(spans: readonly Span[]): Batch['content'] {
    const { requests } = this.exporter;
    if (!requests) return spans;
    try {
      return { bytes: requests.encode(spans), compression: requests.compress ? 'none' : 'impossible' };
    } catch {
      return spans; // `send` meets the same fault and counts it
    }
  }

  #compressWaiting({ compress }: Requests): void {
    while (compress && this.#compressing < MAX_COMPRESSING) {
      const batch = this.#waiting.uncompressed();
      if (!batch) return;
      this.#compressing++;
      void this.#compressBatch(batch, batch.content as EncodedRequest, compress).then(() => {
        this.#compressing--;
        this.#pump();
      });
    }
  }

  async #compressBatch(batch: Batch, request: EncodedRequest, compress: Compress): Promise<void> {
    request.compression = 'underWay';
    const bytes = await this.#compress(request.bytes as Buffer, compress);
    request.compression = bytes ? 'done' : 'impossible';
    if (!bytes || batch.gone) return;
    this.#waiting.compressed(request, bytes);
    this.#hasSize(batch, bytes);
  }

  /** Undefined, with a note, where it cannot be made smaller. */
  async #compress(bytes: Buffer, compress: Compress): Promise<Buffer | undefined> {
    try {
      return await compress(bytes);
    } catch (error) {
      this.#note(messageOf(error));
      return undefined;
    }
  }

  #hasSize(batch: Batch, bytes: Buffer): void {
    if (this.#costIs !== 'bytes') return;
    const cost = bytes.length + REQUEST_OVERHEAD;
    this.#batchCost += cost - batch.cost;
    batch.cost = cost;
  }

  async #fly(batch: Batch): Promise<void> {
    const flight: Flight = { batch, abort: new AbortController(), timedOut: false };
    this.#flights.push(flight);
    if (batch.attempts++ === 0) batch.firstTriedAt = this.#timers.now();
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
      outcome = await this.#send(batch, flight.abort.signal);
    } catch (error) {
      // A fault of ours; trying the same spans again would only repeat it.
      outcome = {
        result: 'done',
        accepted: 0,
        rejected: batch.count,
        bytes: 0,
        error: messageOf(error),
      };
    }
    if (timer !== undefined) this.#timers.clear(timer);
    if (!this.#flights.includes(flight)) return; // given up at shutdown and counted there
    if (outcome.result === 'done') this.#answered(flight, outcome, generation);
    else this.#failed(flight, outcome, generation);
    this.#pump();
    this.#tellWaiters();
  }

  async #send(batch: Batch, signal: AbortSignal): Promise<Outcome> {
    const { content, count } = batch;
    if (!('bytes' in content)) return this.exporter.send(content, signal);
    const requests = this.exporter.requests!;
    const { sentCompressed, compress } = requests;
    let bytes = content.bytes as Buffer;
    if (sentCompressed && compress && content.compression === 'none') {
      const smaller = await this.#compress(bytes, compress);
      content.compression = smaller ? 'done' : 'impossible';
      content.bytes = bytes = smaller ?? bytes;
      this.#hasSize(batch, bytes);
    }
    return requests.send(bytes, content.compression === 'done', count, signal);
  }

  #answered(flight: Flight, outcome: Outcome & { result: 'done' }, generation: number): void {
    const size = flight.batch.count;
    // Whatever a destination claims, no more is lost than was sent.
    const rejected = Math.min(Math.max(0, outcome.rejected), size);
    this.#release(flight);
    this.#stage.out += size - rejected;
    this.#stage.lost.rejected += rejected;
    this.#bytes += outcome.bytes;
    if (outcome.error !== undefined) this.#note(outcome.error);
    if (rejected > 0) this.#log.warn({ spans: rejected }, 'the destination rejects spans for good');
    const openMs = this.#circuit.openMs;
    if (!this.#circuit.answered(generation)) return;
    if (this.#saidAway) {
      this.#log.info({ awayMs: Math.round(openMs) }, 'the destination answers again');
      this.#saidAway = false;
    }
    this.#waiting.release();
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
      this.#saidAway = this.#log.warn(
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
    this.#ended(flight);
    this.#waiting.putBack(batch);
    while (this.#cost() > this.#settings.sending_queue.queue_size && this.#dropOldest() > 0);
  }

  #ended(flight: Flight): void {
    const place = this.#flights.indexOf(flight);
    if (place >= 0) this.#flights.splice(place, 1);
  }

  /** Takes a flight and its spans off the books of what is held. */
  #release(flight: Flight): void {
    this.#ended(flight);
    this.#batchCost -= flight.batch.cost;
    this.#batchSpans -= flight.batch.count;
  }

  #land(flight: Flight, reason: 'shutdown' | 'retries_exhausted'): void {
    this.#release(flight);
    this.#stage.lost[reason] += flight.batch.count;
  }

  /** Counts what still waits as lost at shutdown; gives back how many spans. */
  #abandonWaiting(): number {
    let lost = 0;
    for (let n = this.#discardWaiting(); n > 0; n = this.#discardWaiting()) lost += n;
    while (this.#ring.spans > 0) lost += this.#ring.drop();
    this.#due = 0;
    this.#stage.lost.shutdown += lost;
    return lost;
  }

  /** One timer for the next thing that time brings: a batch that is old enough, the circuit's next probe, a returned batch's turn. */
  #schedule(): void {
    const now = this.#timers.now();
    let at = this.#due > 0 ? Infinity : this.#flushAt;
    if (this.#flights.length < this.#maxInFlight) {
      const from = now + this.#circuit.waitMs();
      if (this.#ringIsReady()) at = Math.min(at, from);
      at = Math.min(at, this.#waiting.readyAt(from));
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
}
