import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { RecordingWriter } from '../../src/capture/recording.ts';
import { RecordWriter, TestEnd } from '../../test/support/records.ts';
import { type Row, median } from './statistics.ts';

const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url));
const EXCHANGES = 200_000;
const BATCH = 500;
const ROUNDS = 5;
const FLOOR = 60_000;

const REQUEST =
  'GET /api/v1/orders/4711?page=2 HTTP/1.1\r\nHost: shop.example.org:8080\r\nUser-Agent: curl/8.5.0\r\nAccept: */*\r\n' +
  'Accept-Encoding: gzip, deflate\r\nCookie: sid=0123456789abcdef0123456789abcdef\r\n\r\n';
const RESPONSE =
  'HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\nDate: Sat, 21 Nov 2026 12:00:00 GMT\r\nContent-Type: application/json\r\n' +
  `Content-Length: 256\r\nConnection: keep-alive\r\n\r\n${'x'.repeat(256)}`;

/** Keep-alive exchanges, both ends, spread over so many connections; 10 ms of load a batch. */
function writeLoad(path: string, connections: number): void {
  const file = new RecordingWriter(path, { payload: true });
  const writer = new RecordWriter();
  const pairs = Array.from({ length: connections }, (_, i) => {
    // As on a real host: no two connections share their first sequence numbers.
    const [client, server] = [(i * 2_654_435_761) >>> 0, (i * 2_246_822_519 + 1) >>> 0];
    return [
      new TestEnd(writer, { txFirst: client, rxFirst: server }),
      new TestEnd(writer, { txFirst: server, rxFirst: client, accepted: true }),
    ];
  });
  for (let i = 0; i < EXCHANGES; i++) {
    const [client, server] = pairs[i % connections]!;
    client!.send(REQUEST);
    server!.receive(REQUEST).send(RESPONSE);
    client!.receive(RESPONSE);
    if (i % BATCH === BATCH - 1) file.write(writer.clock().take());
  }
  file.write(writer.clock().take());
  file.close();
}

/** CPU seconds of one replay, all threads. */
async function replay(path: string, exporters: Record<string, unknown>): Promise<number> {
  const config = {
    receivers: { undertrace: { limits: { connections: 131_072 } } }, // both ends of 50,000
    exporters,
    service: { pipelines: { traces: { receivers: ['undertrace'], exporters: Object.keys(exporters) } } },
  };
  const args = [process.execPath, MAIN, 'replay', '--config', `yaml:${JSON.stringify(config)}`, path];
  const { stderr } = await promisify(execFile)('/usr/bin/time', ['-f', '%U %S', ...args]);
  const [user, system] = stderr.trim().split('\n').at(-1)!.split(' ').map(Number);
  return user! + system!;
}

/** The pipeline alone, from a recording: spans a second on one core, by the number of connections. */
export async function benchReplay(): Promise<Row[]> {
  const directory = mkdtempSync(join(tmpdir(), 'bench-replay-'));
  const sink = createServer((request, response) => {
    request.resume().on('end', () => response.writeHead(200).end());
  });
  await new Promise<void>((resolve) => sink.listen(0, '127.0.0.1', resolve));
  const empty = join(directory, 'empty');
  new RecordingWriter(empty, { payload: true }).close();
  const rows: Row[] = [];
  const endpoint = `http://127.0.0.1:${(sink.address() as AddressInfo).port}`;
  const exporters: Array<[string, Record<string, unknown>, floor?: number]> = [
    ['no exporter', { nop: {} }, FLOOR],
    ['OTLP over HTTP', { otlp_http: { endpoint, compression: 'none' } }, FLOOR],
    ['OTLP over HTTP, gzip', { otlp_http: { endpoint } }],
  ];
  for (const connections of [10, 1000, 50_000]) {
    const path = join(directory, `${connections}`);
    writeLoad(path, connections);
    for (const [name, exporter, floor] of exporters) {
      const rates: number[] = [];
      for (let round = 0; round < ROUNDS; round++) {
        // What starting costs is taken off by replaying nothing.
        const seconds = (await replay(path, exporter)) - (await replay(empty, exporter));
        rates.push((EXCHANGES * 2) / seconds);
      }
      const rate = median(rates);
      rows.push({
        what: `replay, ${name}, ${connections} connections`,
        without: '',
        with: `${rate.toFixed(0)} spans/s of CPU`,
        change: '',
        ...(floor === undefined ? { bound: '' } : { bound: `≥ ${floor}`, met: rate >= floor }),
      });
    }
  }
  sink.close();
  rmSync(directory, { recursive: true });
  return rows;
}
