/** What goes wrong on real machines: nothing may be lost without being counted, and nothing may be left behind. */
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Agent, type Ended, pathOf, sleep } from '../support/agent.ts';
import { Asker } from '../support/asker.ts';
import { balancedBooks } from '../support/books.ts';
import { heldIds } from '../support/bpf-programs.ts';
import { checkSpans, CLIENT, realtimeOffset, SERVER } from '../support/check-spans.ts';
import { inCheckout, needCommand, needCompiled, needMachine, needRoot } from '../support/programs.ts';
import {
  C_CLIENT,
  C_SERVER,
  makePlan,
  NODE_SERVER,
  type Planned,
  type Program,
  runClient,
  RunningServer,
  Scratch,
  SERVERS,
} from '../support/workload.ts';

/** A module that has a profiler send the process signals all the time. */
const PROFILED = `
  import { Session } from 'node:inspector';
  const session = (globalThis.profiling = new Session());
  session.connect();
  session.post('Profiler.enable');
  session.post('Profiler.setSamplingInterval', { interval: 1000 });
  session.post('Profiler.start');`;

let serial = 0;
const newRun = (): string => `ugly-${process.pid}-${serial++}`;

function assertEnded(ended: Ended): void {
  assert.deepEqual([ended.code, ended.signal], [0, null], ended.stderr);
  assert.ok(ended.ledger.balanced, ended.stderr);
}

function existing(): Set<string> {
  const ids = (['prog', 'map', 'link'] as const).flatMap((kind) => {
    const shown = execFileSync('bpftool', ['-j', kind, 'show'], { encoding: 'utf8' });
    return (JSON.parse(shown) as Array<{ id: number }>).map(({ id }) => `${kind} ${id}`);
  });
  return new Set(ids);
}

/** Sets the machine's clock by so many seconds; false where that is not allowed. */
function stepClock(seconds: number): boolean {
  const step = `import time; time.clock_settime(time.CLOCK_REALTIME, time.clock_gettime(time.CLOCK_REALTIME) + ${seconds})`;
  return spawnSync('/usr/bin/python3', ['-c', step], { stdio: 'ignore' }).status === 0;
}

