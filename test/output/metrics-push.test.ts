import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type { Metric, Point } from '../../src/base/metric.ts';
import type { Exchange } from '../../src/decode/exchange.ts';
import { SelfMetrics } from '../../src/metrics/self-metrics.ts';
import { RequestMetrics } from '../../src/metrics/request/request-metrics.ts';
import { findExporterType } from '../../src/output/exporter/index.ts';
import type { Outcome } from '../../src/output/exporter.ts';
import { type MetricsExporter, MetricsPush } from '../../src/output/metrics-push.ts';
import type { MetricsRequest } from '../../src/output/otlp-metrics.ts';
import { makeSources } from '../metrics/make-sources.ts';
import { Collector, findCollector, freePorts } from '../support/collector.ts';
import { makeRequest, METRICS_SETTINGS } from '../support/make-requests.ts';
import { makeResource } from '../support/make-spans.ts';
import { lacking } from '../support/programs.ts';
import { plainAttributes, pointsOf, receivedMetrics } from '../support/received-metrics.ts';

const STARTED_MS = 1_795_250_000_000;
const SPAN = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331' };

function makeMetrics(): RequestMetrics {
  const metrics = new RequestMetrics(METRICS_SETTINGS, () => makeResource('shop'));
  const attributes = { 'http.request.method': 'GET', 'http.response.status_code': 200 };
  const route = '/orders/{id}';
  for (const ms of [3, 30]) {
    const exchange = { role: 'server', protocol: 'http', tgid: 1, request: { method: 'GET' } } as Exchange;
    metrics.active.opened(exchange);
    metrics.observe(makeRequest({ peer: 'curl', attributes, route, name: `GET ${route}`, ms, span: SPAN }));
  }
  return metrics;
}

/** Pushes all that a scrape says. */
async function open(id: string, settings: Record<string, unknown>, log: string[] = []): Promise<MetricsPush> {
  const exporter = await findExporterType(id)!.createMetrics!(id, settings);
  const requests = makeMetrics();
  const { metrics } = new SelfMetrics(makeSources(), [(define) => requests.define(define)]);
  return pushTo(exporter, metrics, { intervalMs: 50, log });
}

/** One that sends nothing before it is stopped, unless an interval is given. */
function pushTo(
  exporter: MetricsExporter,
  metrics: readonly Metric[],
  { intervalMs = 3_600_000, log = [] }: { intervalMs?: number; log?: string[] } = {},
): MetricsPush {
  const say = (_fields: object, message: string): void => void log.push(message);
  return new MetricsPush({
    refresh: () => Promise.resolve(),
    exporters: [exporter],
    metrics,
    resource: { 'service.name': 'undertrace' },
    startedMs: STARTED_MS,
    intervalMs,
    log: { info: say, warn: say },
  });
}

/** Keeps requests, which are JSON, and answers as it is told. */
function keeping(requests: MetricsRequest[], answer: (points: number) => Outcome): MetricsExporter {
  return {
    ...{ id: 'kept', destination: 'memory', json: true, timeoutMs: 0 },
    send: (request) => {
      requests.push(request);
      return Promise.resolve(answer(request.points));
    },
    close: () => Promise.resolve(),
  };
}

const taken = (points: number): Outcome => ({ result: 'done', accepted: points, rejected: 0, bytes: 1 });

/** A counter with so many series, each with its number as its value. */
function manySeries(count: number, name = 'n'): Metric {
  const instrument = { name, unit: '1', description: '', type: 'counter', attributes: ['i'] } as const;
  return {
    instrument,
    points: () =>
      Array.from({ length: count }, (_, i): Point => {
        return { attributes: [String(i)], value: i };
      }),
  };
}

