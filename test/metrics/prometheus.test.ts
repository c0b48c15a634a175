import assert from 'node:assert/strict';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { createServer as createTcpServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { SelfMetrics } from '../../src/metrics/self-metrics.ts';
import { createAgentListener } from '../../src/serve/agent-listener.ts';
import type { HttpListener } from '../../src/serve/http-listener.ts';
import { needCommand } from '../support/programs.ts';
import { makeSources, samplesOf } from './make-sources.ts';

const SILENT = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

interface Series {
  metric: Record<string, string>;
  value: [number, string];
}

async function freePort(): Promise<number> {
  const server = createTcpServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

/** The agent's page in text only, whatever the scraper would like. */
async function textOnly(metrics: SelfMetrics): Promise<Server> {
  const server = createServer((_request, response) => {
    void metrics.render(false).then((page) => {
      response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4' });
      response.end(page);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

describe('metrics/prometheus', () => {
  before(function () {
    for (const command of ['prometheus', 'promtool']) needCommand(this, command, 'a real Prometheus scrapes');
  });

  it('gets nothing but the names of the Collector to complain about from promtool', async () => {
    const page = await new SelfMetrics(makeSources()).render(false);
    const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], {
      input: page,
      encoding: 'utf8',
    });
    const complaints = `${stdout}${stderr}`.split('\n').filter(Boolean);
    const own = complaints.filter((line) => !line.startsWith('otelcol_'));
    assert.deepEqual(own, []);
    const other = complaints.filter((line) => !line.endsWith('counter metrics should have "_total" suffix'));
    assert.deepEqual(other, []);
    // 3: complaints and nothing worse.
    assert.equal(status, 3);
  });

  describe('a real one', () => {
    let folder: string;
    let listener: HttpListener;
    let plain: Server;
    let prometheus: ChildProcess;
    let port: number;
    let metrics: SelfMetrics;

    const query = async (text: string): Promise<Series[]> => {
      const url = `http://127.0.0.1:${port}/api/v1/query?query=${encodeURIComponent(text)}`;
      const { data } = (await (await fetch(url)).json()) as { data: { result: Series[] } };
      return data.result;
    };

    before(async function () {
      this.timeout(40_000);
      metrics = new SelfMetrics(makeSources());
      listener = createAgentListener({
        endpoint: { host: 'localhost', port: 0 },
        log: SILENT,
        metrics: (openMetrics) => metrics.render(openMetrics),
        readiness: () => ({ ready: true }),
        status: () => assert.fail('not asked for'),
        why: () => assert.fail('not asked for'),
        logLevel: { get: () => 'info', set: () => undefined },
      });
      await listener.start();
      plain = await textOnly(metrics);
      port = await freePort();
      folder = mkdtempSync(path.join(tmpdir(), 'undertrace-prometheus-'));
      const target = (job: string, at: number): object => ({
        job_name: job,
        static_configs: [{ targets: [`127.0.0.1:${at}`] }],
      });
      const config = {
        global: { scrape_interval: '200ms' },
        scrape_configs: [
          target('negotiated', listener.port),
          target('text', (plain.address() as AddressInfo).port),
        ],
      };
      const file = path.join(folder, 'prometheus.yml');
      writeFileSync(file, JSON.stringify(config));
      prometheus = spawn(
        'prometheus',
        [
          `--config.file=${file}`,
          `--storage.tsdb.path=${path.join(folder, 'data')}`,
          `--web.listen-address=127.0.0.1:${port}`,
        ],
        { stdio: 'ignore' },
      );
      for (;;) {
        const up = await query('up == 1').catch(() => []);
        if (up.length === 2) return;
        assert.equal(prometheus.exitCode, null, 'prometheus ended');
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    });

    after(async () => {
      await listener?.close();
      plain?.close();
      if (prometheus?.exitCode === null) {
        prometheus.kill('SIGKILL');
        await once(prometheus, 'exit');
      }
      if (folder) rmSync(folder, { recursive: true, force: true });
    });

    it('stores the same series from both formats, and every sample of the page', async () => {
      const seriesOf = async (job: string): Promise<string[]> => {
        const series = await query(`{job="${job}", __name__!~"up|scrape_.*"}`);
        return series
          .map(({ metric }) =>
            Object.entries(metric).filter(([label]) => label !== 'job' && label !== 'instance'),
          )
          .map((labels) => JSON.stringify(labels.sort()))
          .sort();
      };
      const negotiated = await seriesOf('negotiated');
      assert.deepEqual(negotiated, await seriesOf('text'));
      assert.equal(negotiated.length, samplesOf(await metrics.render(false)).size);
    });

    it('finds the counters of the Collector under the names its dashboards ask for', async () => {
      const accepted = await query('otelcol_receiver_accepted_spans{receiver="undertrace",transport="ebpf"}');
      assert.deepEqual(
        accepted.map(({ value }) => value[1]),
        ['5', '5'],
      );
      assert.deepEqual(await query('{__name__=~"otelcol_.*_total"}'), []);
      const lost = await query('sum by (job) (undertrace_ledger_lost_total{reason="ring_full"})');
      assert.deepEqual(
        lost.map(({ value }) => value[1]),
        ['3', '3'],
      );
      const lag = await query(
        'histogram_quantile(0.5, undertrace_event_loop_lag_seconds_bucket{job="negotiated"})',
      );
      assert.equal(lag.length, 1);
    });
  });
});
