import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { SelfMetrics } from '../../src/metrics/self-metrics.ts';
import { findCollector, freePorts } from '../support/collector.ts';
import { lacking } from '../support/programs.ts';
import { makeSources } from './make-sources.ts';

const SPAN = {
  traceId: '0af7651916cd43dd8448eb211c80319c',
  spanId: 'b7ad6b7169203331',
  name: 'x',
  startTimeUnixNano: '1',
  endTimeUnixNano: '2',
};
const METRIC = { name: 'x', gauge: { dataPoints: [{ timeUnixNano: '2', asDouble: 1 }] } };

/** Name → type and label names, of a page in the text format. */
function shapeOf(page: string): Map<string, { type: string; labels: string[] }> {
  const shape = new Map<string, { type: string; labels: string[] }>();
  for (const [, name, type] of page.matchAll(/^# TYPE (otelcol_\w+) (\w+)$/gm)) {
    shape.set(name!, { type: type!, labels: [] });
  }
  for (const [, name, labels] of page.matchAll(/^(otelcol_\w+)(?:\{(.*)\})? /gm)) {
    const known = shape.get(name!);
    if (known) known.labels = [...(labels ?? '').matchAll(/(\w+)="/g)].map((match) => match[1]!).sort();
  }
  return shape;
}

describe('metrics beside those of a real Collector', function () {
  // The first run builds it.
  this.timeout(600_000);
  let child: ChildProcess | undefined;
  let folder: string | undefined;

  after(async () => {
    if (child?.exitCode === null) {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
    if (folder) rmSync(folder, { recursive: true });
  });

  it('have its names, types and labels', async function () {
    const found = findCollector();
    if ('missing' in found) lacking(this, found.missing);
    const [http, metrics] = (await freePorts(2)) as [number, number];
    folder = mkdtempSync(path.join(tmpdir(), 'undertrace-names-'));
    const file = path.join(folder, 'collector.yaml');
    const reader = {
      host: '127.0.0.1',
      port: metrics,
      without_type_suffix: true,
      without_units: true,
      without_scope_info: true,
    };
    const config = {
      receivers: { otlp: { protocols: { http: { endpoint: `127.0.0.1:${http}` } } } },
      exporters: { otlp_grpc: { endpoint: '127.0.0.1:1', tls: { insecure: true } }, debug: {} },
      service: {
        pipelines: {
          traces: { receivers: ['otlp'], exporters: ['otlp_grpc', 'debug'] },
          metrics: { receivers: ['otlp'], exporters: ['debug'] },
        },
        telemetry: { metrics: { readers: [{ pull: { exporter: { prometheus: reader } } }] } },
      },
    };
    writeFileSync(file, JSON.stringify(config));
    child = spawn(found.binary, ['--config', file], { stdio: 'ignore' });
    const headers = { 'content-type': 'application/json' };
    const send = (signal: string, body: object) =>
      fetch(`http://127.0.0.1:${http}/v1/${signal}`, { method: 'POST', headers, body: JSON.stringify(body) });
    const spans = { resourceSpans: [{ scopeSpans: [{ spans: [SPAN] }] }] };
    const points = { resourceMetrics: [{ scopeMetrics: [{ metrics: [METRIC] }] }] };
    while (
      !(await send('traces', spans).then(
        ({ ok }) => ok,
        () => false,
      ))
    ) {
      assert.equal(child.exitCode, null, 'the Collector ended');
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    assert.ok((await send('metrics', points)).ok);
    const theirs = shapeOf(await (await fetch(`http://127.0.0.1:${metrics}/metrics`)).text());
    const ours = shapeOf(await new SelfMetrics(makeSources()).render(false));
    // Those that it shows only once something has failed.
    const onFailure = /^(otelcol_exporter_)(?:send|enqueue)_failed(_\w+)$/;
    for (const [name, shape] of ours)
      assert.deepEqual(shape, theirs.get(name.replace(onFailure, '$1sent$2')), name);
    assert.ok(ours.size >= 13, String(ours.size));
  });
});
