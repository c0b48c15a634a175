import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { LIMITED_METRICS, type MetricsSettings } from '../../src/base/settings.ts';
import type { Attributes, Exchange, Role } from '../../src/decode/exchange.ts';
import { RequestMetrics } from '../../src/metrics/request/request-metrics.ts';
import { SelfMetrics } from '../../src/metrics/self-metrics.ts';
import { makeRequest, METRICS_SETTINGS } from '../support/make-requests.ts';
import { makeResource } from '../support/make-spans.ts';
import { needCommand } from '../support/programs.ts';
import { samplesOf } from './make-sources.ts';

const SPAN = { traceId: '4bf92f3577b34da6a3ce929d0e0e4736', spanId: '00f067aa0ba902b7' };

function makeMetrics(settings: Partial<MetricsSettings> = {}) {
  const metrics = new RequestMetrics({ ...METRICS_SETTINGS, ...settings }, (tgid) =>
    makeResource(`service-${tgid}`),
  );
  const page = new SelfMetrics(undefined, [(define) => metrics.define(define)]);
  return { metrics, page, samples: async () => samplesOf(await page.render(false)) };
}

describe('metrics/requests', () => {
  it('of HTTP have the names and attributes of the semantic conventions', async () => {
    const { metrics, samples } = makeMetrics();
    const attributes = {
      'http.request.method': 'POST',
      'http.response.status_code': 503,
      'url.scheme': 'http',
      'url.path': '/orders/17',
      'network.protocol.version': '1.1',
      'http.request.body.size': 300,
    };
    metrics.observe(makeRequest({ attributes, route: '/orders/{id}', errorType: '503', ms: 20 }));
    metrics.observe(makeRequest({ attributes, route: '/orders/{id}', errorType: '503', ms: 30 }));
    const found = await samples();
    const labels =
      'service_name="shop",http_request_method="POST",http_route="/orders/{id}",http_response_status_code="503",error_type="503",url_scheme="http",network_protocol_version="1.1"';
    assert.equal(found.get(`http_server_request_duration_seconds_count{${labels}}`), 2);
    assert.equal(found.get(`http_server_request_duration_seconds_sum{${labels}}`), 0.05);
    assert.equal(found.get(`http_server_request_duration_seconds_bucket{le="0.025",${labels}}`), 1);
    assert.equal(found.get(`http_server_request_duration_seconds_bucket{le="+Inf",${labels}}`), 2);
    assert.equal(found.get(`http_server_request_body_size_bytes_sum{${labels}}`), 600);
    assert.equal(found.get(`http_server_response_body_size_bytes_count{${labels}}`), undefined);
  });

  it('name the peer by its service, and addresses only where that is asked for', async () => {
    const attributes = {
      'http.request.method': 'GET',
      'server.address': 'stock.example.com',
      'server.port': 8080,
    };
    for (const serverAddresses of [false, true]) {
      const { metrics, samples } = makeMetrics({ serverAddresses });
      metrics.observe(makeRequest({ role: 'client', peer: 'stock', attributes }));
      metrics.observe(makeRequest({ role: 'client', attributes }));
      const address = serverAddresses ? ',server_address="stock.example.com",server_port="8080"' : '';
      const found = await samples();
      for (const peer of ['stock', 'external']) {
        const labels = `service_name="shop",http_request_method="GET",service_peer_name="${peer}"${address}`;
        assert.equal(found.get(`http_client_request_duration_seconds_count{${labels}}`), 1, labels);
      }
    }
  });

  it('are of the family that their attributes tell', async () => {
    const { metrics, samples } = makeMetrics();
    const families: Array<[string, Role, Attributes]> = [
      [
        'rpc_server_call_duration_seconds',
        'server',
        { 'rpc.system.name': 'grpc', 'rpc.method': 'shop.Orders/Get' },
      ],
      [
        'rpc_client_call_duration_seconds',
        'client',
        { 'rpc.system.name': 'grpc', 'rpc.method': 'shop.Orders/Get' },
      ],
      [
        'db_client_operation_duration_seconds',
        'client',
        { 'db.system.name': 'redis', 'db.operation.name': 'GET' },
      ],
      ['messaging_client_operation_duration_seconds', 'client', { 'messaging.system': 'kafka' }],
      ['dns_lookup_duration_seconds', 'client', { 'undertrace.dns.question.type': 'A' }],
    ];
    for (const [, role, attributes] of families) metrics.observe(makeRequest({ role, attributes }));
    const found = await samples();
    for (const [name] of families)
      assert.equal([...found.keys()].filter((key) => key.startsWith(`${name}_count`)).length, 1, name);
    assert.ok(![...found.keys()].some((key) => key.startsWith('http_')));
  });

  it('are counted as spans for Jaeger', async () => {
    const { metrics, samples } = makeMetrics();
    metrics.observe(makeRequest({ name: 'GET /orders/{id}', ms: 3 }));
    metrics.observe(makeRequest({ name: 'GET /orders/{id}', ms: 7, errorType: '500' }));
    const found = await samples();
    const labels = (status: string): string =>
      `service_name="shop",span_kind="SPAN_KIND_SERVER",span_name="GET /orders/{id}",status_code="STATUS_CODE_${status}"`;
    assert.equal(found.get(`traces_span_metrics_calls_total{${labels('UNSET')}}`), 1);
    assert.equal(found.get(`traces_span_metrics_calls_total{${labels('ERROR')}}`), 1);
    assert.equal(found.get(`traces_span_metrics_duration_milliseconds_sum{${labels('ERROR')}}`), 7);
  });

  it('are edges of the service graph, once where both ends are seen', async () => {
    const { metrics, samples } = makeMetrics();
    metrics.observe(makeRequest({ role: 'client', service: 'shop', peer: 'stock', errorType: '500', ms: 9 }));
    metrics.observe(makeRequest({ role: 'server', service: 'stock', peer: 'shop', errorType: '500', ms: 7 }));
    metrics.observe(makeRequest({ role: 'server', service: 'shop' }));
    metrics.observe(
      makeRequest({ role: 'client', service: 'shop', attributes: { 'db.system.name': 'redis' } }),
    );
    const found = await samples();
    const name = 'traces_service_graph_request';
    const inside = '{client="shop",server="stock"}';
    assert.equal(found.get(`${name}_total${inside}`), 1);
    assert.equal(found.get(`${name}_failed_total${inside}`), 1);
    assert.equal(found.get(`${name}_client_seconds_sum${inside}`), 0.009);
    assert.equal(found.get(`${name}_server_seconds_sum${inside}`), 0.007);
    assert.equal(found.get(`${name}_total{client="external",server="shop"}`), 1);
    assert.equal(found.get(`${name}_total{client="shop",server="external",connection_type="database"}`), 1);
  });

  it('lead to a trace that is exported', async () => {
    const { metrics, page } = makeMetrics();
    metrics.observe(makeRequest({ ms: 20, span: SPAN }), 1_795_250_000_123);
    metrics.observe(makeRequest({ ms: 21 }), 1_795_250_000_124);
    const lines = (await page.render(true)).split('\n');
    const exemplar = `# {trace_id="${SPAN.traceId}",span_id="${SPAN.spanId}"} 0.02 1795250000.123`;
    assert.ok(
      lines.some(
        (line) =>
          /^http_server_request_duration_seconds_bucket\{.*le="0.025".* 2 # /.test(line) &&
          line.endsWith(exemplar),
      ),
      lines.filter((line) => line.includes('le="0.025"')).join('\n'),
    );
    assert.ok(!(await page.render(false)).includes('trace_id'));
  });

  it('have a bounded number of series, by metric, and say so when it is reached', async () => {
    const { metrics, samples } = makeMetrics({
      seriesLimits: { default: 2, 'traces.span.metrics.calls': 4 },
    });
    for (let i = 0; i < 5; i++) metrics.observe(makeRequest({ name: `GET /${i}`, route: `/${i}` }));
    const found = await samples();
    assert.equal(found.get('http_server_request_duration_seconds_count{otel_metric_overflow="true"}'), 3);
    assert.equal(found.get('traces_span_metrics_calls_total{otel_metric_overflow="true"}'), 1);
    assert.equal(
      found.get('undertrace_metric_overflow_total{metric="http_server_request_duration_seconds"}'),
      3,
    );
    assert.equal(found.get('undertrace_metric_series{metric="traces_span_metrics_calls_total"}'), 5);
  });

  it('have limits by the names that the configuration knows', () => {
    const { metrics } = makeMetrics();
    assert.deepEqual(
      metrics.tables.map(({ instrument }) => instrument.name),
      LIMITED_METRICS,
    );
  });

  it('forget series to which nothing happens', async () => {
    const { metrics, samples } = makeMetrics();
    metrics.observe(makeRequest({ route: '/old' }), 1000);
    metrics.observe(makeRequest({ route: '/new' }), 50_000);
    metrics.sweep(62_000);
    const found = [...(await samples()).keys()];
    assert.ok(!found.some((key) => key.includes('/old')));
    assert.ok(found.some((key) => key.includes('/new')));
  });

  it('are counted while they are under way, by the service that their process is', async () => {
    const { metrics, samples } = makeMetrics();
    const open = (tgid: number, method: string, more: Partial<Exchange> = {}): Exchange => {
      const exchange = {
        ...{ role: 'server', protocol: 'http', tgid, processStartNs: 1, request: { method } },
        ...more,
      } as Exchange;
      metrics.active.opened(exchange);
      return exchange;
    };
    const first = open(1, 'GET');
    open(1, 'GET');
    open(1, 'BREW');
    open(2, 'POST');
    open(1, 'GET', { role: 'client' });
    open(1, 'POST', { protocol: 'http2', request: { method: 'POST', rpc: true } });
    metrics.active.ended(first);
    metrics.active.ended(first);
    const found = [...(await samples())].filter(([key]) => key.startsWith('http_server_active_requests{'));
    assert.deepEqual(found, [
      ['http_server_active_requests{service_name="service-1",http_request_method="GET"}', 1],
      ['http_server_active_requests{service_name="service-1",http_request_method="_OTHER"}', 1],
      ['http_server_active_requests{service_name="service-2",http_request_method="POST"}', 1],
    ]);
  });

  it('are what promtool accepts, but for the unit that Jaeger asks for', async function () {
    needCommand(this, 'promtool', 'it checks metrics');
    const { metrics, page } = makeMetrics();
    metrics.observe(makeRequest({ route: '/a "quoted"\\\n', span: SPAN }));
    metrics.observe(makeRequest({ role: 'client', peer: 'stock' }));
    const input = await page.render(false);
    const { stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], { input, encoding: 'utf8' });
    const unit = 'use base unit "seconds" instead of "milliseconds"';
    assert.deepEqual([stdout, stderr], ['', `traces_span_metrics_duration_milliseconds ${unit}\n`]);
  });
});
