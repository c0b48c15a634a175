/** Both ends of a request are in one trace, the server below the client, whatever lies between them and however old their connection is. */
import assert from 'node:assert/strict';
import { Agent } from '../support/agent.ts';
import { Asker } from '../support/asker.ts';
import { balancedBooks } from '../support/books.ts';
import { checkSpans, CLIENT, realtimeOffset, SERVER } from '../support/check-spans.ts';
import { LoneNamespace } from '../support/netns.ts';
import type { ReceivedSpan } from '../support/otlp-proto.ts';
import { needCommand, needRoot } from '../support/programs.ts';
import {
  C_CLIENT,
  C_SERVER,
  makePlan,
  NODE_SERVER,
  runClient,
  RunningServer,
  Scratch,
} from '../support/workload.ts';

const REQUESTS = 22;

/** Where a request goes: to the router's address, never to the server's. */
const FAMILIES = [
  {
    family: 'IPv4',
    ...{ client: '10.214.1.2', router: '10.214.1.1', routerBehind: '10.214.2.1', server: '10.214.2.2' },
    prefix: 24,
  },
  {
    family: 'IPv6',
    ...{ client: 'fd00:214:1::2', router: 'fd00:214:1::1', routerBehind: 'fd00:214:2::1' },
    ...{ server: 'fd00:214:2::2', prefix: 64 },
  },
] as const;
/** Ports of the router: at one the client stays who it is, at the other the server sees the router. */
const [FORWARDED, MASQUERADED] = [8001, 8002];

const url = (address: string, port: number): string =>
  `http://${address.includes(':') ? `[${address}]` : address}:${port}`;
const portOf = (listening: string): number => Number(/\d+$/.exec(listening)![0]);

let serial = 0;
const newRun = (): string => `hops-${process.pid}-${serial++}`;

