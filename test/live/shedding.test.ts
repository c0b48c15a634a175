/** What is left out above the limit of memory: whole connections, of which both ends agree, and never all of them. */
import assert from 'node:assert/strict';
import { samplesOf } from '../metrics/make-sources.ts';
import { Agent, pathOf, sleep } from '../support/agent.ts';
import { balancedBooks } from '../support/books.ts';
import { CLIENT, SERVER } from '../support/check-spans.ts';
import type { ReceivedSpan } from '../support/otlp-proto.ts';
import { needRoot } from '../support/programs.ts';
import { C_CLIENT, C_SERVER, makePlan, runClient, RunningServer, Scratch } from '../support/workload.ts';

/** The least that may be configured, and less than any agent takes. */
const LIMIT = '64MiB';
/** Index of the step `connections`. Memory takes ten seconds a step, so that a further one would have been taken when `LATER_MS` have passed. */
const CONNECTIONS = 3;
const CLIMB_MS = 60_000;
const LATER_MS = 15_000;
/** On a machine without idle time the agent rests for most of it. */
const ARRIVE_MS = 90_000;
const POLL_MS = 500;
/** Each on a connection of its own. One in eight is traced: fewer than 5 or more than 25 % do not happen by chance. */
const REQUESTS = 4000;
const LEAST = 0.05 * REQUESTS;
const MOST = 0.25 * REQUESTS;
const DURATIONS = {
  client: /^http_client_request_duration_seconds_count\{/,
  server: /^http_server_request_duration_seconds_count\{/,
};
/** Other traffic of the machine would be counted as well. */
const filters = { include: [{ pid: process.pid, children: true }] };

describe('above the limit of memory', function () {
  this.timeout(300_000);
  const scratch = new Scratch();
  let agent: Agent;
  let server: RunningServer | undefined;

  before(async function () {
    needRoot(this);
    agent = await Agent.start({ receiver: { filters, limits: { memory: LIMIT } } });
    const deadline = Date.now() + CLIMB_MS;
    while ((await read()).get('undertrace_governor_level') !== CONNECTIONS) {
      assert.ok(Date.now() < deadline, agent.stderr);
      await sleep(POLL_MS);
    }
  });

  afterEach(async () => {
    await server?.stop();
    server = undefined;
  });

  after(async () => {
    agent?.kill('SIGKILL');
    await agent?.ended();
    scratch.remove();
  });

  async function read(): Promise<Map<string, number>> {
    return samplesOf(await agent.metrics());
  }

  /** What is said once everything that the clients did has been worked off. */
  async function settled(): Promise<Map<string, number>> {
    let now = await read();
    const held = (): string[] =>
      [
        'undertrace_ring_used_bytes',
        ...['delivered', 'exchanges', 'spans'].map((stage) => `undertrace_ledger_held{stage="${stage}"}`),
      ].flatMap((name) => (now.get(name) === 0 ? [] : [`${name} ${now.get(name)}`]));
    const isWorkedOff = async (): Promise<boolean> => {
      now = await read();
      return held().length === 0;
    };
    await until(isWorkedOff, () => `is held: ${held().join(', ')}`);
    return now;
  }

  /** Requests that were traced since `before`, at each end. */
  function traced(now: Map<string, number>, before: Map<string, number>): Record<string, number> {
    const sum = (samples: Map<string, number>, name: RegExp): number =>
      [...samples].reduce((all, [sample, value]) => all + (name.test(sample) ? value : 0), 0);
    return Object.fromEntries(
      Object.entries(DURATIONS).map(([end, name]) => [end, sum(now, name) - sum(before, name)]),
    );
  }

  for (const transport of ['tcp', 'unix'] as const) {
    it(`traces one connection in eight, at both ends: ${transport}`, async function () {
      const address = transport === 'tcp' ? '127.0.0.1:0' : `unix:${scratch.file('shop.sock')}`;
      server = await RunningServer.start(this, C_SERVER, [address], { service: 'shop' });
      const [listening] = server.listening as [string];
      const base = transport === 'tcp' ? `http://${listening}` : listening;
      const before = await read();
      const run = `shedding-${process.pid}-${transport}`;
      // Short messages, as they are made for pipelines.
      const plan = makePlan(run, REQUESTS, 'pipeline', C_CLIENT, C_SERVER);
      await runClient(this, C_CLIENT, base, plan, 'close', { scratch });
      const now = await settled();
      await balancedBooks(agent);
      const { client, server: served } = traced(now, before) as { client: number; server: number };
      assert.ok(client >= LEAST && client <= MOST, `${client} of ${REQUESTS} are traced`);
      assert.equal(served, client, 'one end of a connection is traced, and the other is not');
      // The kernel side's counters come with the next record of them.
      const shed = 'undertrace_kernel_shed_connections_total';
      const leftOut = async (): Promise<number> => (await read()).get(shed)! - before.get(shed)!;
      await until(
        async () => (await leftOut()) >= 2 * (REQUESTS - client),
        () => 'not all are counted',
      );

      // Of these the traces are exported that have one of eight trace ids: each whole.
      const lost = 'undertrace_ledger_lost_total{stage="spans",reason="shed"}';
      const exported = 2 * client - (now.get(lost)! - (before.get(lost) ?? 0));
      const arrived = (): ReceivedSpan[] =>
        agent.sink.spans.filter((span) => pathOf(span)?.startsWith(`/w/${run}/`));
      await until(
        () => arrived().length >= exported,
        () => `not all of ${exported} spans arrive`,
      );
      const spans = arrived();
      assert.equal(spans.length, exported);
      assertPairs(spans);
    });
  }

  it('never pauses, since that would give no memory back', async () => {
    for (const end = Date.now() + LATER_MS; Date.now() < end; await sleep(POLL_MS)) {
      const samples = await read();
      assert.equal(samples.get('undertrace_governor_level'), CONNECTIONS);
      assert.equal(samples.get('undertrace_governor_seconds_total{step="pause"}'), 0);
      const used = samples.get('undertrace_memory_bytes{part="rss"}')!;
      assert.ok(used > samples.get('undertrace_memory_limit_bytes')!, String(used));
    }
    const ended = await agent.stop();
    assert.deepEqual([ended.code, ended.ledger.balanced], [0, true], ended.stderr);
  });
});

async function until(isSo: () => boolean | Promise<boolean>, otherwise: () => string): Promise<void> {
  for (const end = Date.now() + ARRIVE_MS; !(await isSo()); await sleep(POLL_MS))
    assert.ok(Date.now() < end, otherwise());
}

/** Of each request one span at either end, the client's above the server's. */
function assertPairs(spans: readonly ReceivedSpan[]): void {
  const byPath = new Map<string, ReceivedSpan[]>();
  for (const span of spans) byPath.set(pathOf(span)!, [...(byPath.get(pathOf(span)!) ?? []), span]);
  assert.ok(byPath.size > 0, 'nothing is exported');
  for (const [path, found] of byPath) {
    const [client, server] = [CLIENT, SERVER].map((kind) => found.find((span) => span.kind === kind));
    assert.equal(found.length, 2, path);
    assert.deepEqual(
      [client?.parentSpanId, server?.parentSpanId, server?.traceId],
      ['', client?.spanId, client?.traceId],
      path,
    );
  }
}
