/**
 * Cost of linking: closed exchanges to placed spans, and of its parts. `npx tsx scripts/bench-link.ts [requests]`
 *
 * Each request has a client and a server exchange of 12 attributes; 100 requests a drain. The decoder's `describe` is replaced by a copy of
 * an object, whose cost is measured apart and shown as such; routes are learned from paths of which every one is new.
 */
import { Ledger } from '../src/base/ledger.ts';
import type { Connection } from '../src/connection/connection.ts';
import type { Description, Exchange, Role } from '../src/decode/exchange.ts';
import type { ServiceResource } from '../src/enrich/resource.ts';
import { Filters } from '../src/enrich/filters.ts';
import { ProcessTable } from '../src/enrich/process-table.ts';
import { RouteTable } from '../src/enrich/route.ts';
import { UnixClock } from '../src/link/clock.ts';
import { clientSpanId, rootTraceId } from '../src/link/ids.ts';
import { Linker } from '../src/link/linker.ts';

const REQUESTS = Number(process.argv[2] ?? 100_000);
const DRAIN = 100;

const service: ServiceResource = { serviceName: 'shop', attributes: {} };

function describe(exchange: Exchange): Description {
  const n = exchange.request as number;
  return {
    name: 'GET',
    errorType: undefined,
    path: `/users/${n}/orders`,
    attributes: {
      'http.request.method': 'GET',
      'http.response.status_code': 200,
      'url.scheme': 'http',
      'url.path': '/users/1/orders',
      'server.address': 'shop.example.com',
      'server.port': 8080,
      'network.peer.address': '10.0.0.1',
      'network.peer.port': 40_000 + (n % 1000),
      'network.protocol.version': '1.1',
      'network.transport': 'tcp',
      'http.request.body.size': 0,
      'http.response.body.size': 512,
    },
  };
}

const connection: Connection = {
  ...{ id: 1, sock: 1, inode: 1, netns: 1, transport: 'tcp', accepted: true, localAddress: '', localPort: 1 },
  ...{ remoteAddress: '', remotePort: 1, txFirst: 1, rxFirst: 1, peer: 0, tgid: 1, processStartNs: 1 },
};

function exchange(n: number, role: Role, nowNs: number): Exchange {
  return {
    protocol: 'http1',
    role,
    connection,
    tgid: 1,
    processStartNs: 1,
    tid: 1,
    startNs: nowNs,
    endNs: nowNs + 1000,
    requestPosition: 0,
    request: n,
    response: undefined,
    failure: undefined,
    incomplete: undefined,
    hop: { kind: 'tcp', high: Math.imul(n, 0x9e3779b9) >>> 0, low: n },
  };
}

function run(requests: number, paired: boolean): number {
  const ledger = new Ledger();
  const clock = new UnixClock();
  const routes = new RouteTable();
  let spans = 0;
  const linker = new Linker({
    describe,
    traceContextOf: () => undefined,
    identify: () => service,
    identifyNow: () => service,
    routeOf: ({ role }, { path }, { serviceName }) =>
      role === 'server' ? routes.route(serviceName, path!, true) : undefined,
    onTrace: (trace) => (spans += trace.length),
    clock,
    exchanges: ledger.exchanges,
    spans: ledger.spans,
  });
  let nowNs = 1e12;
  const batch: Exchange[] = [];
  let made = 0;
  let elapsed = 0n;
  while (made < requests) {
    batch.length = 0;
    for (let i = 0; i < DRAIN; i++, made++) {
      if (paired) batch.push(exchange(made, 'client', nowNs));
      batch.push(exchange(made, 'server', nowNs + 10));
    }
    const before = process.hrtime.bigint();
    for (const one of batch) linker.opened(one);
    for (const one of batch) linker.closed(one);
    nowNs += 10_000_000;
    clock.update(nowNs, 1_700_000_000, 0, nowNs);
    linker.clock(nowNs);
    elapsed += process.hrtime.bigint() - before;
  }
  linker.flush();
  return Number(elapsed) / spans;
}

function time(rounds: number, work: (n: number) => unknown): number {
  for (let n = 0; n < 10_000; n++) work(n);
  const before = process.hrtime.bigint();
  for (let n = 0; n < rounds; n++) work(n);
  return Number(process.hrtime.bigint() - before) / rounds;
}

function show(what: string, ns: number): void {
  process.stdout.write(`${what.padEnd(44)} ${ns.toFixed(0).padStart(6)} ns\n`);
}

/** The machine has neighbours: the best of several runs is nearest to what the work costs. */
function best(measure: () => number): number {
  return Math.min(...Array.from({ length: 5 }, measure));
}

show(
  'describe (stand-in, part of what follows)',
  best(() => time(300_000, (n) => describe(exchange(n, 'client', n)))),
);
show(
  'a span of a pair',
  best(() => run(REQUESTS, true)),
);
show(
  'a span of a server alone',
  best(() => run(REQUESTS, false)),
);
show(
  'a span id',
  time(1_000_000, (n) => clientSpanId({ kind: 'tcp', high: n, low: 1 })),
);
show(
  'a trace id',
  time(1_000_000, (n) => rootTraceId({ kind: 'tcp', high: n, low: 1 })),
);
const routes = new RouteTable();
show(
  'a route, new path',
  time(500_000, (n) => routes.route('s', `/users/${n}/orders/${n * 7}`, true)),
);
show(
  'a route, known path',
  time(500_000, (n) => routes.route('s', `/users/${n % 500}/orders`, true)),
);
const filters = new Filters();
const processes = new ProcessTable();
processes.onProcess(1, 1, { source: 'exec', exe: '/usr/bin/shopd', argv: ['shopd'], comm: 'shopd' }, 1);
const paths = Array.from({ length: 500 }, (_, n) => `/users/${n}/orders`);
show(
  'filters: span rules, none fits',
  best(() =>
    time(500_000, (n) =>
      filters.dropsSpan({
        path: paths[n % 500],
        route: '/users/{id}/orders',
        method: 'GET',
        userAgent: 'curl/8.1',
        status: 200,
        service: 'shop',
      }),
    ),
  ),
);
show(
  'filters: process',
  best(() => time(500_000, () => filters.connection(processes.view(1, 1)!, 80))),
);
