/** The agent's own cost: what it says of it, and that it stays within its limits by giving up part of what it captures, no more and no longer than needed. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { cpuClocks } from '../../src/capture/cpu-budget.ts';
import { Agent, pathOf, sleep } from '../support/agent.ts';
import { balancedBooks } from '../support/books.ts';
import { programRuns } from '../support/bpf-programs.ts';
import { checkSpans, CLIENT, realtimeOffset } from '../support/check-spans.ts';
import type { ReceivedSpan } from '../support/otlp-proto.ts';
import { needCommand, needMachine, needRoot } from '../support/programs.ts';
import {
  C_CLIENT,
  C_SERVER,
  type LogLine,
  type Mode,
  type Planned,
  runClient,
  RunningServer,
  Scratch,
} from '../support/workload.ts';
import { samplesOf } from '../metrics/make-sources.ts';

/** Of one core. The load below takes some five times as much when all of it is traced, and leaves the machine idle time: without that the agent rests anyway. */
const LIMIT = 0.1;
const CLIENTS: readonly Mode[] = [...Array<Mode>(16).fill('keepalive'), ...Array<Mode>(8).fill('close')];
/** Of all CPUs together. */
const IDLE_CPUS = 0.5;
const ALLOWED = 1.2;
const SETTLE_MS = 12_000;
const WINDOW_MS = 10_000;
const RESTORED_MS = 40_000;
const POLL_MS = 500;
const REQUESTS = 2000;
/** USER_HZ. */
const TICKS = 100;
/** Two readings of two clocks, see check-spans. */
const CLOCK_TOLERANCE_NS = 100_000;
const INCOMPLETE = 'undertrace.exchange.incomplete';
const STATS_SWITCH = '/proc/sys/kernel/bpf_stats_enabled';

const run = `governor-${process.pid}`;
let serial = 0;

/** Each is answered after a millisecond. */
function plan(count: number): Planned[] {
  const name = `/w/${run}/${serial++}`;
  return Array.from({ length: count }, (_, n) => {
    const path = `${name}/${n}`;
    const target = `${path}?status=200&size=100&delay=1`;
    const sizes = { requestBytes: 0, responseBytes: 100, chunked: false, abandoned: false };
    return { method: 'GET', path, target, status: 200, ...sizes };
  });
}

function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]!.split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS;
}

function bpfSeconds(pid: number): number {
  return [...programRuns(pid).values()].reduce((sum, { runTimeNs }) => sum + runTimeNs, 0) / 1e9;
}

/** Shares of one core that a process and its programs take meanwhile. */
async function cost(pid: number, ms: number): Promise<{ process: number; programs: number }> {
  const before = readFileSync(STATS_SWITCH, 'utf8');
  writeFileSync(STATS_SWITCH, '1');
  try {
    const from = { at: performance.now(), cpu: cpuSeconds(pid), bpf: bpfSeconds(pid) };
    await sleep(ms);
    const seconds = (performance.now() - from.at) / 1000;
    return {
      process: (cpuSeconds(pid) - from.cpu) / seconds,
      programs: (bpfSeconds(pid) - from.bpf) / seconds,
    };
  } finally {
    writeFileSync(STATS_SWITCH, before);
  }
}

/** What the log says was in force, one after the other. */
function steps({ stderr }: Agent): string[] {
  return [...stderr.matchAll(/ governor: .* step=(\w+)/g)].map((match) => match[1]!);
}

/** CPUs that had nothing to do for a second. */
async function idleCpus(): Promise<number> {
  const clocks = cpuClocks();
  const before = clocks.idle();
  await sleep(1000);
  return (clocks.idle() - before) / 1000;
}

