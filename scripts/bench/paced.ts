import { execFile } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { promisify } from 'node:util';
import { gunzipSync } from 'node:zlib';

import { decodeProto } from '../../test/support/otlp-proto.ts';
import { BenchAgent } from './agent.ts';
import { type Row, lossesIn, percentile } from './statistics.ts';
import { startNginx } from './throughput.ts';

const PORT = 18_089;
const SECONDS = 60;
const CONNECTIONS = 50;
const PER_SECOND = 10_000;
/** Decoding every request would cost as much as the agent: one in so many is looked into for its times. */
const SAMPLED = 16;
const RSS_BOUND_MB = 130;

/** A destination that answers as a Collector does and notes how old spans are when they come. */
async function startSink(): Promise<{ port: number; agesMs: number[]; close: () => void }> {
  const agesMs: number[] = [];
  let requests = 0;
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      const arrivedMs = Date.now();
      response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end();
      if (requests++ % SAMPLED !== 0) return;
      const body = Buffer.concat(parts);
      const bytes = request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body;
      for (const { end } of decodeProto(bytes)) agesMs.push(arrivedMs - Number(BigInt(end) / 1_000_000n));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { port: (server.address() as AddressInfo).port, agesMs, close: () => server.close() };
}

/** 10,000 requests a second for a minute through nginx: losses, cost, and how late spans come. */
export async function benchPaced(): Promise<Row[]> {
  const stopNginx = await startNginx(PORT);
  const sink = await startSink();
  const agent = await BenchAgent.start({ otlp_http: { endpoint: `http://127.0.0.1:${sink.port}` } });
  const before = agent.figures();
  const { stdout } = await promisify(execFile)('h2load', [
    '--h1',
    ...['-t', '1', '-c', `${CONNECTIONS}`, '--rps', `${PER_SECOND / CONNECTIONS}`, '-D', `${SECONDS}`],
    `http://127.0.0.1:${PORT}/x`,
  ]);
  const after = agent.figures();
  const losses = lossesIn(await agent.stop());
  sink.close();
  await stopNginx();
  const requests = Number(/requests: (\d+) total/.exec(stdout)![1]);
  const cores = (after.cpuSeconds - before.cpuSeconds) / SECONDS;
  const age = percentile(sink.agesMs, 99);
  const what = `${(requests / SECONDS).toFixed(0)} requests/s through nginx for ${SECONDS} s`;
  const row = { without: '', bound: '' };
  return [
    {
      ...row,
      what: `${what}: lost`,
      with: losses.length === 0 ? '0' : losses.join('; '),
      change: '',
      bound: '0',
      met: losses.length === 0,
    },
    { ...row, what: `${what}: agent CPU`, with: `${cores.toFixed(2)} cores`, change: '' },
    {
      ...row,
      what: `${what}: agent RSS, peak`,
      with: `${after.peakRssMb.toFixed(0)} MB`,
      change: '',
      bound: `≤ ${RSS_BOUND_MB} MB`,
      met: after.peakRssMb <= RSS_BOUND_MB,
    },
    {
      ...row,
      what: `${what}: end of request → span at the destination, p99`,
      with: `${age.toFixed(0)} ms`,
      change: '',
      bound: '≤ 1000 ms',
      met: age <= 1000,
    },
  ];
}
