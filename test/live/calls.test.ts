/** What an application asks of databases, caches and name servers hangs under the request that it was asked for. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Agent, pathOf } from '../support/agent.ts';
import { CLIENT, SERVER } from '../support/check-spans.ts';
import { freePorts } from '../support/collector.ts';
import type { ReceivedSpan } from '../support/otlp-proto.ts';
import { inCheckout, needRoot } from '../support/programs.ts';
import { environment } from '../support/running-program.ts';
import {
  loadFirstScenario,
  needPackages,
  ScenarioServer,
  type InstalledPackages,
} from '../support/scenario.ts';

const SERVERS = ['dns', 'postgresql', 'memcached', 'redis'] as const;
const HOST = '127.0.0.1';
const REQUESTS = 400;
const AT_ONCE = 16;

type ServerName = (typeof SERVERS)[number];

/** A request to a server, and the span that it hangs on. */
interface Call {
  order: string;
  parent: string;
}

/** What is asked, by whom it is served. */
const ASKED: Readonly<Record<ServerName, (span: ReceivedSpan) => unknown>> = {
  dns: ({ attributes }) => attributes['dns.question.name'],
  postgresql: ({ attributes }) => attributes['db.query.text'],
  memcached: ({ attributes }) => attributes['db.query.text'],
  redis: ({ attributes }) => attributes['db.query.text'],
};

const program = (file: string): string => inCheckout('test', 'workload', 'calls', file);

interface Application {
  command(resolvConf: string): string[];
  /** Of whom it asks something for each request. */
  asks: readonly ServerName[];
  /** Share of its calls that must have a parent. */
  least: number;
}

/** By service name. */
const APPLICATIONS: Readonly<Record<string, Application>> = {
  'orders-node': {
    command: () => [process.execPath, program('orders.cjs')],
    // What follows the answer of a name server Node does when the turn is over, so that no rule can tell for whom.
    asks: ['postgresql', 'memcached', 'redis'],
    least: 0.9,
  },
  'orders-python': {
    command: (resolvConf) => [
      ...['unshare', '-m', 'sh', '-c', 'mount --bind "$0" /etc/resolv.conf && exec python3 "$@"'],
      ...[resolvConf, program('orders.py')],
    ],
    asks: SERVERS,
    least: 0.9,
  },
};

/** What several packages.json have installed, together. */
function together(context: Mocha.Context): InstalledPackages {
  const all = SERVERS.map((name) => needPackages(context, name));
  const paths = (key: keyof InstalledPackages): string =>
    all.flatMap((each) => each[key] ?? []).join(path.delimiter);
  return { node: paths('node'), python: paths('python') };
}

