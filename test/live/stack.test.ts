/**
 * The stack of docker-compose.yml with the real programs and its own configuration files: what the dashboards ask for is there, points on graphs lead to
 * traces, and Jaeger's tab Monitor shows what Prometheus has. Grafana is not asked: it cannot be had without its image.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Agent, sleep } from '../support/agent.ts';
import { freePorts } from '../support/collector.ts';
import { dashboards, type PanelQuery, panelQueries, substitute, variables } from '../support/dashboards.ts';
import { Demo } from '../support/demo.ts';
import { Jaeger, needJaeger } from '../support/jaeger.ts';
import { needRoot } from '../support/programs.ts';
import { checkMetrics, Prometheus } from '../support/prometheus.ts';
import {
  type InstalledPackages,
  loadFirstScenario,
  needPackages,
  runScenarioClient,
} from '../support/scenario.ts';
import { StackCollector } from '../support/stack-collector.ts';

/** On a busy machine the agent stands back, and is behind: it is waited for what each query and each service must have. */
const PATIENCE_MS = 600_000;
/** How far back is looked, and the interval of $__rate_interval. */
const WINDOW_S = 120;
/** Protocols that the demo does not speak, each by its first client. */
const OTHERS = ['grpc', 'mqtt', 'dns'];
/** Of their scripted operations at a time. */
const ROUNDS = 10;
/** Between two of them there are scrapes. */
const BETWEEN_MS = 10_000;

/** Of each kind of traffic what comes last or seldom. */
const SEEN_LAST: readonly string[] = [
  'traces_span_metrics_calls_total{span_name="GET /fail"}',
  'rpc_client_call_duration_seconds_count',
  'messaging_client_operation_duration_seconds_count',
  'dns_lookup_duration_seconds_count',
];

/** Panels that have data only on some machines, or after a fault, and which. All others must have some. */
const WITHOUT_DATA: Readonly<Record<string, string>> = {
  'host / CPU / Containers stopped by their CPU limit': 'a container with a CPU limit',
  'host / CPU / Pressure: some task waited': 'a kernel with pressure stall information',
  'host / Memory / Errors: killed for want of memory': 'a fault: no memory left',
  'host / Memory / Saturation: freeing memory first, p99': 'a fault: hardly any memory left',
  'host / Memory / Saturation: swapped': 'a kernel with swap',
};

/** What promtool finds fault with although it is so on purpose: others' names, which their dashboards and alerts ask for. */
const KNOWN_COMPLAINTS = [
  /^otelcol_\S+ counter metrics should have "_total" suffix$/,
  /^traces_span_metrics_duration_milliseconds use base unit "seconds" instead of "milliseconds"$/,
  /^(?:system|process)_\S+_count non-histogram and non-summary metrics should not have "_count" suffix$/,
];

