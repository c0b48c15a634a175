import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Ledger } from '../../src/base/ledger.ts';
import { type Span, SpanKind, StatusCode } from '../../src/link/span.ts';
import { createFileExporter } from '../../src/output/exporter/file.ts';
import { createExporterQueue, findExporterType } from '../../src/output/exporter/index.ts';
import { encodeOtlpJson } from '../../src/output/otlp-json.ts';
import type { ExporterQueue } from '../../src/output/queue.ts';
import { Collector, findCollector } from '../support/collector.ts';
import { makeResource, makeSpan, makeSpans } from '../support/make-spans.ts';
import { decodeJson, type ReceivedSpan } from '../support/otlp-proto.ts';
import { lacking } from '../support/programs.ts';

const ODD = makeResource('odd');

/** Ordinary spans and every kind of value that a span can hold. */
const SPANS: Span[] = [
  ...makeSpans(3_000),
  makeSpan(5_000, { resource: ODD, traceState: 'rojo=00f067aa0ba902b7,congo=t61', name: '' }),
  makeSpan(5_001, { resource: ODD, parentIsRemote: true, traceFlags: 0, status: StatusCode.ERROR }),
  makeSpan(5_002, { resource: ODD, kind: SpanKind.INTERNAL, name: 'größer 日本 🚀 \u0007\n' }),
  makeSpan(5_003, { resource: ODD, kind: SpanKind.PRODUCER, endTime: [4_294_967_296, 999_999_999] }),
  makeSpan(5_004, {
    resource: ODD,
    kind: SpanKind.CONSUMER,
    status: StatusCode.OK,
    attributes: {
      text: '',
      long: 'x'.repeat(50_000),
      zero: 0,
      negative: -42,
      safe: Number.MAX_SAFE_INTEGER,
      least: Number.MIN_SAFE_INTEGER,
      half: 0.5,
      yes: true,
      no: false,
      list: ['a', '', 'ü'],
      none: [],
    },
  }),
];

function byId(spans: readonly ReceivedSpan[]): ReceivedSpan[] {
  return [...spans].sort((a, b) => (a.traceId + a.spanId < b.traceId + b.spanId ? -1 : 1));
}

const EXPECTED = byId(decodeJson(encodeOtlpJson(SPANS).toString('utf8')));

describe('output with a real Collector', function () {
  // The first run builds it.
  this.timeout(600_000);
  let binary: string;
  let folder: string;
  let collector: Collector;
  let queue: ExporterQueue;
  let ledger: Ledger;

  before(function () {
    const found = findCollector();
    if ('missing' in found) lacking(this, found.missing);
    binary = found.binary;
  });
  beforeEach(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'undertrace-collector-'));
    ledger = new Ledger();
    collector = await Collector.start(binary, folder);
  });
  afterEach(async () => {
    collector.thaw();
    await queue.shutdown(0);
    await collector.stop();
    rmSync(folder, { recursive: true });
    assert.deepEqual(ledger.imbalances(), []);
  });

  async function open(id: string, settings: Record<string, unknown> = {}): Promise<ExporterQueue> {
    const port = id.startsWith('otlp_http') ? collector.httpPort : collector.grpcPort;
    const endpoint = `http://127.0.0.1:${port}`;
    queue = await createExporterQueue(findExporterType(id)!, id, { endpoint, ...settings }, { ledger });
    return queue;
  }

  const FORMS: Array<[string, Record<string, unknown>]> = [
    ['otlp_http', {}],
    ['otlp_http/json', { encoding: 'json', compression: 'none' }],
    ['otlp_grpc', {}],
    ['otlp_grpc/plain', { compression: 'none' }],
  ];
  for (const [id, settings] of FORMS) {
    it(`delivers every field of every span by ${id}`, async () => {
      (await open(id, settings)).offer(SPANS);
      await queue.flush();
      assert.equal(queue.stats().sent, SPANS.length);
      assert.equal(queue.stats().lastError, undefined);
      assert.deepEqual(byId(await collector.waitForSpans(SPANS.length)), EXPECTED);
    });
  }

  it('writes a file that says what the Collector’s own file says', async () => {
    (await open('otlp_http')).offer(SPANS);
    await queue.flush();
    const own = path.join(folder, 'own.jsonl');
    const exporter = createFileExporter('file', { path: own });
    await exporter.send(SPANS, new AbortController().signal);
    await exporter.close();
    const theirs = byId(await collector.waitForSpans(SPANS.length));
    const ours = readFileSync(own, 'utf8').split('\n').slice(0, -1).flatMap(decodeJson);
    assert.deepEqual(byId(ours), theirs);
  });

  for (const id of ['otlp_http', 'otlp_grpc']) {
    it(`recovers within 5 s by ${id} when the Collector was killed and is back, and counts each loss`, async () => {
      await open(id, {
        sending_queue: { sizer: 'items', queue_size: 500, batch: { max_size: 100, min_size: 100 } },
      });
      queue.offer(makeSpans(400));
      await queue.flush();
      await collector.waitForSpans(400);
      await collector.stop('SIGKILL');
      for (let i = 0; i < 200; i++) queue.offer(makeSpans(10, 400 + 10 * i));
      // Long enough for the back-off to reach its end.
      while (queue.stats().attempts < 14) await new Promise((resolve) => setTimeout(resolve, 10));
      assert.equal(queue.stats().unreachable, true);
      const stage = ledger.exporters.get(id)!;
      // A whole request makes room at a time.
      const kept = stage.held();
      assert.ok(kept > 400 && kept <= 500, `${kept} kept`);
      assert.equal(stage.lost.queue_full, 2_000 - kept);
      await collector.start();
      const backAt = performance.now();
      await queue.flush();
      const tookMs = performance.now() - backAt;
      assert.ok(tookMs < 5_000, `recovery took ${tookMs} ms`);
      assert.deepEqual([stage.in, stage.out], [2_400, 400 + kept]);
      const arrived = await collector.waitForSpans(400 + kept);
      assert.equal(new Set(arrived.map((span) => span.spanId)).size, 400 + kept);
      assert.equal(arrived.length, 400 + kept);
    });
  }

  it('recovers when a Collector that hung goes on', async () => {
    await open('otlp_http', { timeout: 1_000 });
    queue.offer(makeSpans(100));
    await queue.flush();
    collector.freeze();
    queue.offer(makeSpans(100, 100));
    while (!queue.stats().unreachable) await new Promise((resolve) => setTimeout(resolve, 10));
    assert.match(queue.stats().lastError!.text, /no answer within 1000 ms/);
    collector.thaw();
    const backAt = performance.now();
    await queue.flush();
    assert.ok(performance.now() - backAt < 5_000);
    assert.equal(queue.stats().sent, 200);
    const ids = (await collector.waitForSpans(200)).map((span) => span.spanId);
    assert.equal(new Set(ids).size, 200);
  });
});