describe('hops', function () {
  this.timeout(60_000);
  const scratch = new Scratch();
  const namespaces: LoneNamespace[] = [];
  let cleanUp: Array<() => Promise<unknown>> = [];

  before(function () {
    needRoot(this);
  });

  afterEach(async () => {
    const steps = cleanUp.reverse();
    cleanUp = [];
    try {
      for (const step of steps) await step();
    } finally {
      for (const namespace of namespaces.splice(0)) namespace.remove();
    }
  });

  after(() => scratch.remove());

  async function startAgent(): Promise<Agent> {
    // What is right is asked here, not how much load a ring bears: other work on the machine must not matter.
    const agent = await Agent.start({ receiver: { ring_size: '64MiB' } });
    cleanUp.push(() => agent.stop());
    return agent;
  }

  async function startServer(
    ...[context, program, addresses, options]: Parameters<typeof RunningServer.start>
  ): Promise<RunningServer> {
    const server = await RunningServer.start(context, program, addresses, options);
    cleanUp.push(() => server.stop());
    return server;
  }

  function startAsker(base: string, wrap: readonly string[] = []): Asker {
    const asker = new Asker(base, 'hops-client', wrap);
    cleanUp.push(() => asker.stop());
    return asker;
  }

  /** A client, a router and a server, each in a network of its own; requests to the router's ports go to the server. */
  async function startRouted(
    context: Mocha.Context,
  ): Promise<{ client: LoneNamespace; server: RunningServer }> {
    needCommand(context, 'nft', 'addresses are translated by nftables');
    const [client, router, behind] = [0, 1, 2].map(() => {
      const namespace = LoneNamespace.create(context);
      namespaces.push(namespace);
      return namespace;
    }) as [LoneNamespace, LoneNamespace, LoneNamespace];
    const of = (end: 'client' | 'router' | 'routerBehind' | 'server'): string[] =>
      FAMILIES.map((family) => `${family[end]}/${family.prefix}`);
    client.join(router, of('client'), of('router'));
    router.join(behind, of('routerBehind'), of('server'));
    client.routeBy(...FAMILIES.map(({ router: address }) => address));
    behind.routeBy(...FAMILIES.map(({ routerBehind: address }) => address));
    router.forward();
    const addresses = FAMILIES.map(({ server: address }) => url(address, 0).slice('http://'.length));
    const service = 'hops-server';
    const server = await startServer(context, NODE_SERVER, addresses, { service, wrap: behind.wrap });
    const ports = `{ ${FORWARDED}, ${MASQUERADED} }`;
    const rules = FAMILIES.map(({ family, server: address }, i) => {
      const [protocol, ip] = family === 'IPv4' ? ['ipv4', 'ip'] : ['ipv6', 'ip6'];
      const to = url(address, portOf(server.listening[i]!)).slice('http://'.length);
      return `meta nfproto ${protocol} tcp dport ${ports} dnat ${ip} to ${to};`;
    });
    router.filter(`table inet undertrace {
      chain arriving { type nat hook prerouting priority dstnat; ${rules.join(' ')} }
      chain leaving { type nat hook postrouting priority srcnat; meta l4proto tcp ct original proto-dst ${MASQUERADED} masquerade; }
    }`);
    return { client, server };
  }

  /** One client and one server span a request, and how the second was found to belong to the first. */
  function assertHops(spans: readonly ReceivedSpan[], requests: number): void {
    const clients = spans.filter(({ kind }) => kind === CLIENT);
    const servers = spans.filter(({ kind }) => kind === SERVER);
    assert.deepEqual([clients.length, servers.length], [requests, requests]);
    for (const server of servers) {
      const client = clients.find(({ spanId }) => spanId === server.parentSpanId);
      assert.ok(client, `no parent: ${JSON.stringify(server)}`);
      assert.equal(server.traceId, client.traceId);
      assert.equal(server.attributes['undertrace.link.method'], 'hop');
      assert.equal(server.attributes['undertrace.hop.id'], client.attributes['undertrace.hop.id']);
    }
  }

  it('are joined through a router that translates addresses, and each end tells whom it sees', async function () {
    const agent = await startAgent();
    const { client } = await startRouted(this);
    for (const { family, client: own, router, routerBehind } of FAMILIES) {
      for (const port of [FORWARDED, MASQUERADED]) {
        for (const mode of ['keepalive', 'close'] as const) {
          const run = newRun();
          const plan = makePlan(run, REQUESTS, mode, C_CLIENT, C_SERVER);
          const offset = realtimeOffset();
          const options = { scratch, service: 'hops-client', wrap: client.wrap };
          const log = await runClient(this, C_CLIENT, url(router, port), plan, mode, options);
          const spans = await agent.spans(`/w/${run}/`, 2 * REQUESTS);
          const unchanged = port === FORWARDED;
          const seen = unchanged ? log : log.map((line) => ({ ...line, local: undefined }));
          checkSpans(spans, plan, seen, {
            ...{ clientService: 'hops-client', serverService: 'hops-server', transport: 'tcp', offset },
            ...{ peerAddress: router, peerPort: port },
          });
          assertHops(spans, REQUESTS);
          const peers = spans
            .filter(({ kind }) => kind === SERVER)
            .map(({ attributes }) => attributes['network.peer.address']);
          assert.deepEqual([...new Set(peers)], [unchanged ? own : routerBehind], `${family} at ${port}`);
        }
      }
    }
    await balancedBooks(agent);
  });

  it('are joined on connections that are older than the agent, through a router, too', async function () {
    const { client, server } = await startRouted(this);
    const local = await startServer(this, NODE_SERVER, ['127.0.0.1:0', '[::1]:0'], {
      service: 'hops-server',
    });
    const askers = [
      ...local.listening.map((address) => startAsker(`http://${address}`)),
      ...FAMILIES.flatMap(({ router }) =>
        [FORWARDED, MASQUERADED].map((port) => startAsker(url(router, port), client.wrap)),
      ),
    ];
    assert.equal(server.listening.length, FAMILIES.length);
    const run = newRun();
    for (const asker of askers) assert.equal(await asker.ask(`/w/${run}/before?size=10`), '200');
    const agent = await startAgent();
    for (const [n, asker] of askers.entries())
      for (let i = 0; i < REQUESTS; i++)
        assert.equal(await asker.ask(`/w/${run}/${n}-${i}?size=${100 * i}`), '200');
    assertHops(await agent.spans(`/w/${run}/`, 2 * askers.length * REQUESTS), askers.length * REQUESTS);
    await balancedBooks(agent);
  });
});
