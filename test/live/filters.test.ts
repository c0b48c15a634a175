/** What is traced can be changed while the agent runs: a file and SIGHUP. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, rmdirSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Agent, sleep } from '../support/agent.ts';
import { balancedBooks } from '../support/books.ts';
import { CLIENT, SERVER } from '../support/check-spans.ts';
import { NetworkNamespace } from '../support/netns.ts';
import type { ReceivedSpan } from '../support/otlp-proto.ts';
import { needMachine, needRoot } from '../support/programs.ts';
import {
  byName,
  C_CLIENT,
  C_SERVER,
  makePlan,
  type Program,
  runClient,
  RunningServer,
  Scratch,
  SERVERS,
} from '../support/workload.ts';

const REQUESTS = 3;
const GO_SERVER = byName(SERVERS, 'go');
const NGINX = byName(SERVERS, 'nginx');

type Rule = Record<string, unknown>;

describe('filters', function () {
  this.timeout(60_000);
  const scratch = new Scratch();
  const file = scratch.file('agent.yaml');
  const servers: RunningServer[] = [];
  let serial = 0;
  let agent: Agent;
  let control: string;

  before(async function () {
    needRoot(this);
    writeRules({});
    agent = await Agent.start({ args: ['--config', file] });
    control = (await startServer(this, C_SERVER, ['127.0.0.1:0'])).base;
  });

  afterEach(async () => {
    for (const server of servers.splice(1)) await server.stop();
  });

  after(async () => {
    for (const server of servers.splice(0)) await server.stop();
    if (agent) {
      await balancedBooks(agent);
      await agent.stop();
    }
    scratch.remove();
  });

  /** JSON is YAML. */
  function writeRules(filters: Rule): void {
    writeFileSync(file, JSON.stringify({ receivers: { undertrace: { filters } } }));
  }

  async function apply(filters: Rule): Promise<void> {
    const { reloads } = (await agent.status()).config;
    writeRules(filters);
    agent.kill('SIGHUP');
    for (let tries = 0; (await agent.status()).config.reloads === reloads; tries++) {
      assert.ok(tries < 250, `never read again:\n${agent.stderr}`);
      await sleep(20);
    }
  }

  async function startServer(
    context: Mocha.Context,
    program: Program,
    addresses: string[],
    wrap?: readonly string[],
  ): Promise<{ base: string; pid: number }> {
    const server = await RunningServer.start(context, program, addresses, wrap ? { wrap } : {});
    servers.push(server);
    return { base: `http://${server.listening[0]}`, pid: server.pid };
  }

  /** The spans of some requests: GET 200, POST 201, GET 404. */
  async function spansOf(context: Mocha.Context, base: string, expected: number): Promise<ReceivedSpan[]> {
    const run = `filters-${process.pid}-${serial++}`;
    const plan = makePlan(run, REQUESTS, 'close', C_CLIENT, C_SERVER);
    await runClient(context, C_CLIENT, base, plan, 'close', { scratch });
    // The rules of the next step must not meet records of this one.
    if (expected === 0) await sleep(200);
    return agent.spans(`/w/${run}/`, expected, 3000);
  }

  /** Kinds of the spans of some requests, each once. */
  async function ask(context: Mocha.Context, base: string, expected: number): Promise<number[]> {
    const spans = await spansOf(context, base, expected * REQUESTS);
    const kinds = [...new Set(spans.map(({ kind }) => kind))].sort();
    assert.equal(spans.length, kinds.length * REQUESTS, 'some requests, or some of their spans');
    return kinds;
  }

  /** The rule is of the server: excluded it is not seen, included nothing else is. */
  async function check(context: Mocha.Context, base: string, rule: Rule, seen = [SERVER]): Promise<void> {
    const both = [SERVER, CLIENT];
    const others = both.filter((kind) => !seen.includes(kind));
    await apply({ exclude: [rule] });
    assert.deepEqual(await ask(context, base, others.length), others);
    assert.deepEqual(await ask(context, control, 2), both);
    await apply({ include: [rule] });
    assert.deepEqual(await ask(context, base, seen.length), seen);
    assert.deepEqual(await ask(context, control, 0), []);
    await apply({});
    assert.deepEqual(await ask(context, base, 2), both);
  }

  for (const [key, ruleOf] of Object.entries<(server: { base: string; pid: number }) => Rule>({
    pid: ({ pid }) => ({ pid }),
    command: () => ({ command: 'go-serv*' }),
    executable: () => ({ executable: '*/go-server' }),
  })) {
    it(`choose processes by ${key}`, async function () {
      const server = await startServer(this, GO_SERVER, ['127.0.0.1:0']);
      await check(this, server.base, ruleOf(server));
    });
  }

  it('choose a process with its children, or without', async function () {
    const { base, pid } = await startServer(this, NGINX, ['127.0.0.1:0']);
    await check(this, base, { pid, children: true });
    // Its worker does the work.
    await apply({ exclude: [{ pid }] });
    assert.deepEqual(await ask(this, base, 2), [SERVER, CLIENT]);
  });

  it('choose processes by cgroup', async function () {
    const mount = /^\S+ (\S+) cgroup2 /m.exec(readFileSync('/proc/mounts', 'utf8'))?.[1];
    needMachine(this, mount !== undefined, 'cgroup v2 is not mounted');
    const group = path.join(mount!, `undertrace-filters-${process.pid}`);
    mkdirSync(group);
    try {
      const enter = ['sh', '-c', `echo $$ > ${group}/cgroup.procs && exec "$@"`, 'sh'];
      const server = await startServer(this, GO_SERVER, ['127.0.0.1:0'], enter);
      await check(this, server.base, { cgroup: '/undertrace-filters-*' });
    } finally {
      for (const server of servers.splice(1)) await server.stop();
      rmdirSync(group);
    }
  });

  it('choose processes by network namespace', async function () {
    const netns = NetworkNamespace.create(this);
    try {
      const server = await startServer(this, GO_SERVER, [`${netns.inside}:0`], netns.wrap);
      const { ino } = statSync(`/var/run/netns/${netns.name}`);
      await check(this, server.base, { network_namespace: ino });
    } finally {
      for (const server of servers.splice(1)) await server.stop();
      netns.remove();
    }
  });

  it('choose connections by the port of the server, at both ends', async function () {
    const { base } = await startServer(this, GO_SERVER, ['127.0.0.1:0']);
    await check(this, base, { port: Number(new URL(base).port) }, [SERVER, CLIENT]);
  });

  it('drop spans by method, path and status', async function () {
    const { base } = await startServer(this, GO_SERVER, ['127.0.0.1:0']);
    await apply({ drop_spans: [{ path: `/w/filters-${process.pid}-*` }] });
    assert.deepEqual(await ask(this, base, 0), []);
    for (const [rule, left] of [
      [{ method: 'POST' }, ['GET 200', 'GET 404']],
      [{ status: '4xx' }, ['GET 200', 'POST 201']],
      [{ method: 'BREW' }, ['GET 200', 'GET 404', 'POST 201']],
    ] as const) {
      await apply({ drop_spans: [rule] });
      const spans = await spansOf(this, base, 2 * left.length);
      const told = spans.map(
        ({ kind, attributes: a }) =>
          `${String(a['http.request.method'])} ${String(a['http.response.status_code'])} ${kind}`,
      );
      assert.deepEqual(
        told.sort(),
        left.flatMap((request) => [`${request} ${SERVER}`, `${request} ${CLIENT}`]),
      );
    }
  });

  it('stay as they are when the file has a fault, which is said', async function () {
    const { base, pid } = await startServer(this, GO_SERVER, ['127.0.0.1:0']);
    await apply({ exclude: [{ pid }] });
    const { failures } = (await agent.status()).config;
    writeRules({ exclude: [{ pids: pid }] });
    agent.kill('SIGHUP');
    const said = (): boolean =>
      /receivers\.undertrace\.filters\.exclude.*pids.*did you mean/.test(agent.stderr);
    for (let tries = 0; !said() && tries < 250; tries++) await sleep(20);
    assert.ok(said(), agent.stderr);
    const { config } = await agent.status();
    assert.deepEqual([config.failures, config.lastReloadSuccessful], [failures + 1, false]);
    assert.match(await agent.metrics(), /^undertrace_config_last_reload_successful 0$/m);
    assert.deepEqual(await ask(this, base, 1), [CLIENT]);
  });
});
