import assert from 'node:assert/strict';
import { Ledger } from '../../src/base/ledger.ts';
import type { Span } from '../../src/link/span.ts';
import type { Exporter, Outcome, Requests } from '../../src/output/exporter.ts';
import { completeQueueSettings, type PartialQueueSettings } from '../../src/output/queue-options.ts';
import { ExporterQueue } from '../../src/output/queue.ts';
import { estimateSpanBytes } from '../../src/output/span-size.ts';
import { FakeTimers, settle } from '../support/fake-timers.ts';
import { makeSpan, makeSpans } from '../support/make-spans.ts';

interface Call {
  batch: readonly Span[];
  signal: AbortSignal;
  at: number;
  answer: (outcome: Outcome) => void;
}

/** An exporter whose answers the test gives: at once by `answers`, or later through `calls`. */
class ToldExporter implements Exporter {
  readonly id = 'told';
  readonly destination = 'nowhere';
  readonly wantsTraces: boolean;
  requests: Requests | undefined;
  readonly calls: Call[] = [];
  answers: ((call: Omit<Call, 'answer'>) => Outcome | undefined) | undefined;
  closed = false;
  readonly #timers: FakeTimers;

  constructor(timers: FakeTimers, wantsTraces = false) {
    this.#timers = timers;
    this.wantsTraces = wantsTraces;
  }

  get sentSizes(): number[] {
    return this.calls.map((call) => call.batch.length);
  }