async function until(isSo: () => boolean): Promise<void> {
  for (const end = Date.now() + 10_000; !isSo();) {
    if (Date.now() > end) throw new Error('waited for 10 s');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

describe('output/metrics-push', function () {
  this.timeout(600_000);
  let folder: string;
  let collector: Collector;

  before(async function () {
    const found = findCollector();
    if ('missing' in found) lacking(this, found.missing);
    folder = mkdtempSync(path.join(tmpdir(), 'undertrace-push-'));
    collector = await Collector.start(found.binary, folder);
  });

  after(async () => {
    await collector?.stop();
    if (folder) rmSync(folder, { recursive: true });
  });

  for (const [id, settings] of [
    ['otlp_http', {}],
    ['otlp_http', { encoding: 'json', compression: 'none' }],
    ['otlp_grpc', {}],
  ] as const) {
    it(`is understood by a real Collector: ${id} ${JSON.stringify(settings)}`, async () => {
      const port = id === 'otlp_http' ? collector.httpPort : collector.grpcPort;
      const before = collector.metricsRequests().length;
      const push = await open(id, { endpoint: `http://127.0.0.1:${port}`, ...settings });
      await until(() => collector.metricsRequests().length > before);
      await push.stop(5000);
      const found = receivedMetrics([collector.metricsRequests()[before]!]);
      const ofRequests = [...found.keys()].filter((key) => !/^undertrace (?:undertrace|otelcol)_/.test(key));
      assert.deepEqual(ofRequests.sort(), [
        'shop http.server.active_requests',
        'shop http.server.request.duration',
        'shop traces.span.metrics.calls',
        'shop traces.span.metrics.duration',
        ...[
          'undertrace traces_service_graph_request_failed_total',
          'undertrace traces_service_graph_request_server',
        ],
        'undertrace traces_service_graph_request_total',
      ]);
      const duration = found.get('shop http.server.request.duration')!;
      assert.equal(duration.unit, 's');
      assert.equal(duration.histogram!.aggregationTemporality, 2);
      const [point] = duration.histogram!.dataPoints;
      assert.deepEqual(plainAttributes(point!.attributes), {
        ...{ 'http.request.method': 'GET', 'http.route': '/orders/{id}', 'http.response.status_code': '200' },
      });
      assert.deepEqual([point!.count, point!.sum], ['2', 0.033]);
      assert.deepEqual(
        [point!.bucketCounts!.slice(0, 4), point!.explicitBounds!.slice(0, 3)],
        [
          ['1', '0', '0', '1'],
          [0.005, 0.01, 0.025],
        ],
      );
      assert.deepEqual(
        point!.exemplars!.map(({ traceId, spanId, asDouble }) => ({ traceId, spanId, asDouble })),
        [0.003, 0.03].map((asDouble) => ({ ...SPAN, asDouble })),
      );
      for (const { timeUnixNano } of point!.exemplars!) {
        assert.ok(BigInt(timeUnixNano) <= BigInt(point!.timeUnixNano), timeUnixNano);
        assert.ok(BigInt(timeUnixNano) >= BigInt(point!.startTimeUnixNano), timeUnixNano);
      }
      const calls = found.get('shop traces.span.metrics.calls')!.sum!;
      assert.deepEqual([calls.isMonotonic, calls.dataPoints[0]!.asDouble], [true, 2]);
      assert.equal(found.get('shop http.server.active_requests')!.gauge!.dataPoints[0]!.asDouble, 2);
      const [{ sentPoints, failedPoints, lastError }] = push.stats() as [
        ReturnType<MetricsPush['stats']>[number],
      ];
      assert.ok(sentPoints >= 7 && failedPoints === 0 && lastError === undefined, lastError);
    });
  }

  it("sends the agent's own metrics under the names of the scrape, each with its type", async () => {
    const before = collector.metricsRequests().length;
    const push = await open('otlp_http', { endpoint: `http://127.0.0.1:${collector.httpPort}` });
    await until(() => collector.metricsRequests().length > before);
    await push.stop(5000);
    const found = receivedMetrics([collector.metricsRequests()[before]!]);
    const page = await new SelfMetrics(makeSources(), [(define) => makeMetrics().define(define)]).render(
      false,
    );
    let compared = 0;
    for (const [, name, type] of page.matchAll(/^# TYPE ((?:undertrace|otelcol)_\w+) (\w+)$/gm)) {
      const metric = found.get(`undertrace ${name}`);
      // What has no series has no metric in OTLP.
      if (metric === undefined) assert.doesNotMatch(page, new RegExp(`^${name}{`, 'm'), name);
      else {
        const { sum, gauge, histogram } = metric;
        const types = { counter: sum, gauge, histogram };
        assert.ok(types[type as keyof typeof types], `${name} is no ${type}`);
        assert.deepEqual([sum?.isMonotonic ?? true, sum?.aggregationTemporality ?? 2], [true, 2], name);
        compared++;
      }
    }
    assert.ok(compared > 80, String(compared));
    assert.ok(!found.has('undertrace target_info'));
    const lost = pointsOf(found.get('undertrace undertrace_ledger_lost_total')!).find(
      ({ attributes }) => plainAttributes(attributes).reason === 'ring_full',
    )!;
    assert.deepEqual(plainAttributes(lost.attributes), { stage: 'records', reason: 'ring_full' });
    assert.deepEqual([lost.asDouble, lost.startTimeUnixNano], [3, String(BigInt(STARTED_MS) * 1_000_000n)]);
    const [lag] = pointsOf(found.get('undertrace undertrace_event_loop_lag_seconds')!);
    assert.deepEqual(
      [lag!.count, lag!.sum, lag!.bucketCounts, lag!.explicitBounds],
      ['3', 2.75, ['1', '1', '1'], [0.25, 1]],
    );
  });

  it('sends many series in requests of bounded size, and lets the agent go on in between', async () => {
    const requests: MetricsRequest[] = [];
    let turns = 0;
    let over = false;
    const turn = async (): Promise<void> => {
      while (!over) {
        await setImmediate();
        turns++;
      }
    };
    const turning = turn();
    const push = pushTo(
      keeping(requests, (points) => {
        for (const end = performance.now() + 3; performance.now() < end;);
        return taken(points);
      }),
      [manySeries(1100, 'a'), manySeries(900, 'b')],
    );
    await push.stop(60_000);
    over = true;
    await turning;
    assert.ok(requests.length >= 8 && turns >= requests.length, `${requests.length} ${turns}`);
    for (const { points } of requests) assert.ok(points <= 250, String(points));
    const found = receivedMetrics(requests.map(({ bytes }) => bytes.toString()));
    for (const [name, count] of [
      ['a', 1100],
      ['b', 900],
    ] as const) {
      const values = pointsOf(found.get(`undertrace ${name}`)!).map(({ asDouble }) => asDouble);
      assert.deepEqual(values, [...Array(count).keys()]);
    }
    assert.equal(
      new Set(requests.flatMap(({ bytes }) => /"timeUnixNano":"\d+"/.exec(String(bytes)))).size,
      1,
    );
    assert.equal(push.stats()[0]!.sentPoints, 2000);
  });

  it('sends the others where a request is refused, and none where a destination is away', async () => {
    for (const [outcome, count, failed] of [
      [{ result: 'done', accepted: 200, rejected: 50, bytes: 1, error: 'too old' }, 4, 200],
      [{ result: 'retry', error: 'away' }, 1, 250],
    ] as const) {
      const requests: MetricsRequest[] = [];
      const log: string[] = [];
      const push = pushTo(
        keeping(requests, () => outcome),
        [manySeries(1000)],
        { log },
      );
      await push.stop(60_000);
      const [{ sentPoints, failedPoints, lastError }] = push.stats() as [
        ReturnType<MetricsPush['stats']>[number],
      ];
      assert.deepEqual(
        [requests.length, sentPoints, failedPoints, lastError],
        [count, count * 250 - failed, failed, outcome.error],
      );
      assert.deepEqual(log, ['metrics could not be delivered']);
    }
  });

  it('says so where a metric cannot be read', async () => {
    const log: string[] = [];
    const broken: Metric = {
      ...manySeries(1),
      points: () => {
        throw new TypeError('no such table');
      },
    };
    const push = pushTo(keeping([], taken), [broken], { log });
    await push.stop(60_000);
    assert.equal(push.stats()[0]!.lastError, 'no such table');
    assert.deepEqual(log, ['metrics could not be delivered']);
  });

  it('counts what could not be delivered, says so once, and says it all again later', async () => {
    const [port] = (await freePorts(1)) as [number];
    const log: string[] = [];
    const push = await open('otlp_http', { endpoint: `http://127.0.0.1:${port}` }, log);
    const stats = push.stats()[0]!;
    await until(() => stats.failedPoints >= 14);
    const requests: number[] = [];
    const server = createServer((request, response) => {
      request.on('data', (chunk: Buffer) => requests.push(chunk.length));
      request.on('end', () => response.end());
    }).listen(port, '127.0.0.1');
    await once(server, 'listening');
    await until(() => stats.sentPoints >= 14);
    await push.stop(1000);
    server.close();
    assert.ok(requests.length >= 2);
    assert.deepEqual(log, ['metrics could not be delivered', 'metrics are delivered again']);
  });

  it('ends in time although the destination hangs', async () => {
    const server = createServer(() => undefined).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    try {
      const push = await open('otlp_http', { endpoint: `http://127.0.0.1:${port}`, timeout: 0 });
      await once(server, 'request');
      const from = performance.now();
      await push.stop(200);
      assert.ok(performance.now() - from < 5000);
      assert.ok(push.stats()[0]!.failedPoints >= 7);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });
});