describe('the stack', function () {
  this.timeout(120_000);
  let folder: string | undefined;
  let agent: Agent | undefined;
  let prometheus: Prometheus;
  let jaeger: Jaeger | undefined;
  let collector: StackCollector | undefined;
  let demo: Demo | undefined;
  let services: string[];
  let held: { end(): Promise<void> } | undefined;

  before(async function () {
    this.timeout(1_500_000); // the first run builds programs
    needRoot(this);
    const jaegerBinary = needJaeger(this);
    const packages = OTHERS.map((name) => needPackages(this, name));
    folder = mkdtempSync(path.join(tmpdir(), 'undertrace-stack-'));
    demo = await Demo.start(this);

    const [jaegerGrpc, jaegerMetrics] = (await freePorts(2)) as [number, number];
    collector = await StackCollector.start(this, jaegerGrpc);
    agent = await Agent.start({
      // What this test has started, and nothing else of a busy machine.
      receiver: { filters: { include: [{ pid: process.pid, children: true }] } },
      exporters: { otlp_http: { endpoint: collector.endpoint } },
    });
    prometheus = await Prometheus.start(this, folder, {
      targets: {
        'agent:9464': `127.0.0.1:${agent.port}`,
        'collector:8888': collector.metrics,
        'jaeger:8888': `127.0.0.1:${jaegerMetrics}`,
      },
    });
    jaeger = await Jaeger.start(jaegerBinary, {
      prometheus: prometheus.url,
      grpcPort: jaegerGrpc,
      metricsPort: jaegerMetrics,
    });
    assert.equal((await fetch(collector.health)).status, 200);
    assert.equal((await fetch(jaeger.health)).status, 200);

    await demo.visit();
    held = await holdRequest();
    // Again and again: a series that has one value has no rate.
    const until = Date.now() + PATIENCE_MS;
    for (
      let missing: readonly string[] = SEEN_LAST;
      missing.length > 0;
      missing = await notIncreasing(SEEN_LAST)
    ) {
      assert.ok(Date.now() < until, `not seen within ${PATIENCE_MS} ms: ${missing.join(', ')}`);
      for (const [i, name] of OTHERS.entries()) await runClient(name, folder, packages[i]!);
      await sleep(BETWEEN_MS);
    }
    const seen = await prometheus.query('count by (service_name) (traces_span_metrics_calls_total)');
    services = seen.map(({ metric }) => metric.service_name!);
  });

  /** Which of them have not been seen to increase. */
  async function notIncreasing(selectors: readonly string[]): Promise<string[]> {
    const missing: string[] = [];
    for (const selector of selectors) {
      const rates = await prometheus.query(`increase(${selector}[${WINDOW_S}s]) > 0`);
      if (rates.length === 0) missing.push(selector);
    }
    return missing;
  }

  after(async () => {
    await held?.end();
    await demo?.stop();
    await agent?.stop();
    await prometheus?.stop();
    await collector?.stop();
    await jaeger?.stop();
    if (folder) rmSync(folder, { recursive: true });
  });

  /** With the values that Grafana would take: all agents, and one service. */
  function ask({ expr, instant }: PanelQuery, service: string): ReturnType<Prometheus['query']> {
    const text = substitute(expr, {
      ...{ job: '.*', instance: '.*', service },
      __rate_interval: `${WINDOW_S}s`,
    });
    return instant ? prometheus.query(text) : prometheus.queryRange(text, WINDOW_S);
  }

  /** True if it has data for some service. */
  async function hasData(query: PanelQuery): Promise<boolean> {
    for (const service of query.expr.includes('$service') ? services : [''])
      if ((await ask(query, service)).length > 0) return true;
    return false;
  }

  it('has data for every panel of every dashboard', async () => {
    const empty: string[] = [];
    for (const query of panelQueries())
      if (!(query.name in WITHOUT_DATA) && !(await hasData(query))) empty.push(query.name);
    assert.deepEqual(empty, []);
    const names = new Set(panelQueries().map(({ name }) => name));
    assert.deepEqual(
      Object.keys(WITHOUT_DATA).filter((name) => !names.has(name)),
      [],
    );
  });

  it('has values for every variable of every dashboard', async () => {
    for (const dashboard of Object.values(dashboards()))
      for (const { name, expr, label } of variables(dashboard)) {
        const found = await prometheus.query(substitute(expr, { job: '.*', instance: '.*' }));
        const values = new Set(found.map(({ metric }) => metric[label]));
        assert.ok(values.size > 0 && !values.has(undefined), `${dashboard.title}: ${name}`);
      }
  });

  it('leads from points on graphs to traces in Jaeger', async () => {
    const queries = panelQueries().filter(({ exemplars }) => exemplars);
    assert.ok(queries.length >= 5, `${queries.length} panels have exemplars`);
    for (const { name, expr } of queries) {
      let found: string[] = [];
      for (const service of services) {
        const text = substitute(expr, {
          ...{ job: '.*', instance: '.*', service },
          __rate_interval: `${WINDOW_S}s`,
        });
        found = (await prometheus.exemplars(text, WINDOW_S)).map(({ labels }) => labels.trace_id!);
        if (found.length > 0) break;
      }
      assert.ok(found.length > 0, `${name} has no exemplar`);
      const spans = await jaeger!.waitForTrace(found[0]!, 1);
      assert.ok(spans.length > 0, name);
    }
  });

  it('shows in Jaeger’s tab Monitor what Prometheus has of a service', async () => {
    const monitor = async (metric: string, more = ''): Promise<MonitorAnswer> => {
      const url = `${jaeger!.page}/api/metrics/${metric}?service=app&endTs=${Date.now()}&lookback=${WINDOW_S * 1000}&step=5000&ratePer=${WINDOW_S * 1000}&spanKind=server&groupByOperation=true${more}`;
      const response = await fetch(url);
      assert.equal(response.status, 200, await response.clone().text());
      return (await response.json()) as MonitorAnswer;
    };
    const operations = ({ metrics }: MonitorAnswer): string[] =>
      metrics.map(({ labels }) => labels.find(({ name }) => name === 'operation')!.value).sort();
    const last = ({ metrics }: MonitorAnswer, operation: string): number =>
      metrics
        .find(({ labels }) => labels.some(({ value }) => value === operation))!
        .metricPoints.map(({ gaugeValue }) => gaugeValue.doubleValue)
        .filter((value) => typeof value === 'number')
        .at(-1)!;
    const calls = await monitor('calls');
    assert.deepEqual(operations(calls), ['GET /fail', 'GET /visits/{id}']);
    const [truth] = await prometheus.query(
      `sum(rate(traces_span_metrics_calls_total{service_name="app",span_name="GET /visits/{id}",span_kind="SPAN_KIND_SERVER"}[${WINDOW_S}s]))`,
    );
    const shown = last(calls, 'GET /visits/{id}');
    assert.ok(Math.abs(shown - truth!.value) < 0.3 * truth!.value, `${shown} and ${truth!.value} a second`);
    const p95 = last(await monitor('latencies', '&quantile=0.95'), 'GET /visits/{id}');
    assert.ok(p95 > 0 && p95 < 10_000, `${p95} ms`);
    assert.equal(last(await monitor('errors'), 'GET /fail'), 1);
  });

  it('gives what promtool finds no fault with, but for names that are others’', async function () {
    const scrape = await agent!.metrics();
    const complaints = checkMetrics(this, scrape);
    assert.deepEqual(
      complaints.filter((complaint) => !KNOWN_COMPLAINTS.some((known) => known.test(complaint))),
      [],
    );
  });

  it('warns of nothing while all is well', async () => {
    const warned = (await prometheus.alerts()).map(({ labels }) => labels.alertname!);
    // On a busy machine the agent stands back, and says what that cost.
    const lost = await prometheus.query('undertrace_ledger_lost_total{reason="ring_full"} > 0');
    const known = lost.length > 0 ? ['UndertraceRingOverrun'] : [];
    assert.deepEqual(
      warned.filter((name) => name.startsWith('Undertrace') && !known.includes(name)),
      [],
    );
  });
});

interface MonitorAnswer {
  metrics: Array<{
    labels: Array<{ name: string; value: string }>;
    metricPoints: Array<{ gaugeValue: { doubleValue: number | 'NaN' } }>;
  }>;
}

/** A request that is under way until it is ended: this process asks itself. */
async function holdRequest(): Promise<{ end(): Promise<void> }> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const arrived = once(server, 'request') as Promise<[IncomingMessage, ServerResponse]>;
  const answer = fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/held`);
  const [, response] = await arrived;
  return {
    async end() {
      response.end();
      await (await answer).text();
      server.close();
    },
  };
}

/** Runs a scenario's server, and its first client once. */
async function runClient(name: string, folder: string, packages: InstalledPackages): Promise<void> {
  const scenario = await loadFirstScenario(name);
  const { host, port } = scenario.at ?? { host: '127.0.0.1', port: (await freePorts(1))[0]! };
  const place = { host, port, folder: mkdtempSync(path.join(folder, name)), packages };
  const server = await scenario.start(place);
  const [client] = scenario.clients;
  const command = client!.command({ ...place, count: ROUNDS });
  try {
    await runScenarioClient(`${name}-client`, command, packages);
  } finally {
    await server.stop();
  }
}
