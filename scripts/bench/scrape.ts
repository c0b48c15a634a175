import { execFile } from 'node:child_process';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { promisify } from 'node:util';

import type { MetricsSettings } from '../../src/base/settings.ts';
import { RequestMetrics } from '../../src/metrics/request/request-metrics.ts';
import { SelfMetrics } from '../../src/metrics/self-metrics.ts';
import { createAgentListener } from '../../src/serve/agent-listener.ts';
import { makeSources } from '../../test/metrics/make-sources.ts';
import { METRICS_SETTINGS, makeRequest } from '../../test/support/make-requests.ts';
import { type Row, percentile } from './statistics.ts';

const SERIES = 10_000;
const SCRAPES = 200;
const MOST_MS = 50;
/** By which a timer, such as that of the drain, may come late. */
const MOST_DELAY_MS = 20;
/** A scrape from a process of its own, as Prometheus'; what it prints are seconds. */
const CLIENT = `
const [url, count] = process.argv.slice(1);
const seconds = [];
for (let i = 0; i < Number(count); i++) {
  const before = performance.now();
  const response = await fetch(url, { headers: { accept: 'application/openmetrics-text;version=1.0.0' } });
  await response.arrayBuffer();
  seconds.push(performance.now() - before);
}
console.log(JSON.stringify(seconds));
`;
const SILENT = { debug: quiet, info: quiet, warn: quiet, error: quiet };

/** Scrapes of a page of 10,000 series, and how late a timer of the agent comes meanwhile. */
export async function benchScrape(): Promise<Row[]> {
  const settings: MetricsSettings = { ...METRICS_SETTINGS, seriesLimits: { default: SERIES } };
  const requests = new RequestMetrics(settings, () => ({ serviceName: '', attributes: {} }));
  const page = new SelfMetrics(makeSources(), [(define) => requests.define(define)]);
  let series = 0;
  for (let route = 0; series < SERIES; route++) {
    for (const role of ['server', 'client'] as const) {
      const span = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331' };
      const attributes = { 'http.request.method': 'GET', 'http.response.status_code': 200 };
      requests.observe(
        makeRequest({ role, attributes, route: `/r/${route}`, name: `GET /r/${route}`, span }),
      );
    }
    if (route % 20 === 0)
      series = (await page.render(false)).split('\n').filter((line) => !line.startsWith('#')).length;
  }
  const listener = createAgentListener({
    endpoint: { host: '127.0.0.1', port: 0 },
    log: SILENT,
    metrics: (openMetrics) => page.render(openMetrics),
    readiness: () => ({ ready: true }),
    status: refuse,
    why: refuse,
    logLevel: { get: () => 'info', set: quiet },
  });
  await listener.start();
  const url = `http://127.0.0.1:${listener.port}/metrics`;
  const scrape = async (count: number): Promise<number[]> => {
    const args = ['--input-type=module', '-e', CLIENT, '--', url, String(count)];
    const { stdout } = await promisify(execFile)(process.execPath, args);
    return JSON.parse(stdout) as number[];
  };
  await scrape(20);
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const times = await scrape(SCRAPES);
  delay.disable();
  await listener.close();
  const p99 = percentile(times, 99);
  const lateMs = delay.max / 1e6 - 1;
  return [
    {
      what: `scrape of ${series} series, p99`,
      without: '',
      with: `${p99.toFixed(0)} ms`,
      change: '',
      bound: `≤ ${MOST_MS} ms`,
      met: p99 <= MOST_MS,
    },
    {
      what: 'a timer of the agent comes late meanwhile, at most',
      without: '',
      with: `${lateMs.toFixed(0)} ms`,
      change: '',
      bound: `≤ ${MOST_DELAY_MS} ms`,
      met: lateMs <= MOST_DELAY_MS,
    },
  ];
}

function quiet(): void {
  // what is said here is of no interest
}

function refuse(): never {
  throw new Error('only metrics are asked for');
}
