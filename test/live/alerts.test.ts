/** Alerts of config/prometheus/ on real faults: a real Prometheus scrapes a real agent, and what breaks is broken. Only their `for` is shorter. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Agent, type AgentOptions } from '../support/agent.ts';
import { freePorts } from '../support/collector.ts';
import { Demo } from '../support/demo.ts';
import { needCommand, needRoot } from '../support/programs.ts';
import { type Alert, Prometheus } from '../support/prometheus.ts';
import { StackCollector } from '../support/stack-collector.ts';

const ALERT_AFTER = '6s';
/** On a busy machine the agent stands back, and what it tells comes late. */
const PATIENCE_MS = 180_000;
/** The smallest that there is. */
const SMALL_RING = '64KiB';
const STALL_MS = 250;

describe('alerts on real faults', function () {
  this.timeout(300_000);
  let folder: string;
  let agent: Agent | undefined;
  let prometheus: Prometheus | undefined;
  let collector: StackCollector | undefined;
  let demo: Demo;

  before(async function () {
    needRoot(this);
    folder = mkdtempSync(path.join(tmpdir(), 'undertrace-alerts-'));
    demo = await Demo.start(this);
    await demo.visit();
  });

  afterEach(async () => {
    await agent?.stop();
    await prometheus?.stop();
    await collector?.stop();
    agent = prometheus = collector = undefined;
  });

  after(async () => {
    await demo?.stop();
    if (folder) rmSync(folder, { recursive: true });
  });

  /** An agent that sees what this test has started, and a Prometheus that scrapes it. */
  async function watch(context: Mocha.Context, options: AgentOptions): Promise<void> {
    const receiver = { filters: { include: [{ pid: process.pid, children: true }] }, ...options.receiver };
    agent = await Agent.start({ ...options, receiver });
    prometheus = await Prometheus.start(context, mkdtempSync(path.join(folder, 'prometheus-')), {
      targets: {
        'agent:9464': `127.0.0.1:${agent.port}`,
        'collector:8888': collector?.metrics ?? null,
        'jaeger:8888': null,
      },
      alertAfter: ALERT_AFTER,
    });
  }

  const firing = (name: string): Promise<Alert> =>
    prometheus!.until(
      name,
      async () =>
        (await prometheus!.alerts()).find(
          ({ labels, state }) => labels.alertname === name && state === 'firing',
        ),
      PATIENCE_MS,
    );

  /** The same while so many connections ask the demo as fast as they can. */
  async function firingUnder(context: Mocha.Context, name: string, connections: number): Promise<Alert> {
    const ab = needCommand(context, 'ab', 'it makes a load');
    // In this order: a time limit sets the number of requests to 50,000. `-r`: a connection that is closed is opened again.
    const args = [
      '-q',
      '-r',
      '-c',
      `${connections}`,
      '-t',
      '300',
      '-n',
      '10000000',
      `${demo.base}/visits/load`,
    ];
    const load = spawn(ab, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    let errors = '';
    load.stderr.on('data', (text) => (errors += String(text)));
    const ended = once(load, 'close').then(([status]) =>
      assert.fail(`ab has ended with ${status}: ${errors}`),
    );
    try {
      return await Promise.race([firing(name), ended]);
    } finally {
      load.kill('SIGTERM');
      await ended.catch(() => undefined);
    }
  }

  it('tell that the Collector is down, and that nothing can be sent', async function () {
    const [nowhere] = (await freePorts(1)) as [number];
    collector = await StackCollector.start(this, nowhere);
    await watch(this, { exporters: { otlp_http: { endpoint: collector.endpoint } } });
    await prometheus!.until(
      'spans in the Collector',
      async () => {
        const up = await prometheus!.query('up{job="otel-collector"} == 1');
        const sent = await prometheus!.query('otelcol_exporter_sent_spans{job="undertrace"} > 0');
        return up.length > 0 && sent.length > 0 ? true : undefined;
      },
      PATIENCE_MS,
    );
    assert.deepEqual(await prometheus!.alerts(), []);

    await collector.stop('SIGKILL');
    const down = await firing('UndertraceCollectorDown');
    assert.equal(down.labels.severity, 'critical');
    assert.equal(down.labels.instance, collector.metrics);
    const away = await firing('UndertraceDestinationAway');
    assert.equal(away.labels.exporter, 'otlp_http');
    assert.match(away.annotations.summary!, /The destination of otlp_http at .* takes no spans/);
  });

  it('tell that the agent captures less, since it would take more than it may', async function () {
    await watch(this, { receiver: { limits: { cpu: 0.05 } } });
    const less = await firingUnder(this, 'UndertraceCapturesLess', 8);
    assert.match(less.annotations.summary!, /is at step [1-4] of 4 of capturing less/);
  });

  it('tell that the ring is too small', async function () {
    await watch(this, { receiver: { ring_size: SMALL_RING } });
    // A host that lets the agent work half of the time only.
    let stands = false;
    const stalls = setInterval(() => agent!.kill((stands = !stands) ? 'SIGSTOP' : 'SIGCONT'), STALL_MS);
    try {
      const overrun = await firingUnder(this, 'UndertraceRingOverrun', 32);
      assert.match(overrun.annotations.summary!, /loses [\d.]+% of what the kernel tells/);
    } finally {
      clearInterval(stalls);
      agent!.kill('SIGCONT');
    }
    const { ledger } = await agent!.stop();
    agent = undefined;
    assert.ok(ledger.stages.records!.lost.ring_full! > 0);
  });
});