describe('the governor', function () {
  this.timeout(120_000);
  const scratch = new Scratch();
  let agent: Agent | undefined;
  let server: RunningServer | undefined;

  before(function () {
    needRoot(this);
    needCommand(this, 'bpftool', 'what programs cost is asked of bpftool');
  });

  afterEach(async function () {
    if (this.currentTest?.state === 'failed' && agent) {
      process.stderr.write(`${agent.stderr}\n${JSON.stringify((await agent.status()).books)}\n`);
    }
    await server?.stop();
    server = undefined;
    agent?.kill('SIGKILL');
    await agent?.ended();
    agent = undefined;
  });

  after(() => scratch.remove());

  /** Asks until told to stop, on a connection for many requests and on one for each. */
  function begin(context: Mocha.Context, base: string): { stop: () => Promise<Map<string, LogLine>> } {
    let going = true;
    const answered = new Map<string, LogLine>();
    const ask = async (mode: Mode): Promise<void> => {
      while (going) {
        const asked = plan(REQUESTS);
        const log = await runClient(context, C_CLIENT, base, asked, mode, { scratch });
        asked.forEach(({ path }, i) => answered.set(path, log[i]!));
      }
    };
    const clients = Promise.all(CLIENTS.map(ask));
    return {
      stop: async () => {
        going = false;
        await clients;
        return answered;
      },
    };
  }

  /** No span that is whole lasts longer than its client measured, most as long, and whoever names a parent has it. */
  function assertTrue(spans: readonly ReceivedSpan[], answered: ReadonlyMap<string, LogLine>): void {
    const ids = new Set(spans.map(({ traceId, spanId }) => `${traceId} ${spanId}`));
    const dangling = spans.filter(
      ({ traceId, parentSpanId }) => parentSpanId !== '' && !ids.has(`${traceId} ${parentSpanId}`),
    );
    assert.equal(dangling.length, 0, `${dangling.length} of ${spans.length} spans without their parent`);
    const short: number[] = [];
    for (const span of spans.filter(
      ({ kind, attributes }) => kind === CLIENT && !(INCOMPLETE in attributes),
    )) {
      const { startNs, endNs } = answered.get(pathOf(span)!)!;
      const lasted = Number(BigInt(span.end) - BigInt(span.start));
      assert.ok(lasted >= 0 && lasted <= endNs - startNs + CLOCK_TOLERANCE_NS, JSON.stringify(span));
      short.push(endNs - startNs - lasted);
    }
    short.sort((a, b) => a - b);
    const middle = short[short.length >> 1]!;
    assert.ok(middle < CLOCK_TOLERANCE_NS, `half of the spans miss ${middle} ns of their request`);
  }

  it('keeps the agent within its limit under an overload, and takes all of it back', async function () {
    const idle = await idleCpus();
    needMachine(this, idle >= IDLE_CPUS, `only ${idle.toFixed(1)} CPUs are idle: the agent rests anyway`);
    server = await RunningServer.start(this, C_SERVER, ['127.0.0.1:0']);
    const base = `http://${server.listening[0]}`;
    agent = await Agent.start({ receiver: { limits: { cpu: LIMIT }, ring_size: '1MiB' } });
    const load = begin(this, base);
    await sleep(SETTLE_MS);
    const taken = await cost(agent.pid, WINDOW_MS);
    const under = steps(agent);
    const answered = await load.stop();
    assert.ok(under.length > 0, 'nothing was given up');

    const deadline = Date.now() + RESTORED_MS;
    while (steps(agent).at(-1) !== 'nothing' && Date.now() < deadline) await sleep(POLL_MS);
    assert.equal(steps(agent).at(-1), 'nothing', 'not all of it was taken back');

    const spans = agent.sink.spans.filter((span) => pathOf(span)?.startsWith(`/w/${run}/`));
    assert.ok(spans.length > 0, 'nothing was captured');
    assertTrue(spans, answered);
    assert.ok(taken.process + taken.programs <= ALLOWED * LIMIT, JSON.stringify(taken));

    const later = plan(50);
    const log = await runClient(this, C_CLIENT, base, later, 'close', { scratch });
    const prefix = later[0]!.path.slice(0, -1);
    checkSpans(
      (await agent.spans(prefix, 100)).filter((span) => pathOf(span)!.startsWith(prefix)),
      later,
      log,
      {
        ...{ transport: 'tcp', peerAddress: '127.0.0.1', peerPort: Number(new URL(base).port) },
        offset: realtimeOffset(),
      },
    );
    await balancedBooks(agent);
    const ended = await agent.stop();
    agent = undefined;
    assert.ok(ended.ledger.balanced, ended.stderr);
  });

  it('tells what bpftool tells of its programs', async function () {
    server = await RunningServer.start(this, C_SERVER, ['127.0.0.1:0']);
    agent = await Agent.start();
    await cost(agent.pid, 500);
    const read = async (): Promise<Map<string, number>> => samplesOf(await agent!.metrics());
    const [before, shown, after] = [await read(), programRuns(agent.pid), await read()];
    for (const [name, { runTimeNs, runCount }] of shown) {
      for (const [metric, value] of [
        [`undertrace_bpf_program_run_seconds_total{program="${name}"}`, runTimeNs / 1e9],
        [`undertrace_bpf_program_runs_total{program="${name}"}`, runCount],
      ] as const) {
        const [from, to] = [before.get(metric)!, after.get(metric)!];
        assert.ok(value >= 0.99 * from && value <= 1.01 * to, `${metric}: ${from}, ${value}, ${to}`);
      }
    }
    assert.ok(shown.get('syscall_exit')!.runCount > 0);
  });
});
