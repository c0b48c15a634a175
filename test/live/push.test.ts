/** All metrics of a real agent, pushed to a real Collector that gets its spans, too. */
import assert from 'node:assert/strict';
import { samplesOf } from '../metrics/make-sources.ts';
import { Agent } from '../support/agent.ts';
import { Collector, findCollector } from '../support/collector.ts';
import { lacking, needRoot } from '../support/programs.ts';
import { plainAttributes, pointsOf, receivedMetrics } from '../support/received-metrics.ts';
import { C_CLIENT, C_SERVER, makePlan, runClient, RunningServer, Scratch } from '../support/workload.ts';

const REQUESTS = 20;
/** Other traffic of the machine would be counted as well. */
const filters = { include: [{ pid: process.pid, children: true }] };
describe('pushed metrics', function () {
  this.timeout(60_000);
  const scratch = new Scratch();
  let collector: Collector | undefined;
  let agent: Agent | undefined;
  let server: RunningServer | undefined;

  before(async function () {
    needRoot(this);
    const found = findCollector();
    if ('missing' in found) lacking(this, found.missing);
    collector = await Collector.start(found.binary, scratch.folder);
  });

  after(async () => {
    await server?.stop();
    agent?.kill('SIGKILL');
    await agent?.ended();
    await collector?.stop();
    scratch.remove();
  });

  it('are those of the scrape, and their exemplars lead to spans that arrive', async function () {
    const endpoint = `http://127.0.0.1:${collector!.httpPort}`;
    agent = await Agent.start({
      receiver: { filters, metrics: { push_interval: '1h' } },
      exporters: { otlp_http: { endpoint, sending_queue: { batch: { flush_timeout: '50ms' } } } },
      args: ['--set', 'service.pipelines.metrics.exporters=[prometheus, otlp_http]'],
    });
    server = await RunningServer.start(this, C_SERVER, ['127.0.0.1:0'], { service: 'shop' });
    const plan = makePlan(`push-${process.pid}`, REQUESTS, 'keepalive', C_CLIENT, C_SERVER);
    await runClient(this, C_CLIENT, `http://${server.listening[0]}`, plan, 'keepalive', { scratch });
    const spans = await collector!.waitForSpans(2 * REQUESTS);
    const page = await agent.metrics();
    const ended = await agent.stop();
    agent = undefined;
    assert.deepEqual([ended.code, ended.ledger.balanced], [0, true], ended.stderr);
    // It writes all that it has got. There was one push: that at the agent's end.
    await collector!.stop();
    const metrics = receivedMetrics(collector!.metricsRequests());

    const points = pointsOf(metrics.get('shop http.server.request.duration')!);
    assert.equal(
      points.reduce((sum, { count }) => sum + Number(count), 0),
      REQUESTS,
    );
    const exemplars = points.flatMap(({ exemplars: found }) => found ?? []);
    assert.ok(exemplars.length > 0);
    const known = new Set(spans.map(({ traceId, spanId }) => `${traceId} ${spanId}`));
    for (const { traceId, spanId } of exemplars) assert.ok(known.has(`${traceId} ${spanId}`), traceId);

    for (const name of ['system.cpu.time', 'system.memory.usage', 'system.filesystem.usage'])
      assert.ok(metrics.has(`undertrace ${name}`), name);
    const { sum } = metrics.get('undertrace undertrace_ledger_in_total')!;
    assert.equal(sum?.isMonotonic, true);
    const scraped = samplesOf(page);
    for (const stage of ['exchanges', 'spans', 'exporters/otlp_http']) {
      const then = scraped.get(`undertrace_ledger_in_total{stage="${stage}"}`)!;
      const now = sum.dataPoints.find(({ attributes }) => plainAttributes(attributes).stage === stage);
      assert.ok(then >= 2 * REQUESTS && now!.asDouble! >= then, `${stage}: ${then}, ${now?.asDouble}`);
    }
    const memory = metrics.get('undertrace undertrace_memory_bytes')!;
    assert.ok(memory.gauge!.dataPoints.every(({ asDouble }) => asDouble! > 0));
    const [drains] = metrics.get('undertrace undertrace_drain_batch_bytes')!.histogram!.dataPoints;
    assert.ok(Number(drains!.count) > 0 && drains!.bucketCounts!.length > 2);
  });
});
