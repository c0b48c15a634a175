/**
 * Two hosts with an agent each: two network namespaces joined by a veth pair, and each agent sees the processes of one of them alone. What one
 * knows of the other went through the directory.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readlinkSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { Agent, pathOf } from '../support/agent.ts';
import { balancedBooks } from '../support/books.ts';
import { CLIENT, SERVER } from '../support/check-spans.ts';
import { NetworkNamespace } from '../support/netns.ts';
import type { ReceivedSpan } from '../support/otlp-proto.ts';
import { inCheckout, needRoot } from '../support/programs.ts';
import { Recorder, replay } from '../support/recording.ts';
import { RedisServer } from '../support/redis.ts';
import { environment } from '../support/running-program.ts';
import { byName, NODE_SERVER, RunningServer, Scratch, SERVERS } from '../support/workload.ts';

const NGINX = byName(SERVERS, 'nginx');
const REQUESTS = 20;
const PROOF = 60;
/** Reconnecting is tried at least so often. */
const COMES_BACK_MS = 20_000;

/** The client's host. */
class ToldClient {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.#lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
  }

  static async start(): Promise<ToldClient> {
    const script = inCheckout('test', 'workload', 'node', 'told-client.mjs');
    const child = spawn(process.execPath, [script], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: environment('asker'),
    });
    const client = new ToldClient(child);
    await client.#answer();
    return client;
  }

  get pid(): number {
    return this.#child.pid!;
  }

  async ask(url: string): Promise<void> {
    this.#child.stdin!.write(`${url}\n`);
    assert.deepEqual(await this.#answer(), { status: 200 });
  }

  async stop(): Promise<void> {
    this.#child.stdin!.end();
    await once(this.#child, 'exit');
  }

  async #answer(): Promise<unknown> {
    const next = await this.#lines.next();
    if (next.done === true) throw new Error('the client ended');
    return JSON.parse(next.value);
  }
}

interface Ends {
  client: ReceivedSpan;
  server: ReceivedSpan;
}

