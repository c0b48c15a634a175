/** A machine that does nothing but watch itself gives no spans: Collector, Prometheus and the agent talk to each other all the time. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { Agent, sleep } from '../support/agent.ts';
import { Collector, findCollector, freePorts } from '../support/collector.ts';
import { lacking, needCommand, needRoot } from '../support/programs.ts';
import { C_CLIENT, C_SERVER, makePlan, runClient, RunningServer, Scratch } from '../support/workload.ts';

/** 300 in the words; a minute's worth of scrapes at five a second says the same. */
const SECONDS = Number(process.env.UNDERTRACE_IDLE_SECONDS ?? 12);

describe('an idle machine with its observers', function () {
  this.timeout(SECONDS * 1000 + 60_000);
  const scratch = new Scratch();
  let collector: Collector;
  let prometheus: ChildProcess;
  let agent: Agent;
  let ports: number[];

  before(async function () {
    needRoot(this);
    const binary = needCommand(this, 'prometheus', 'a real Prometheus scrapes the agent');
    const found = findCollector();
    if ('missing' in found) lacking(this, found.missing);
    collector = await Collector.start(found.binary, scratch.folder);
    const [port] = (await freePorts(1)) as [number];
    agent = await Agent.start({
      exporters: {
        otlp_http: {
          endpoint: `http://127.0.0.1:${collector.httpPort}`,
          sending_queue: { batch: { flush_timeout: '50ms' } },
        },
      },
    });
    ports = [collector.httpPort, collector.grpcPort, agent.port, port];
    const config = {
      global: { scrape_interval: '200ms', scrape_timeout: '200ms' },
      scrape_configs: [
        { job_name: 'all', static_configs: [{ targets: [`127.0.0.1:${agent.port}`, `127.0.0.1:${port}`] }] },
      ],
    };
    writeFileSync(scratch.file('prometheus.yaml'), JSON.stringify(config));
    const args = [
      `--config.file=${scratch.file('prometheus.yaml')}`,
      `--storage.tsdb.path=${scratch.file('tsdb')}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ];
    prometheus = spawn(binary, args, { stdio: 'ignore' });
  });

  after(async () => {
    prometheus?.kill('SIGTERM');
    if (prometheus && prometheus.exitCode === null) await once(prometheus, 'exit');
    await agent?.stop();
    await collector?.stop();
    scratch.remove();
  });

  it(`gives no span in ${SECONDS} s, while a request is still seen`, async function () {
    await sleep(SECONDS * 1000);
    const server = await RunningServer.start(this, C_SERVER, ['127.0.0.1:0'], { service: 'awake' });
    // Spans that are exported are traffic too; they must not feed themselves.
    const plan = makePlan(`idle-${process.pid}`, 10, 'keepalive', C_CLIENT, C_SERVER);
    await runClient(this, C_CLIENT, `http://${server.listening[0]}`, plan, 'keepalive', { scratch });
    await sleep(2000);
    await server.stop();
    const spans = collector.spans();
    const own = spans.filter(({ attributes }) =>
      ['server.port', 'network.peer.port', 'network.local.port'].some((key) =>
        ports.some((port) => attributes[key] === port || attributes[key] === `int:${port}`),
      ),
    );
    assert.deepEqual(own.slice(0, 3), [], `${own.length} spans of the observers`);
    const awake = spans.filter(({ resource }) => resource['service.name'] === 'awake');
    assert.equal(awake.length, 10, 'the one real conversation is missing');
    const metrics = await agent.metrics();
    assert.match(metrics, /otelcol_exporter_sent_spans\{[^}]*\} \d+/);
  });
});