  send(batch: readonly Span[], signal: AbortSignal): Promise<Outcome> {
    return new Promise((resolve) => {
      const call = { batch, signal, at: this.#timers.now() };
      this.calls.push({ ...call, answer: resolve });
      const outcome = this.answers?.(call);
      if (outcome) resolve(outcome);
      signal.addEventListener('abort', () => resolve({ result: 'retry', error: 'aborted' }));
    });
  }

  close(): Promise<void> {
    this.closed = true;
    return Promise.resolve();
  }
}

const accept = ({ batch }: { batch: readonly Span[] }): Outcome => ({
  result: 'done',
  accepted: batch.length,
  rejected: 0,
  bytes: batch.length * 100,
});
const fail = (): Outcome => ({ result: 'retry', error: 'ECONNREFUSED' });

function setUp(settings: PartialQueueSettings = {}, wantsTraces = false) {
  const timers = new FakeTimers();
  const exporter = new ToldExporter(timers, wantsTraces);
  const ledger = new Ledger();
  const lines: string[] = [];
  const write = (level: string) => (fields: object, message: string) => {
    const { error, repeated } = fields as { error?: string; repeated?: number };
    const times = repeated === undefined ? undefined : `(${repeated} times)`;
    lines.push([level, message, error, times].filter((part) => part !== undefined).join(' '));
  };
  const queue = new ExporterQueue({
    exporter,
    ledger,
    timers,
    log: { info: write('info'), warn: write('warn') },
    settings: completeQueueSettings(settings),
  });
  const stage = ledger.exporters.get('told')!;
  const balanced = (): void => assert.deepEqual(ledger.imbalances(), []);
  return { timers, exporter, ledger, lines, queue, stage, balanced };
}

describe('output/queue', () => {
  describe('batching', () => {
    it('sends what waits after flush_timeout, as one request', async () => {
      const { timers, exporter, queue, stage, balanced } = setUp();
      exporter.answers = accept;
      queue.offer(makeSpans(2));
      await timers.advance(100);
      queue.offer(makeSpans(3, 2));
      await timers.advance(99);
      assert.deepEqual(exporter.sentSizes, []);
      balanced();
      await timers.advance(1);
      assert.deepEqual(exporter.sentSizes, [5]);
      assert.equal(stage.out, 5);
      assert.equal(stage.held(), 0);
      balanced();
      assert.equal(timers.pending, 0);
    });

    it('sends at once when min_size spans wait and never more than max_size in a request', async () => {
      const { timers, exporter, queue } = setUp({
        sending_queue: { batch: { min_size: 10, max_size: 4, flush_timeout: 200 } },
      });
      exporter.answers = accept;
      queue.offer(makeSpans(9));
      await settle();
      assert.deepEqual(exporter.sentSizes, []);
      queue.offer(makeSpans(1, 9));
      await settle();
      assert.deepEqual(exporter.sentSizes, [4]);
      await timers.advance(200);
      assert.deepEqual(exporter.sentSizes, [4, 4, 2]);
    });

    it('keeps each span once and in order', async () => {
      const { timers, exporter, queue } = setUp({ sending_queue: { batch: { max_size: 7 } } });
      exporter.answers = accept;
      const spans = makeSpans(5_000);
      for (let at = 0; at < spans.length; at += 3) {
        queue.offer(spans.slice(at, at + 3));
        if (at % 600 === 0) await timers.advance(70);
      }
      await timers.advance(1_000);
      assert.deepEqual(
        exporter.calls.flatMap((call) => call.batch),
        spans,
      );
    });

    it('never splits a trace for an exporter that wants traces', async () => {
      const { timers, exporter, queue } = setUp(
        { sending_queue: { batch: { max_size: 4, min_size: 100 } } },
        true,
      );
      exporter.answers = accept;
      for (const size of [3, 3, 1, 9, 2, 2]) queue.offer(makeSpans(size));
      await timers.advance(200);
      assert.deepEqual(exporter.sentSizes, [3, 4, 9, 4]);
    });

    it('keeps requests under 3 MiB of estimate', async () => {
      const { timers, exporter, queue } = setUp();
      exporter.answers = accept;
      const big = makeSpan(0, { attributes: { 'url.full': 'x'.repeat(1024 * 1024) } });
      queue.offer([big, big, big, big, big]);
      await timers.advance(200);
      assert.deepEqual(exporter.sentSizes, [2, 2, 1]);
    });

    it('has at most num_consumers requests in flight', async () => {
      const { timers, exporter, queue, balanced } = setUp({
        sending_queue: { num_consumers: 3, batch: { max_size: 10, min_size: 10 } },
      });
      queue.offer(makeSpans(100));
      await timers.advance(200);
      assert.equal(exporter.calls.length, 3);
      assert.equal(queue.stats().requestsInFlight, 3);
      balanced();
      exporter.calls[1]!.answer(accept(exporter.calls[1]!));
      await settle();
      assert.equal(exporter.calls.length, 4);
      assert.equal(queue.stats().sent, 10);
      balanced();
    });
  });

  describe('the bound', () => {
    it('drops the oldest and counts them, in spans', async () => {
      const { timers, exporter, queue, stage, balanced } = setUp({
        sending_queue: { sizer: 'items', queue_size: 10, batch: { min_size: 100 } },
      });
      exporter.answers = accept;
      const spans = makeSpans(25);
      for (const span of spans) {
        queue.offer([span]);
        balanced();
        assert.ok(queue.stats().queueSize <= 10);
      }
      assert.equal(stage.lost.queue_full, 15);
      await timers.advance(200);
      assert.deepEqual(exporter.calls[0]!.batch, spans.slice(15));
      assert.equal(stage.out, 10);
    });

    it('drops whole traces where traces are kept together, and counts traces as requests', () => {
      const { queue, stage, balanced } = setUp({
        sending_queue: { sizer: 'requests', queue_size: 2, batch: { min_size: 100 } },
      });
      for (const size of [5, 6, 7]) queue.offer(makeSpans(size));
      assert.equal(stage.lost.queue_full, 5);
      assert.equal(queue.stats().queueSize, 2);
      assert.equal(queue.stats().spansHeld, 13);
      balanced();
    });

    it('counts estimated bytes by default', () => {
      const span = makeSpan(0);
      const size = estimateSpanBytes(span);
      const { queue, stage, balanced } = setUp({
        sending_queue: { queue_size: size * 3 + 1, batch: { min_size: 100 } },
      });
      for (let i = 0; i < 5; i++) queue.offer([span]);
      assert.equal(stage.lost.queue_full, 2);
      assert.equal(queue.stats().queueSize, 3 * size);
      balanced();
    });

    it('counts what is in flight, so that a destination that hangs cannot make it grow', async () => {
      const { timers, queue, stage, balanced } = setUp({
        timeout: 0,
        sending_queue: {
          sizer: 'items',
          queue_size: 20,
          num_consumers: 2,
          batch: { min_size: 8, max_size: 8 },
        },
      });
      for (let i = 0; i < 50; i++) {
        queue.offer(makeSpans(2));
        await timers.advance(10);
        balanced();
        assert.ok(stage.held() <= 20);
      }
      assert.equal(stage.held(), 20);
      assert.equal(stage.lost.queue_full, 80);
    });

    it('drops a returned batch before younger spans', async () => {
      const { timers, exporter, queue, stage, balanced } = setUp({
        sending_queue: { sizer: 'items', queue_size: 10, batch: { min_size: 4 } },
      });
      exporter.answers = fail;
      const old = makeSpans(4);
      queue.offer(old);
      await settle();
      assert.equal(stage.held(), 4);
      exporter.answers = accept;
      const young = makeSpans(10, 4);
      queue.offer(young);
      assert.equal(stage.lost.queue_full, 4);
      balanced();
      await timers.advance(3_000);
      assert.deepEqual(exporter.calls[1]!.batch, young);
      balanced();
    });

    it('takes a trace larger than itself without failing', () => {
      const { queue, stage, balanced } = setUp({
        sending_queue: { sizer: 'requests', queue_size: 0, batch: { min_size: 1000 } },
      });
      queue.offer(makeSpans(30));
      assert.equal(stage.lost.queue_full, 30);
      balanced();
    });

    it('loses what cannot be sent at once where the queue is disabled', async () => {
      const { exporter, queue, stage, balanced } = setUp({
        sending_queue: { enabled: false, num_consumers: 1 },
      });
      queue.offer(makeSpans(3));
      queue.offer(makeSpans(4));
      assert.equal(stage.lost.queue_full, 4);
      balanced();
      exporter.calls[0]!.answer(accept(exporter.calls[0]!));
      await settle();
      assert.equal(stage.out, 3);
      balanced();
    });
  });

  describe('retry', () => {
    it('waits longer after each failure, with one request at a time, and recovers at the first success', async () => {
      const { timers, exporter, queue, stage, balanced } = setUp({
        sending_queue: { batch: { min_size: 10, max_size: 10 } },
      });
      exporter.answers = fail;
      queue.offer(makeSpans(100));
      await timers.advance(6_000);
      const starts = exporter.calls.map((call) => call.at - 1_000);
      // All ten batches start together and fail together: that is one failure.
      assert.deepEqual(starts.slice(0, 10), Array<number>(10).fill(0));
      assert.deepEqual(starts.slice(10), [500, 1_250, 2_375, 4_062.5]);
      assert.equal(stage.held(), 100);
      assert.equal(queue.stats().unreachable, true);
      assert.equal(queue.stats().lastError!.text, 'ECONNREFUSED');
      balanced();
      exporter.answers = accept;
      const backAt = timers.now();
      await timers.advance(5_000);
      assert.equal(stage.out, 100);
      assert.equal(queue.stats().unreachable, false);
      const lastAt = exporter.calls.at(-1)!.at;
      assert.ok(lastAt - backAt <= 3_000, `all is sent ${lastAt - backAt} ms after the return`);
      balanced();
    });

    it('never waits more than max_interval, whatever the jitter', async () => {
      const { timers, exporter, queue } = setUp();
      timers.jitter = 0.999_999;
      exporter.answers = fail;
      queue.offer(makeSpans(1));
      await timers.advance(60_000);
      const starts = exporter.calls.map((call) => call.at);
      const gaps = starts.slice(1).map((at, i) => at - starts[i]!);
      assert.ok(Math.max(...gaps) < 3_001, String(Math.max(...gaps)));
      assert.ok(gaps[0]! > 700, String(gaps[0]));
    });

    it('waits as long as the destination asks', async () => {
      const { timers, exporter, queue, stage } = setUp();
      exporter.answers = () => ({ result: 'retry', error: 'HTTP 429', retryAfterMs: 20_000 });
      queue.offer(makeSpans(2));
      await timers.advance(200);
      exporter.answers = accept;
      await timers.advance(19_999);
      assert.equal(exporter.calls.length, 1);
      await timers.advance(1);
      assert.equal(exporter.calls.length, 2);
      assert.equal(stage.out, 2);
    });

    it('obeys a wait that is asked for although an older request is answered well', async () => {
      const { timers, exporter, queue } = setUp({
        sending_queue: { batch: { min_size: 1, max_size: 1 } },
      });
      queue.offer(makeSpans(2));
      await settle();
      exporter.calls[0]!.answer({ result: 'retry', error: 'HTTP 429', retryAfterMs: 9_000 });
      await settle();
      exporter.calls[1]!.answer(accept(exporter.calls[1]!));
      await timers.advance(8_999);
      assert.equal(exporter.calls.length, 2);
      await timers.advance(1);
      assert.equal(exporter.calls.length, 3);
    });

    it('gives a batch up after max_elapsed_time and counts it', async () => {
      const { timers, exporter, queue, stage, balanced } = setUp({
        retry_on_failure: { max_elapsed_time: 10_000 },
      });
      exporter.answers = fail;
      queue.offer(makeSpans(6));
      await timers.advance(20_000);
      assert.equal(stage.lost.retries_exhausted, 6);
      assert.equal(stage.held(), 0);
      assert.equal(queue.stats().sendFailed, 6);
      balanced();
    });

    it('never gives up with max_elapsed_time 0', async () => {
      const { timers, exporter, queue, stage } = setUp({
        retry_on_failure: { max_elapsed_time: 0 },
      });
      exporter.answers = fail;
      queue.offer(makeSpans(6));
      await timers.advance(3_600_000);
      assert.equal(stage.held(), 6);
    });

    it('does not try again where retry is disabled', async () => {
      const { timers, exporter, queue, stage, balanced } = setUp({
        retry_on_failure: { enabled: false },
      });
      exporter.answers = fail;
      queue.offer(makeSpans(6));
      await timers.advance(10_000);
      assert.equal(exporter.calls.length, 1);
      assert.equal(queue.stats().attempts, 1);
      assert.equal(stage.lost.retries_exhausted, 6);
      balanced();
    });

    it('lets others pass a batch that the destination cannot digest', async () => {
      const { timers, exporter, queue, stage, balanced } = setUp({
        sending_queue: { batch: { min_size: 1, max_size: 1 } },
      });
      const poison = makeSpan(0, { name: 'poison' });
      exporter.answers = (call) => (call.batch[0]!.name === 'poison' ? fail() : accept(call));
      queue.offer([poison]);
      await timers.advance(1_000);
      for (let i = 1; i <= 100; i++) {
        queue.offer([makeSpan(i)]);
        await timers.advance(100);
        balanced();
      }
      await timers.advance(3_000);
      assert.equal(stage.out, 100);
      assert.equal(stage.held(), 1);
      await timers.advance(300_000);
      assert.equal(stage.lost.retries_exhausted, 1);
      balanced();
    });

    it('is not stopped by a probe that gets no answer', async () => {
      const { timers, exporter, queue, stage } = setUp({
        timeout: 60_000,
        sending_queue: { batch: { min_size: 1, max_size: 1 } },
      });
      exporter.answers = fail;
      queue.offer(makeSpans(3));
      await settle();
      exporter.answers = () => undefined; // hangs
      await timers.advance(1_000);
      exporter.answers = accept;
      await timers.advance(4_000);
      assert.equal(stage.out, 2);
      assert.equal(stage.held(), 1);
    });

    it('aborts a request after the time-out and tries again', async () => {
      const { timers, exporter, queue, stage, balanced } = setUp({ timeout: 2_000 });
      queue.offer(makeSpans(3));
      await timers.advance(200 + 1_999);
      assert.equal(exporter.calls[0]!.signal.aborted, false);
      await timers.advance(1);
      assert.equal(exporter.calls[0]!.signal.aborted, true);
      assert.equal(queue.stats().lastError!.text, 'no answer within 2000 ms');
      exporter.answers = accept;
      await timers.advance(3_000);
      assert.equal(stage.out, 3);
      balanced();
    });
  });

  describe('refusal', () => {
    it('counts what a partial success rejects', async () => {
      const { timers, exporter, queue, stage, balanced } = setUp();
      exporter.answers = () => ({ result: 'done', accepted: 7, rejected: 3, bytes: 99, error: 'no' });
      queue.offer(makeSpans(10));
      await timers.advance(200);
      assert.equal(stage.out, 7);
      assert.equal(stage.lost.rejected, 3);
      assert.equal(queue.stats().bytes, 99);
      assert.equal(queue.stats().lastError!.text, 'no');
      balanced();
    });

    it('believes no answer that rejects more than was sent', async () => {
      const { timers, exporter, queue, stage, balanced } = setUp();
      exporter.answers = () => ({ result: 'done', accepted: -90, rejected: 100, bytes: 0 });
      queue.offer(makeSpans(10));
      await timers.advance(200);
      assert.equal(stage.lost.rejected, 10);
      assert.equal(stage.out, 0);
      balanced();
    });

    it('counts a batch as rejected when the exporter breaks its word and throws', async () => {
      const { timers, exporter, queue, stage, balanced } = setUp();
      exporter.answers = () => {
        throw new Error('a fault');
      };
      queue.offer(makeSpans(4));
      await timers.advance(200);
      assert.equal(stage.lost.rejected, 4);
      assert.equal(queue.stats().lastError!.text, 'a fault');
      balanced();
    });
  });

  describe('shutdown', () => {
    it('delivers what waits without waiting for flush_timeout', async () => {
      const { exporter, timers, queue, stage, balanced } = setUp();
      exporter.answers = accept;
      queue.offer(makeSpans(5_000));
      queue.offer(makeSpans(3));
      await queue.shutdown(5_000);
      assert.equal(stage.out, 5_003);
      assert.equal(exporter.closed, true);
      assert.equal(timers.pending, 0);
      balanced();
    });

    it('counts what is left at the deadline, in flight too', async () => {
      const { timers, exporter, queue, stage, balanced } = setUp({
        sending_queue: { num_consumers: 2, batch: { min_size: 10, max_size: 10 } },
      });
      queue.offer(makeSpans(50));
      await settle();
      const stopped = queue.shutdown(5_000);
      await timers.advance(4_999);
      exporter.calls[0]!.answer(accept(exporter.calls[0]!));
      await timers.advance(1);
      await stopped;
      assert.equal(stage.out, 10);
      assert.equal(stage.lost.shutdown, 40);
      assert.equal(stage.held(), 0);
      balanced();
    });

    it('tries a destination that was away once more at once', async () => {
      const { timers, exporter, queue, stage, balanced } = setUp();
      exporter.answers = fail;
      queue.offer(makeSpans(5));
      await timers.advance(300);
      exporter.answers = accept;
      await queue.shutdown(5_000);
      assert.equal(stage.out, 5);
      balanced();
    });

    it('does not wait for an exporter that never lets go, and ignores its late answer', async () => {
      const { timers, exporter, queue, stage, balanced } = setUp();
      let answer: (outcome: Outcome) => void = () => undefined;
      exporter.send = () => new Promise((resolve) => (answer = resolve));
      queue.offer(makeSpans(5));
      await timers.advance(200);
      const stopped = queue.shutdown(1_000);
      await timers.advance(1_250);
      await stopped;
      assert.equal(stage.lost.shutdown, 5);
      answer({ result: 'done', accepted: 5, rejected: 0, bytes: 1 });
      await settle();
      assert.equal(stage.out, 0);
      balanced();
    });

    it('counts what comes after it', async () => {
      const { queue, stage, balanced } = setUp();
      await queue.shutdown(10);
      queue.offer(makeSpans(2));
      assert.equal(stage.in, 2);
      assert.equal(stage.lost.shutdown, 2);
      balanced();
    });
  });

  describe('requests', () => {
    /** A request takes 50 bytes a span, compressed, after one turn of the event loop, ten. */
    function setUpRequests(settings: PartialQueueSettings = {}) {
      const all = setUp({
        sending_queue: { queue_size: 1_000_000, batch: { min_size: 10, max_size: 10 } },
        ...settings,
      });
      const sent: Array<{ count: number; bytes: number; compressed: boolean }> = [];
      const encoded: Array<readonly Span[]> = [];
      const requests: Requests = {
        encode: (batch) => {
          encoded.push(batch);
          return Buffer.alloc(batch.length * 50);
        },
        compress: async (request) => {
          await settle();
          return Buffer.alloc(request.length / 5);
        },
        send: (request, compressed, count, signal) => {
          sent.push({ count, bytes: request.length, compressed });
          return all.exporter.send(makeSpans(count), signal);
        },
      };
      all.exporter.requests = requests;
      return { ...all, requests, sent, encoded };
    }

    /** Few requests are compressed at a time, each in one turn of the event loop. */
    async function untilCompressed(): Promise<void> {
      for (let turn = 0; turn < 10; turn++) await settle();
    }

    it('are made as soon as a batch is cut, so that no spans are kept', async () => {
      const { exporter, queue, sent, encoded, balanced } = setUpRequests();
      queue.offer(makeSpans(10));
      assert.equal(encoded.length, 1);
      assert.equal(queue.stats().queueSize, 500 + 1024);
      exporter.calls[0]!.answer(accept(exporter.calls[0]!));
      await settle();
      assert.deepEqual(sent, [{ count: 10, bytes: 500, compressed: false }]);
      balanced();
    });

    it('are compressed where they cannot leave, and then sent in order', async () => {
      const { timers, exporter, queue, stage, sent, encoded, balanced } = setUpRequests();
      exporter.answers = fail;
      queue.offer(makeSpans(10));
      await settle();
      const waiting = makeSpans(100, 10);
      queue.offer(waiting);
      balanced();
      assert.deepEqual(encoded.slice(1).flat(), waiting);
      await timers.advance(100);
      await untilCompressed();
      assert.equal(queue.stats().queueSize, 11 * (100 + 1024));
      balanced();
      exporter.answers = accept;
      await timers.advance(3_000);
      assert.equal(stage.out, 110);
      assert.deepEqual(sent.slice(1), Array(11).fill({ count: 10, bytes: 100, compressed: true }));
      assert.equal(queue.stats().queueSize, 0);
      balanced();
    });

    it('are compressed few at once, whatever waits and is dropped', async () => {
      const { timers, exporter, queue, requests } = setUpRequests({
        sending_queue: { sizer: 'items', queue_size: 50, batch: { min_size: 10, max_size: 10 } },
      });
      exporter.answers = fail;
      let underWay = 0;
      requests.compress = () => {
        underWay++;
        return new Promise(() => undefined); // its threads get no time
      };
      queue.offer(makeSpans(10));
      await settle();
      for (let i = 0; i < 100; i++) queue.offer(makeSpans(10, 10 * i));
      await timers.advance(1000);
      assert.equal(underWay, 4);
    });

    it('are not compressed by the queue while the destination takes everything', async () => {
      const { timers, exporter, queue, sent } = setUpRequests();
      exporter.answers = accept;
      for (let i = 0; i < 50; i++) {
        queue.offer(makeSpans(7, 7 * i));
        await timers.advance(20);
      }
      await timers.advance(200);
      assert.equal(queue.stats().sent, 350);
      assert.ok(sent.every(({ compressed }) => !compressed));
    });

    it('are dropped oldest first, those being compressed too, and their spans counted', async () => {
      const { timers, exporter, queue, stage, balanced } = setUpRequests({
        sending_queue: { sizer: 'items', queue_size: 50, batch: { min_size: 10, max_size: 10 } },
      });
      exporter.answers = fail;
      queue.offer(makeSpans(10));
      await settle();
      queue.offer(makeSpans(100, 10));
      balanced();
      assert.equal(stage.lost.queue_full, 60);
      await timers.advance(100);
      assert.equal(stage.held(), 50);
      balanced();
      exporter.answers = accept;
      await queue.shutdown(1_000);
      assert.equal(stage.out, 50);
      balanced();
    });

    it('that were dropped while they were compressed leave no size behind', async () => {
      const { timers, exporter, queue, stage, balanced } = setUpRequests({
        sending_queue: { queue_size: 6_000, batch: { min_size: 10, max_size: 10 } },
      });
      exporter.answers = fail;
      queue.offer(makeSpans(10));
      await settle();
      queue.offer(makeSpans(30, 10)); // three of 1524 bytes, being compressed now
      queue.offer(makeSpans(10, 40)); // pushes the oldest of them out
      assert.ok(stage.lost.queue_full > 0);
      await timers.advance(100);
      await untilCompressed();
      assert.equal(queue.stats().queueSize, (stage.held() / 10) * (100 + 1024));
      balanced();
    });

    it('that still wait at the shutdown deadline are counted', async () => {
      const { timers, exporter, queue, stage, balanced } = setUpRequests();
      exporter.answers = fail;
      queue.offer(makeSpans(10));
      await settle();
      queue.offer(makeSpans(55, 10));
      const stopped = queue.shutdown(100);
      await timers.advance(1_000);
      await stopped;
      assert.equal(stage.lost.shutdown, 65);
      balanced();
    });

    it('that cannot be compressed are sent as they are', async () => {
      const { timers, exporter, queue, stage, requests, sent, balanced } = setUpRequests();
      requests.compress = () => Promise.reject(new Error('no memory'));
      exporter.answers = fail;
      queue.offer(makeSpans(10));
      await timers.advance(100);
      assert.equal(queue.stats().lastError!.text, 'no memory');
      exporter.answers = accept;
      await timers.advance(3_000);
      assert.equal(stage.out, 10);
      assert.deepEqual(sent.at(-1), { count: 10, bytes: 500, compressed: false });
      balanced();
    });

    it('that cannot be made are left to the exporter, which meets the same fault', async () => {
      const { exporter, queue, stage, requests, balanced } = setUpRequests();
      const fault = new Error('no such attribute');
      requests.encode = () => {
        throw fault;
      };
      exporter.send = () => Promise.reject(fault);
      queue.offer(makeSpans(10));
      await settle();
      assert.equal(stage.lost.rejected, 10);
      assert.equal(queue.stats().lastError!.text, 'no such attribute');
      balanced();
    });
  });

  describe('the log', () => {
    it('says once that a destination is away and once that it is back, however often it fails', async () => {
      const { timers, exporter, lines, queue } = setUp();
      exporter.answers = fail;
      queue.offer(makeSpans(5));
      await timers.advance(59_000);
      assert.deepEqual(lines, [
        'warn the destination does not take spans; they wait and are sent again ECONNREFUSED',
      ]);
      exporter.answers = accept;
      await timers.advance(3_000);
      assert.deepEqual(lines.slice(1), ['info the destination answers again']);
    });

    it('keeps quiet about a destination that comes and goes, and says how often later', async () => {
      const { timers, exporter, lines, queue } = setUp();
      let n = 0;
      exporter.answers = (call) => (n++ % 2 === 0 ? fail() : accept(call));
      for (let i = 0; i < 70; i++) {
        queue.offer(makeSpans(1, i));
        await timers.advance(1_000);
      }
      assert.equal(lines.filter((line) => line.startsWith('info')).length, 2);
      assert.equal(lines.filter((line) => line.startsWith('warn')).length, 2);
      assert.match(lines[2]!, /again ECONNREFUSED \(\d\d times\)$/);
    });

    it('warns of refused spans at most once a minute', async () => {
      const { timers, exporter, lines, queue } = setUp();
      exporter.answers = () => ({ result: 'done', accepted: 0, rejected: 1, bytes: 0 });
      for (let i = 0; i < 90; i++) {
        queue.offer(makeSpans(1, i));
        await timers.advance(1_000);
      }
      assert.equal(lines.length, 2);
    });
  });

  it('balances its books at every moment of a long random life', async () => {
    const { timers, exporter, queue, ledger, stage } = setUp({
      timeout: 700,
      sending_queue: {
        sizer: 'items',
        queue_size: 300,
        num_consumers: 3,
        batch: { min_size: 20, max_size: 30 },
      },
      retry_on_failure: { max_elapsed_time: 1_000 },
    });
    let state = 7;
    const below = (n: number): number => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
      return (state >>> 8) % n;
    };
    exporter.answers = (call) => {
      const choice = below(10);
      if (choice < 4) return accept(call);
      if (choice < 6) return fail();
      if (choice === 6) return { result: 'retry', error: '503', retryAfterMs: 300 };
      if (choice === 7) return { result: 'done', accepted: 0, rejected: 2, bytes: 1 };
      return undefined; // hangs until the time-out
    };
    for (let step = 0; step < 3_000; step++) {
      queue.offer(makeSpans(1 + below(12)));
      assert.deepEqual(ledger.imbalances(), []);
      await timers.advance(below(60));
      assert.deepEqual(ledger.imbalances(), []);
      assert.ok(stage.held() <= 300);
    }
    const stopped = queue.shutdown(2_000);
    await timers.advance(3_000);
    await stopped;
    assert.deepEqual(ledger.imbalances(), []);
    assert.equal(stage.held(), 0);
    for (const reason of ['queue_full', 'rejected', 'retries_exhausted'] as const) {
      assert.ok(stage.lost[reason] > 0, reason);
    }
  });
});