describe('calls of databases, caches and name servers', function () {
  this.timeout(120_000);
  const cleanUp: Array<() => Promise<unknown> | void> = [];
  const ports = {} as Record<ServerName, number>;
  let packages: InstalledPackages;
  let folder: string;
  let agent: Agent;

  before(async function () {
    needRoot(this);
    packages = together(this);
    folder = mkdtempSync(path.join(tmpdir(), 'undertrace-calls-'));
    cleanUp.push(() => rmSync(folder, { recursive: true }));
    for (const name of SERVERS) {
      const scenario = await loadFirstScenario(name);
      const own = mkdtempSync(path.join(tmpdir(), `undertrace-calls-${name}-`));
      cleanUp.push(() => rmSync(own, { recursive: true }));
      const at = scenario.at ?? { host: HOST, port: (await freePorts(1))[0]! };
      const server = await scenario.start({ ...at, folder: own, packages: {} });
      cleanUp.push(() => server.stop());
      ports[name] = at.port;
    }
    const filters = { include: [{ pid: process.pid, children: true }] };
    agent = await Agent.start({ receiver: { ring_size: '64MiB', filters } });
    cleanUp.push(() => agent.stop());
  });

  after(async () => {
    for (const step of cleanUp.reverse()) await step();
  });

  for (const [service, application] of Object.entries(APPLICATIONS))
    it(`hang under the request of ${service}`, async () => {
      const [port] = (await freePorts(1)) as [number];
      const resolvConf = path.join(folder, 'resolv.conf');
      writeFileSync(resolvConf, 'nameserver 127.0.0.53\n');
      const at = JSON.stringify({ ...ports, host: HOST, dns: '127.0.0.53' });
      const running = await ScenarioServer.start(
        [...application.command(resolvConf), HOST, String(port), at],
        { host: HOST, port, folder, packages },
        { env: environment(service) },
      );
      try {
        await ask(`http://${HOST}:${port}/orders/`);
        await compare(service, application);
        await count(service, application);
      } finally {
        await running.stop();
      }
    });

  /** The metrics of requests say the same as the spans. */
  async function count(service: string, { asks }: Application): Promise<void> {
    const samples = (await agent.metrics()).split('\n');
    const total = (name: string, ...labels: string[]): number =>
      samples
        .filter((line) => line.startsWith(`${name}{`) && labels.every((label) => line.includes(label)))
        .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
    const own = `service_name="${service}"`;
    assert.equal(total('http_server_request_duration_seconds_count', own), REQUESTS);
    assert.equal(total('traces_span_metrics_calls_total', own, 'SPAN_KIND_SERVER'), REQUESTS);
    const queries = { redis: 'GET', memcached: 'get', postgresql: 'SELECT' } as const;
    for (const [system, operation] of Object.entries(queries)) {
      const name = 'db_client_operation_duration_seconds_count';
      const counted =
        total(name, own, `db_system_name="${system}"`, `db_operation_name="${operation}"`) ||
        total(name, own, `db_system_name="${system}"`, `db_query_summary="${operation}"`);
      assert.equal(counted, REQUESTS, system);
    }
    const edges = [`client="${service}"`, 'connection_type="database"'];
    assert.ok(total('traces_service_graph_request_total', ...edges) >= 3 * REQUESTS);
    // Both ends of each were seen.
    assert.equal(total('traces_service_graph_request_total', 'external', service), 0);
    if (asks.includes('dns')) assert.ok(total('dns_lookup_duration_seconds_count', own) >= REQUESTS);
  }

  async function ask(base: string): Promise<void> {
    const orders = Array.from({ length: REQUESTS }, (_, i) => i);
    const asker = async (): Promise<void> => {
      for (let order = orders.pop(); order !== undefined; order = orders.pop()) {
        const response = await fetch(`${base}${order}`);
        assert.equal(response.status, 200, await response.text());
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, asker));
  }

  async function compare(service: string, { asks, least }: Application): Promise<void> {
    const of = (kind: number): ReceivedSpan[] =>
      agent.sink.spans.filter((span) => span.kind === kind && span.resource['service.name'] === service);
    const callsTo = (name: ServerName): Call[] =>
      of(CLIENT).flatMap((span) => {
        const order = /order[-_](\d+)/.exec(String(ASKED[name](span)))?.[1];
        return order === undefined || systemOf(span) !== name ? [] : [{ order, parent: span.parentSpanId }];
      });
    const isAllThere = (): boolean =>
      of(SERVER).length >= REQUESTS && asks.every((name) => callsTo(name).length >= REQUESTS);
    await agent.sink.waitFor(isAllThere, 30_000);
    const requests = new Map(of(SERVER).map((span) => [span.spanId, /\d+$/.exec(pathOf(span)!)![0]]));
    for (const name of asks) {
      const calls = callsTo(name);
      assert.equal(calls.length, REQUESTS, `${name}: calls`);
      const given = calls.filter(({ parent }) => parent !== '');
      const wrong = given.filter(({ order, parent }) => requests.get(parent) !== order);
      assert.deepEqual(wrong, [], `${name}: calls under another request`);
      assert.ok(
        given.length >= least * calls.length,
        `${name}: ${given.length} of ${calls.length} have a parent`,
      );
    }
  }
});

function systemOf({ attributes }: ReceivedSpan): unknown {
  return attributes['db.system.name'] ?? 'dns';
}