describe('a directory of two hosts', function () {
  this.timeout(90_000);
  const scratch = new Scratch();
  let netns: NetworkNamespace;
  let server: RunningServer;
  let client: ToldClient;
  let redis: RedisServer;
  let here: number;
  let there: number;
  let agents: Agent[] = [];
  let serial = 0;

  before(async function () {
    needRoot(this);
    netns = NetworkNamespace.create(this);
    redis = await RedisServer.start(this);
    const inside = { service: 'shop', wrap: netns.wrap };
    server = await RunningServer.start(this, NODE_SERVER, [`${netns.inside}:0`], inside);
    client = await ToldClient.start();
    here = namespaceOf('self');
    there = namespaceOf(server.pid);
    assert.notEqual(here, there);
  });

  afterEach(async () => {
    for (const agent of agents.splice(0)) {
      const ended = await agent.stop();
      assert.deepEqual([ended.code, ended.ledger.balanced], [0, true], ended.stderr);
      assert.ok(!ended.stderr.includes('hunter2'), 'the password is in the log');
    }
  });

  after(async () => {
    await client?.stop();
    await server?.stop();
    await redis?.kill();
    netns?.remove();
    scratch.remove();
  });

  /** The agents of both hosts, the client's first: whatever else runs on this machine is none of its business. */
  async function startAgents(directory: string | undefined, ...others: number[]): Promise<[Agent, Agent]> {
    const of = (namespace: number, ...pids: number[]): Promise<Agent> =>
      Agent.start({
        receiver: {
          // Whether they find each other is asked here, not how long that may take on a machine that has other work to do.
          trace_wait: '2s',
          filters: { include: [{ network_namespace: namespace, pid: pids, children: true }] },
          ...(directory === undefined ? {} : { link: { directory } }),
        },
      });
    const [a, b] = await Promise.all([of(here, client.pid, ...others), of(there, server.pid)]);
    agents = [a, b];
    // An agent that is ready need not have its connection yet: tracing does not wait for it.
    if (directory !== undefined) await untilJoined(agents as [Agent, Agent]);
    return [a, b];
  }

  const newRun = (): string => `/w/directory-${process.pid}-${serial++}/`;

  /** Requests one after the other, and the two spans of each. */
  async function askAll([a, b]: [Agent, Agent], count: number): Promise<Ends[]> {
    const run = newRun();
    for (let i = 0; i < count; i++) await client.ask(`http://${server.listening[0]}${run}${i}`);
    const [sent, served] = await Promise.all([a.spans(run, count), b.spans(run, count)]);
    assert.deepEqual([sent.length, served.length], [count, count]);
    return sent.map((span) => {
      assert.equal(span.kind, CLIENT);
      const hop = span.attributes['undertrace.hop.id'];
      const other = served.find(({ attributes }) => attributes['undertrace.hop.id'] === hop);
      assert.ok(other, 'both hosts compute the same hop id');
      assert.equal(other.kind, SERVER);
      return { client: span, server: other };
    });
  }

  const isJoined = ({ client: sent, server: served }: Ends): boolean =>
    served.traceId === sent.traceId && served.parentSpanId === sent.spanId;

  async function untilJoined(both: [Agent, Agent]): Promise<void> {
    const deadline = Date.now() + COMES_BACK_MS;
    while (!isJoined((await askAll(both, 1))[0]!))
      assert.ok(Date.now() < deadline, `no links within ${COMES_BACK_MS} ms`);
  }

  async function metric(agent: Agent, name: string): Promise<number> {
    const found = (await agent.metrics()).matchAll(new RegExp(`^undertrace_directory_${name} (\\d+)$`, 'gm'));
    return [...found].reduce((sum, [, value]) => sum + Number(value), 0);
  }

  it('makes one trace of a request from one to the other', async () => {
    const both = await startAgents(redis.url);
    const ends = await askAll(both, REQUESTS);
    for (const each of ends) {
      assert.ok(isJoined(each), JSON.stringify(each));
      assert.equal(each.server.attributes['undertrace.link.method'], 'directory');
      assert.equal(each.server.attributes['undertrace.link.confidence'], 1);
    }
    const [a, b] = both;
    assert.ok((await metric(a, 'published_total')) >= REQUESTS);
    assert.ok((await metric(b, 'found_total')) >= REQUESTS);
    for (const agent of both) await balancedBooks(agent);
  });

  it('reaches through a proxy: its call stands in the trace that it serves, and the directory says so', async function () {
    const command = [...NGINX.command(this), '--proxy', `http://${server.listening[0]}`];
    const proxy = await RunningServer.start(this, { ...NGINX, command: () => command }, ['127.0.0.1:0'], {
      service: 'proxy',
    });
    try {
      const [a, b] = await startAgents(redis.url, proxy.pid);
      const ask = async (count: number): Promise<ReceivedSpan[][]> => {
        const run = newRun();
        for (let i = 0; i < count; i++) await client.ask(`http://${proxy.listening[0]}${run}${i}`);
        const spans = (await Promise.all([a.spans(run, 3 * count), b.spans(run, count)])).flat();
        return Array.from({ length: count }, (_, i) => spans.filter((span) => pathOf(span) === `${run}${i}`));
      };
      // The rule for its event loop has to prove itself first.
      await ask(PROOF);
      for (const spans of await ask(REQUESTS)) {
        assert.equal(spans.length, 4);
        assert.equal(new Set(spans.map(({ traceId }) => traceId)).size, 1, JSON.stringify(spans));
        const ids = new Set(spans.map(({ spanId }) => spanId));
        assert.equal(spans.filter(({ parentSpanId }) => !ids.has(parentSpanId)).length, 1);
        const methods = spans.map(({ attributes }) => attributes['undertrace.link.method']);
        assert.equal(methods.filter((method) => method === 'directory').length, 1);
      }
    } finally {
      await proxy.stop();
    }
  });

  it('is two roots without one', async () => {
    const ends = await askAll(await startAgents(undefined), REQUESTS);
    for (const { server: served } of ends) assert.ok(!served.parentSpanId);
  });

  for (const [what, away, back] of [
    ['is killed', () => redis.kill(), () => redis.start()],
    ['hangs', () => redis.hang(), () => redis.resume()],
  ] as const) {
    it(`costs links and no spans while it ${what}, and joins again when it is back`, async () => {
      const both = await startAgents(redis.url);
      const [a, b] = both;
      assert.ok((await askAll(both, 3)).every(isJoined));
      await away();
      const alone = await askAll(both, REQUESTS);
      assert.ok(!alone.some(isJoined));
      assert.ok((await metric(a, 'failed_total{operation="publish"}')) > 0);
      assert.ok((await metric(b, 'failed_total{operation="look_up"}')) > 0);
      await back();
      await untilJoined(both);
      assert.ok((await askAll(both, REQUESTS)).every(isJoined));
      for (const agent of both) {
        await balancedBooks(agent);
        const warnings = agent.stderr.split('\n').filter((line) => line.includes('directory:'));
        assert.ok(warnings.length >= 1 && warnings.length <= 4, warnings.join('\n'));
      }
    });
  }

  it('replays to the same spans without it', async () => {
    const both = await startAgents(redis.url);
    const file = scratch.file('recording');
    const recorder = await Recorder.start(
      file,
      ...['--set', `receivers.undertrace.link.directory=${redis.url}`],
      ...['--set', `receivers.undertrace.filters.include=[{network_namespace: ${there}}]`],
    );
    const ends = await askAll(both, REQUESTS);
    // What the recorder has not been answered before it ends is not in the recording: traffic behind it says that it has come so far.
    await askAll(both, REQUESTS);
    await recorder.stop();
    const replayed = await replay(file);
    for (const { client: sent, server: served } of ends) {
      const again = replayed.find(({ spanId }) => spanId === served.spanId);
      assert.ok(again, 'the span is in the replay');
      assert.equal(again.traceId, sent.traceId);
      assert.equal(again.parentSpanId, sent.spanId);
    }
  });
});

function namespaceOf(pid: number | string): number {
  return Number(/\[(\d+)\]/.exec(readlinkSync(`/proc/${pid}/ns/net`))![1]);
}