describe('when things are ugly', function () {
  this.timeout(120_000);
  const scratch = new Scratch();
  let agent: Agent | undefined;
  let server: RunningServer | undefined;

  before(function () {
    needRoot(this);
  });

  afterEach(async function () {
    if (this.currentTest?.state === 'failed' && agent) {
      process.stderr.write(`${JSON.stringify((await agent.status()).books)}\n`);
    }
    await server?.stop();
    server = undefined;
    agent?.kill('SIGKILL');
    await agent?.ended();
    agent = undefined;
  });

  after(() => scratch.remove());

  async function startServer(
    context: Mocha.Context,
    program = C_SERVER,
    service = 'ugly-server',
  ): Promise<string> {
    server = await RunningServer.start(context, program, ['127.0.0.1:0'], { service });
    return `http://${server.listening[0]}`;
  }

  it('counts every record that a full ring loses, and misreads none of the others', async function () {
    const base = await startServer(this);
    agent = await Agent.start({ receiver: { ring_size: '64KiB', drain_interval: '1s' } });
    const run = newRun();
    // In a connection of its own, a request is often all of it that is not lost.
    const plans = (['keepalive', 'close'] as const).map((mode) => {
      return { mode, plan: makePlan(`${run}/${mode}`, 5000, mode, C_CLIENT, C_SERVER) };
    });
    for (const { mode, plan } of plans) await runClient(this, C_CLIENT, base, plan, mode, { scratch });
    const planned = new Map(plans.flatMap(({ plan }) => plan).map((p) => [p.path, p]));
    const spans = await agent.spans(`/w/${run}/`, 2 * planned.size, 3000);
    for (const span of spans) {
      const { method, status } = planned.get(pathOf(span)!) as Planned;
      assert.equal(span.attributes['http.request.method'], method);
      const told = span.attributes['http.response.status_code'];
      // A response that was lost is absent; it is never another request's.
      if (told !== undefined) assert.equal(told, status, JSON.stringify(span));
      // And nobody is blamed for it.
      else assert.equal(span.attributes['error.type'], undefined, JSON.stringify(span));
    }
    const ended = await agent.stop();
    assertEnded(ended);
    assert.ok(ended.ledger.stages.records!.lost.ring_full! > 0, 'the ring was never full');
  });

  it('leaves nothing attached after kill -9', async function () {
    needCommand(this, 'bpftool', 'what is attached is asked of bpftool');
    agent = await Agent.start();
    const ids = heldIds(agent.pid);
    const there = existing();
    assert.deepEqual(
      ['prog', 'map', 'link'].filter((kind) => !ids.some((id) => id.startsWith(kind) && there.has(id))),
      [],
      `not seen while the agent runs, of ${ids.join(', ')}`,
    );
    await agent.stop('SIGKILL');
    const left = (): string[] => [...existing()].filter((id) => ids.includes(id));
    // The kernel frees programs and maps some time after their last user is gone.
    for (let tries = 0; left().length > 0 && tries < 50; tries++) await sleep(100);
    assert.deepEqual(left(), []);
  });

  it('starts while signals interrupt it all the time', async function () {
    const NODE_OPTIONS = `--import data:text/javascript,${encodeURIComponent(PROFILED)}`;
    agent = await Agent.start({ env: { NODE_OPTIONS } });
    assertEnded(await agent.stop());
  });

  it('delivers what it has and exits 0 on SIGTERM under load', async function () {
    const base = await startServer(this);
    agent = await Agent.start();
    const plan = makePlan(newRun(), 20_000, 'keepalive', C_CLIENT, C_SERVER);
    const load = runClient(this, C_CLIENT, base, plan, 'keepalive', { scratch });
    await sleep(500);
    const startedAt = performance.now();
    const ended = await agent.stop();
    assert.ok(performance.now() - startedAt < 6000, 'longer than the deadline');
    assertEnded(ended);
    assert.ok(ended.ledger.stages['exporters/otlp_http']!.out > 0, 'nothing was delivered');
    await load;
  });

  it('follows 50,000 connections at once', async function () {
    const herd = needCompiled(this, 'c', 'c-herd');
    agent = await Agent.start({ receiver: { limits: { connections: 200_000 }, ring_size: '64MiB' } });
    const run = newRun();
    const child = spawn(herd, [run, '50000', '4', '700'], { stdio: ['ignore', 'ignore', 'inherit'] });
    const [code] = (await once(child, 'exit')) as [number];
    assert.equal(code, 0);
    const spans = await agent.spans(`/w/${run}/`, 200_000, 60_000);
    const count = (kind: number): number => new Set(spans.filter((s) => s.kind === kind).map(pathOf)).size;
    assert.deepEqual([spans.length, count(CLIENT), count(SERVER)], [200_000, 100_000, 100_000]);
    const clients = new Map(spans.filter((s) => s.kind === CLIENT).map((s) => [pathOf(s), s]));
    const orphans = spans.filter(
      (s) => s.kind === SERVER && clients.get(pathOf(s))?.spanId !== s.parentSpanId,
    );
    assert.equal(orphans.length, 0, 'server spans without their client');
    assertEnded(await agent.stop());
  });

  it('gives spans their true durations and places while the clock is set', async function () {
    needMachine(this, stepClock(0), 'the clock cannot be set');
    const base = await startServer(this);
    agent = await Agent.start({ receiver: { ring_size: '64MiB' } });
    const run = newRun();
    const plan = makePlan(run, 4000, 'keepalive', C_CLIENT, C_SERVER);
    const offset = realtimeOffset();
    const asked = runClient(this, C_CLIENT, base, plan, 'keepalive', { scratch });
    let away = 0;
    try {
      for (const seconds of [10, -20, 10]) {
        assert.ok(stepClock(seconds));
        away += seconds;
      }
    } finally {
      if (away !== 0) stepClock(-away);
    }
    const log = await asked;
    const spans = await agent.spans(`/w/${run}/`, 2 * plan.length);
    assert.equal(spans.length, 2 * plan.length);
    const measured = new Map(plan.map(({ path }, i) => [path, log[i]!.endNs - log[i]!.startNs]));
    for (const span of spans) {
      const lasted = Number(BigInt(span.end) - BigInt(span.start));
      const most = measured.get(pathOf(span)!)! + 50_000_000;
      assert.ok(lasted >= 0 && lasted <= most, `${lasted} ns, the client measured ${most} ns at most`);
    }
    // After the steps, times are those of the clock again.
    const later = newRun();
    const after = makePlan(later, 50, 'close', C_CLIENT, C_SERVER);
    const told = await runClient(this, C_CLIENT, base, after, 'close', { scratch });
    checkSpans(await agent.spans(`/w/${later}/`, 100), after, told, {
      transport: 'tcp',
      peerAddress: '127.0.0.1',
      peerPort: Number(new URL(base).port),
      offset: realtimeOffset(),
    });
    assert.ok(Math.abs(Number(realtimeOffset() - offset)) < 5e9, 'the clock was not set back');
    assertEnded(await agent.stop());
  });

  it('names processes that live for milliseconds', async function () {
    const base = await startServer(this);
    agent = await Agent.start();
    const run = newRun();
    const plan = makePlan(run, 50, 'close', C_CLIENT, C_SERVER);
    const offset = realtimeOffset();
    for (const [i, request] of plan.entries()) {
      await runClient(this, C_CLIENT, base, [request], 'close', { scratch, service: `brief-${i}` });
    }
    const spans = await agent.spans(`/w/${run}/`, 100);
    const names = plan.map(
      ({ path }) => spans.find((s) => pathOf(s) === path && s.kind === CLIENT)?.resource['service.name'],
    );
    assert.deepEqual(
      names,
      plan.map((_, i) => `brief-${i}`),
    );
    assert.ok(offset > 0n);
  });

  it('never gives one process the identity of another that had its id before', async function () {
    const withPid = needCompiled(this, 'c', 'c-with-pid');
    const base = await startServer(this);
    agent = await Agent.start();
    const run = newRun();
    const plan = makePlan(run, 20, 'close', C_CLIENT, C_SERVER);
    const pid = 29_000 + (process.pid % 1000);
    try {
      execFileSync(withPid, [String(pid), 'true']);
    } catch (error) {
      needMachine(this, false, `a process id cannot be chosen here: ${String(error)}`);
    }
    for (const [i, request] of plan.entries()) {
      const options = { scratch, service: `heir-${i}`, wrap: [withPid, String(pid)] };
      await runClient(this, C_CLIENT, base, [request], 'close', options);
    }
    const spans = await agent.spans(`/w/${run}/`, 40);
    const clients = plan.map(({ path }) => spans.find((s) => pathOf(s) === path && s.kind === CLIENT));
    assert.deepEqual(
      clients.map((span) => span?.resource['service.name']),
      plan.map((_, i) => `heir-${i}`),
    );
  });

  it('sees the whole traffic with two agents at once, and nothing of each other', async function () {
    const base = await startServer(this);
    agent = await Agent.start();
    const second = await Agent.start();
    try {
      const run = newRun();
      const plan = makePlan(run, 500, 'keepalive', C_CLIENT, C_SERVER);
      const offset = realtimeOffset();
      const log = await runClient(this, C_CLIENT, base, plan, 'keepalive', {
        scratch,
        service: 'ugly-client',
      });
      const { port } = new URL(base);
      const expected = {
        transport: 'tcp',
        peerAddress: '127.0.0.1',
        peerPort: Number(port),
        offset,
      } as const;
      const [first, other] = await Promise.all([agent, second].map((a) => a.spans(`/w/${run}/`, 1000)));
      checkSpans(first!, plan, log, expected);
      checkSpans(other!, plan, log, expected);
      const ids = (spans: typeof first): string[] => spans!.map((s) => `${s.traceId} ${s.spanId}`).sort();
      assert.deepEqual(ids(other), ids(first), 'the two agents made different ids');
      for (const sink of [agent.sink, second.sink]) {
        assert.deepEqual(
          sink.spans.filter((span) => pathOf(span)?.endsWith('/v1/traces')),
          [],
        );
      }
    } finally {
      assertEnded(await second.stop());
    }
    assertEnded(await agent.stop());
  });

  it('makes spans of connections that are older than it', async function () {
    const asker = new Asker(await startServer(this, NODE_SERVER), 'ugly-client');
    const run = newRun();
    assert.equal(await asker.ask(`/w/${run}/before?size=10`), '200');
    agent = await Agent.start();
    for (let i = 0; i < 10; i++) await asker.ask(`/w/${run}/${i}?size=10`);
    await asker.stop();
    const spans = await agent.spans(`/w/${run}/`, 20);
    const seen = Array.from({ length: 10 }, (_, i) =>
      spans
        .filter((span) => pathOf(span) === `/w/${run}/${i}`)
        .map((span) => `${span.kind} ${String(span.resource['service.name'])}`)
        .sort()
        .join(),
    );
    assert.deepEqual(seen, Array(10).fill(`${SERVER} ugly-server,${CLIENT} ugly-client`));
  });

  it('makes spans of requests that nobody answers', async function () {
    const base = await startServer(this, NODE_SERVER);
    agent = await Agent.start({ receiver: { http: { exchange_timeout: '1s' } } });
    const run = newRun();
    const [impatient, patient] = [new Asker(base, 'ugly-client'), new Asker(base, 'ugly-client')];
    await Promise.all([
      impatient.ask(`/w/${run}/given-up?hang=1`, 300),
      patient.ask(`/w/${run}/timed-out?hang=1`, 2500),
    ]);
    await impatient.stop();
    await patient.stop();
    const spans = await agent.spans(`/w/${run}/`, 4);
    const told = spans
      .map((s) => [pathOf(s)!.split('/').at(-1), s.kind, s.attributes['error.type'], s.status].join(' '))
      .sort();
    assert.equal(told.length, 4, told.join('; '));
    for (const line of told)
      assert.match(line, /^(given-up [23] connection_closed|timed-out [23] timeout) 2$/);
    await balancedBooks(agent);
  });

  it('makes spans of requests whose connection is reset', async function () {
    const asker = new Asker(await startServer(this, NODE_SERVER), 'ugly-client');
    agent = await Agent.start();
    const run = newRun();
    assert.equal(await asker.ask(`/w/${run}/0?reset=1`), 'ECONNRESET');
    await asker.stop();
    const spans = await agent.spans(`/w/${run}/`, 2);
    const told = spans.map((s) => `${s.kind} ${String(s.attributes['error.type'])} ${s.status}`).sort();
    assert.deepEqual(told, ['2 connection_reset 2', '3 connection_reset 2']);
  });

  it('keeps no state of threads that are killed inside a call', async function () {
    const driver = needCompiled(this, 'c', 'driver');
    const count = process.env.UNDERTRACE_KILLED ?? '50000';
    agent = await Agent.start();
    execFileSync(driver, [scratch.file('killed'), 'killed', count]);
    const { kernelCounters } = await balancedBooks(agent);
    assert.equal(kernelCounters.state_lost, 0);
    // Whoever comes after, perhaps with the same thread ids, is seen as ever.
    const base = await startServer(this);
    const run = newRun();
    const plan = makePlan(run, 200, 'close', C_CLIENT, C_SERVER);
    const offset = realtimeOffset();
    const log = await runClient(this, C_CLIENT, base, plan, 'close', { scratch });
    const expected = {
      transport: 'tcp',
      peerAddress: '127.0.0.1',
      peerPort: Number(new URL(base).port),
      offset,
    } as const;
    checkSpans(await agent.spans(`/w/${run}/`, 400), plan, log, expected);
    assertEnded(await agent.stop());
  });

  it('names services by what they are', async function () {
    // Outside of the checkout, whose own package.json would give the name.
    const shop = scratch.file('shop');
    mkdirSync(shop);
    copyFileSync(inCheckout('test/workload/node/server.mjs'), path.join(shop, 'server.mjs'));
    writeFileSync(path.join(shop, 'package.json'), '{"name": "shop", "type": "module"}');
    const program: Program = {
      ...NODE_SERVER,
      command: () => [process.execPath, path.join(shop, 'server.mjs')],
    };
    agent = await Agent.start();
    const run = newRun();
    const found: Record<string, unknown> = {};
    for (const each of SERVERS.map((known) => (known === NODE_SERVER ? program : known))) {
      server = await RunningServer.start(this, each, ['127.0.0.1:0']);
      const plan = makePlan(`${run}-${each.name}`, 1, 'close', C_CLIENT, each);
      const base = `http://${server.listening[0]}`;
      await runClient(this, C_CLIENT, base, plan, 'close', { scratch });
      const spans = await agent.spans(plan[0]!.path, 2);
      found[each.name] = spans.find(({ kind }) => kind === SERVER)?.resource['service.name'];
      await server.stop();
    }
    const expected = {
      nginx: 'nginx',
      node: 'shop',
      python: 'server',
      go: 'go-server',
      java: 'Server',
      c: 'c-server',
    };
    assert.deepEqual(found, expected);
  });
});
