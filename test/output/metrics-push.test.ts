import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Exchange } from '../../src/decode/exchange.ts';
import { RequestMetrics } from '../../src/metrics/request/request-metrics.ts';
import { findExporterType } from '../../src/output/exporter/index.ts';
import { MetricsPush } from '../../src/output/metrics-push.ts';
import { Collector, findCollector, freePorts } from '../support/collector.ts';
import { makeRequest, METRICS_SETTINGS } from '../support/make-requests.ts';
import { makeResource } from '../support/make-spans.ts';
import { lacking } from '../support/programs.ts';

const STARTED_MS = 1_795_250_000_000;

function makeMetrics(): RequestMetrics {
  const metrics = new RequestMetrics(METRICS_SETTINGS, () => makeResource('shop'));
  const attributes = { 'http.request.method': 'GET', 'http.response.status_code': 200 };
  const route = '/orders/{id}';
  for (const ms of [3, 30]) {
    const exchange = { role: 'server', protocol: 'http', tgid: 1, request: { method: 'GET' } } as Exchange;
    metrics.active.opened(exchange);
    metrics.observe(makeRequest({ peer: 'curl', attributes, route, name: `GET ${route}`, ms }));
  }
  return metrics;
}

async function open(id: string, settings: Record<string, unknown>, log: string[] = []): Promise<MetricsPush> {
  const exporter = await findExporterType(id)!.createMetrics!(id, settings);
  const say = (_fields: object, message: string): void => void log.push(message);
  return new MetricsPush({
    refresh: () => Promise.resolve(),
    exporters: [exporter],
    metrics: makeMetrics().metrics,
    resource: { 'service.name': 'undertrace' },
    startedMs: STARTED_MS,
    intervalMs: 50,
    log: { info: say, warn: say },
  });
}

async function until(isSo: () => boolean): Promise<void> {
  for (const end = Date.now() + 10_000; !isSo();) {
    if (Date.now() > end) throw new Error('waited for 10 s');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

interface KeyValue {
  key: string;
  value: { stringValue: string };
}
interface Point {
  attributes?: KeyValue[];
  [key: string]: unknown;
}
interface Data {
  dataPoints: Point[];
  [key: string]: unknown;
}
interface WrittenMetric {
  name: string;
  unit?: string;
  sum?: Data;
  gauge?: Data;
  histogram?: Data;
}
interface Written {
  resourceMetrics: Array<{
    resource: { attributes: KeyValue[] };
    scopeMetrics: Array<{ scope: { name: string }; metrics: WrittenMetric[] }>;
  }>;
}

const plain = (attributes: readonly KeyValue[] = []): Record<string, string> =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, value.stringValue]));

/** What the Collector has written of one request, by resource and metric. */
function written(line: string): Map<string, WrittenMetric> {
  const { resourceMetrics } = JSON.parse(line) as Written;
  return new Map(
    resourceMetrics.flatMap(({ resource, scopeMetrics }) =>
      scopeMetrics.flatMap(({ scope, metrics }) => {
        assert.equal(scope.name, 'undertrace');
        const service = plain(resource.attributes)['service.name'];
        return metrics.map((metric): [string, WrittenMetric] => [`${service} ${metric.name}`, metric]);
      }),
    ),
  );
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

  const lines = (): string[] =>
    existsSync(collector.metricsFile)
      ? readFileSync(collector.metricsFile, 'utf8').split('\n').slice(0, -1)
      : [];

  for (const [id, settings] of [
    ['otlp_http', {}],
    ['otlp_http', { encoding: 'json', compression: 'none' }],
    ['otlp_grpc', {}],
  ] as const) {
    it(`is understood by a real Collector: ${id} ${JSON.stringify(settings)}`, async () => {
      const port = id === 'otlp_http' ? collector.httpPort : collector.grpcPort;
      const before = lines().length;
      const push = await open(id, { endpoint: `http://127.0.0.1:${port}`, ...settings });
      await until(() => lines().length > before);
      await push.stop(5000);
      const found = written(lines()[before]!);
      assert.deepEqual([...found.keys()].sort(), [
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
      assert.deepEqual(plain(point!.attributes), {
        ...{ 'http.request.method': 'GET', 'http.route': '/orders/{id}', 'http.response.status_code': '200' },
      });
      assert.deepEqual([point!.count, point!.sum], ['2', 0.033]);
      assert.deepEqual(
        [(point!.bucketCounts as string[]).slice(0, 4), (point!.explicitBounds as number[]).slice(0, 3)],
        [
          ['1', '0', '0', '1'],
          [0.005, 0.01, 0.025],
        ],
      );
      const calls = found.get('shop traces.span.metrics.calls')!.sum!;
      assert.deepEqual([calls.isMonotonic, calls.dataPoints[0]!.asDouble], [true, 2]);
      assert.equal(found.get('shop http.server.active_requests')!.gauge!.dataPoints[0]!.asDouble, 2);
      const [{ sentPoints, failedPoints, lastError }] = push.stats() as [
        ReturnType<MetricsPush['stats']>[number],
      ];
      assert.ok(sentPoints >= 7 && failedPoints === 0 && lastError === undefined, lastError);
    });
  }

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
