/** The whole agent, while the place that its spans go to is away, slow or hung. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { Agent, pathOf, sleep } from '../support/agent.ts';
import { balancedBooks } from '../support/books.ts';
import { freePorts } from '../support/collector.ts';
import { OtlpSink } from '../support/otlp-sink.ts';
import { needRoot } from '../support/programs.ts';
import { C_CLIENT, C_SERVER, makePlan, runClient, RunningServer, Scratch } from '../support/workload.ts';

/** How long the destination stays away once the queue is full. Minutes say more; seconds have to do in every run. */
const AWAY_SECONDS = Number(process.env.UNDERTRACE_AWAY_SECONDS ?? 15);
const LONG = AWAY_SECONDS >= 120;
/** The default size where there is time to fill it. */
const QUEUE_SIZE = LONG ? '32MiB' : '1MiB';
const SETTLE_SECONDS = LONG ? 120 : 0;
/** That memory is looked at in: a minute each where there is time. In the first one it may still grow to what it works with. */
const PARTS = LONG ? Math.floor(AWAY_SECONDS / 60) : 6;
const MEGABYTE = 1 << 20;
/** Other traffic of the machine would fill the queue as well. */
const filters = { include: [{ pid: process.pid, children: true }] };

describe('when the destination fails', function () {
  this.timeout((AWAY_SECONDS * 2 + 600) * 1000);
  const scratch = new Scratch();
  let agent: Agent | undefined;
  let server: RunningServer | undefined;
  let serial = 0;

  before(function () {
    needRoot(this);
  });

  afterEach(async () => {
    await server?.stop();
    agent?.kill('SIGKILL');
    await agent?.ended();
    agent = server = undefined;
  });

  after(() => scratch.remove());

  /** Requests that give twice as many spans; their path's beginning. */
  async function ask(context: Mocha.Context, count: number): Promise<string> {
    server ??= await RunningServer.start(context, C_SERVER, ['127.0.0.1:0'], { service: 'server' });
    const run = `destination-${process.pid}-${serial++}`;
    const plan = makePlan(run, count, 'keepalive', C_CLIENT, C_SERVER);
    await runClient(context, C_CLIENT, `http://${server.listening[0]}`, plan, 'keepalive', { scratch });
    return `/w/${run}/`;
  }

  /** On a machine without idle time the agent rests, and loses in the ring what comes until it has worked off the rest. */
  async function untilAllIsSeen(context: Mocha.Context): Promise<void> {
    const seen = async (): Promise<number> =>
      (await agent!.status()).books.find(({ stage }) => stage === 'spans')!.in;
    for (let before = await seen(), now = before; now !== before + 100;) {
      before = await seen();
      await ask(context, 50);
      for (let tries = 0; (now = await seen()) < before + 100 && tries < 40; tries++) await sleep(50);
    }
  }

  it('keeps its memory while nobody listens, counts what it drops, and is back within 5 s', async function () {
    const [port] = await freePorts(1);
    const endpoint = `http://127.0.0.1:${port}`;
    const queue = { queue_size: QUEUE_SIZE, batch: { flush_timeout: '50ms' } };
    agent = await Agent.start({
      receiver: { filters },
      exporters: { otlp_http: { endpoint, sending_queue: queue } },
    });
    const dropped = async (): Promise<number> => {
      const { books } = await balancedBooks(agent!);
      return books.find(({ stage }) => stage === 'exporters/otlp_http')!.lost.queue_full ?? 0;
    };
    for (let tries = 0; (await dropped()) === 0; tries++) {
      assert.ok(tries < 1000, 'the queue never filled');
      await ask(this, 2000);
    }
    // Each client is a process more, which is remembered for a minute after its end: only then is the load's own state as large as it gets.
    for (const end = Date.now() + SETTLE_SECONDS * 1000; Date.now() < end;) await ask(this, 2000);
    const rss: number[][] = Array.from({ length: PARTS }, () => []);
    for (const part of rss)
      for (const end = Date.now() + (AWAY_SECONDS * 1000) / PARTS; Date.now() < end;) {
        await ask(this, 2000);
        part.push(residentBytes(agent.pid));
      }
    // What is held is what is left when the collector of garbage has been there.
    const slope = slopePerMinute(
      rss.slice(1).map((part) => Math.min(...part)),
      (AWAY_SECONDS * (PARTS - 1)) / PARTS,
    );
    assert.ok((await dropped()) > 0);
    await untilAllIsSeen(this);
    const sink = new OtlpSink();
    await sink.listenHttp(port);
    try {
      const backAt = performance.now();
      const prefix = await ask(this, 50);
      let [seen, arrived] = [0, 0];
      // What is new comes after what has waited, so it is there as soon only where the queue is short.
      const isBack = (): boolean => {
        while (seen < sink.spans.length)
          arrived += Number(pathOf(sink.spans[seen++]!)?.startsWith(prefix) ?? 0);
        return LONG ? seen > 0 : arrived === 100;
      };
      while (!isBack() && performance.now() - backAt < 5000) await sleep(20);
      assert.ok(isBack(), 'not back within 5 s');
      const ended = await agent.stop();
      assert.deepEqual([ended.code, ended.ledger.balanced], [0, true], ended.stderr);
    } finally {
      await sink.close();
    }
    // In the short run memory still comes to what it works with: only a leak of every span, ten times as much, is told from that.
    const bound = LONG ? MEGABYTE : 200 * MEGABYTE;
    const inMegabytes = rss.map(
      (part) => `${Math.min(...part) / MEGABYTE} to ${Math.max(...part) / MEGABYTE}`,
    );
    assert.ok(slope < bound, `${(slope / MEGABYTE).toFixed(1)} MiB a minute: ${inMegabytes.join(', ')}`);
  });

  it('ends within its deadline although the destination hangs, and counts what it could not deliver', async function () {
    agent = await Agent.start({ receiver: { filters, shutdown_timeout: '1s' } });
    agent.sink.behave = () => ({ hang: true });
    await ask(this, 200);
    const ended = await agent.stop();
    assert.deepEqual([ended.code, ended.ledger.balanced], [0, true], ended.stderr);
    assert.ok(ended.ledger.stages['exporters/otlp_http']!.lost.shutdown! >= 400, ended.stderr);
  });

  it('ends at once on a second signal', async function () {
    agent = await Agent.start({ receiver: { filters, shutdown_timeout: '60s' } });
    agent.sink.behave = () => ({ hang: true });
    await ask(this, 200);
    agent.kill('SIGTERM');
    await sleep(500);
    const startedAt = performance.now();
    const ended = await agent.stop('SIGTERM');
    assert.ok(performance.now() - startedAt < 5000, 'the second signal did not end it');
    assert.equal(ended.code, 143);
  });
});

function residentBytes(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) * 1024;
}

/** Of a line through evenly spaced values, by least squares. */
function slopePerMinute(values: readonly number[], seconds: number): number {
  const n = values.length;
  const meanX = (n - 1) / 2;
  const meanY = values.reduce((sum, value) => sum + value, 0) / n;
  let above = 0;
  let below = 0;
  values.forEach((value, x) => {
    above += (x - meanX) * (value - meanY);
    below += (x - meanX) ** 2;
  });
  return ((above / below) * n * 60) / seconds;
}
