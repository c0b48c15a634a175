import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Ledger } from '../src/base/ledger.ts';
import type { ReceiverSettings } from '../src/base/settings.ts';
import { RecordingWriter, readRecording } from '../src/capture/recording.ts';
import { Counter, InRing } from '../src/capture/records.gen.ts';
import { loadSettings } from '../src/config.ts';
import type { Span } from '../src/link/span.ts';
import { Pipeline } from '../src/pipeline.ts';
import { RecordWriter, TestEnd } from './support/records.ts';

/** Of every process of the record writer's ends. */
const START_NS = 5e9;
const HOST = {
  hostName: 'h',
  arch: 'amd64',
  osType: 'linux',
  kernel: '6.1',
  backend: 'syscalls',
  bootId: 'b',
};

/** A client, a server that is excluded nowhere, and what the kernel counted of them. */
function conversation(): Uint8Array[] {
  const writer = new RecordWriter();
  const batches: Uint8Array[] = [];
  writer.json('host', {}, { ...HOST, agentVersion: '1', agentPid: 1, boottimeOffsetNs: 0 });
  writer.json(
    'process',
    { tgid: 100, start_ns: START_NS },
    { source: 'scan', comm: 'shop', exe: '/opt/shop/shopd', argv: ['/opt/shop/shopd'] },
  );
  writer.json(
    'process',
    { tgid: 200, start_ns: START_NS },
    { source: 'exec', comm: 'curl', exe: '/usr/bin/curl', argv: ['curl'] },
  );
  batches.push(writer.clock().take());
  const client = new TestEnd(writer, { tgid: 200 });
  const server = new TestEnd(writer, { tgid: 100, accepted: true });
  let delivered = 1; // the exec
  for (const path of ['/orders/1', '/orders/2', '/healthz']) {
    const request = `GET ${path}?token=s3cret HTTP/1.1\r\nHost: shop\r\n\r\n`;
    const response = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
    client.send(request);
    server.receive(request).send(response);
    client.receive(response);
    delivered += 4;
    batches.push(writer.clock().take());
  }
  writer.add('fork', { tgid: 300, start_ns: 7e8, parent: 100, parent_start_ns: START_NS });
  writer.add('exit', { tgid: 300, start_ns: 7e8 });
  delivered += 2;
  const counters = new BigUint64Array(Object.keys(Counter).length);
  counters[Counter.produced] = BigInt(delivered + 7 + 3);
  counters[Counter.lost_ring_full] = 7n;
  const fields = { delivered, in_ring: 3, counters: counters.length };
  writer.add('counters', fields, new Uint8Array(counters.buffer));
  batches.push(writer.clock(writer.nowNs + 1e9).take());
  return batches;
}

/** A process whose two threads serve requests, with the calls made by a third; their paths end alike. */
function pool(): Uint8Array[] {
  const writer = new RecordWriter();
  writer.json('host', {}, { ...HOST, agentVersion: '1', agentPid: 1, boottimeOffsetNs: 0 });
  const batches = [writer.clock().take()];
  const head = { tgid: 100, start_ns: START_NS };
  const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
  const ends = [11, 12].map((tid) => new TestEnd(writer, { tgid: 100, tid, accepted: true }));
  const worker = new TestEnd(writer, { tgid: 100, tid: 13, remotePort: 9000 });
  const opaque = new TestEnd(writer, { tgid: 100, tid: 13, remotePort: 9001 });
  for (let i = 0; i < 100; i++) {
    if (i === 10) writer.add('pool', { ...head, watched: 1 });
    const step = i + 1;
    for (const each of [0, 1])
      ends[each]!.receive(`GET /in/${i}-${each} HTTP/1.1\r\nHost: a\r\n\r\n`, { fields: { step } });
    if (i % 5 > 0) {
      worker.send(`GET /out/${i}-${i % 2} HTTP/1.1\r\nHost: b\r\n\r\n`).receive(OK, { fields: { step } });
      writer.add('wake', { ...head, tid: 13, step, woken: 11 + (i % 2) });
    }
    // Nobody waits for this call; what is waited for is asked in a protocol that is not decoded.
    if (i % 5 === 0) {
      worker.send(`GET /out/${i}-0 HTTP/1.1\r\nHost: b\r\n\r\n`).receive(OK, { fields: { step } });
      opaque.send('\x01\x02\x03', { fields: { step } }).receive('\x04', { fields: { step: step + 1 } });
      writer.add('wake', { ...head, tid: 13, step: step + 1, woken: 12 });
    }
    for (const end of ends) end.send(OK, { fields: { step } });
    batches.push(writer.clock().take());
  }
  batches.push(writer.clock(writer.nowNs + 1e10).take());
  return batches;
}

function run(
  batches: Iterable<Uint8Array>,
  receiver: ReceiverSettings = loadSettings({ env: {}, isTty: false }).receiver,
): { spans: Span[]; ledger: Ledger; pipeline: Pipeline } {
  const ledger = new Ledger();
  const spans: Span[] = [];
  const pipeline = new Pipeline({
    receiver,
    ledger,
    onTrace: (trace) => {
      ledger.spans.out += trace.length; // as the output stage does
      spans.push(...trace);
    },
  });
  for (const batch of batches) pipeline.process(batch);
  pipeline.finish();
  return { spans, ledger, pipeline };
}

describe('pipeline', () => {
  it('makes a client and a server span of each request, the server under the client', () => {
    const { spans } = run(conversation());
    assert.deepEqual(
      spans.map(({ name, kind, resource }) => [name, kind, resource.serviceName]),
      [
        ['GET', 2, 'curl'],
        ['GET /orders/{id}', 1, 'shopd'],
        ['GET', 2, 'curl'],
        ['GET /orders/{id}', 1, 'shopd'],
      ],
    );
    const [client, server] = spans;
    assert.equal(server!.parentSpanId, client!.spanId);
    assert.equal(server!.traceId, client!.traceId);
    assert.equal(client!.parentSpanId, undefined);
  });

  it('keeps the books of the kernel of one instant, and what else it counts up to date', () => {
    const { ledger, pipeline } = run(conversation());
    const stage = { ...ledger.records, lost: { ...ledger.records.lost } };
    const counters = new BigUint64Array(Object.keys(Counter).length).fill(1_000_000n);
    const fields = { delivered: 999, in_ring: InRing.unknown, counters: counters.length };
    const writer = new RecordWriter();
    pipeline.process(writer.add('counters', fields, new Uint8Array(counters.buffer)).take());
    assert.deepEqual({ ...ledger.records, lost: { ...ledger.records.lost } }, stage);
    assert.equal(pipeline.books.inRing, 3);
    assert.equal(pipeline.books.counters.wakeups, 1_000_000);
  });

  it('asks who a process is that no record has told of, once, and names it by the answer', () => {
    const writer = new RecordWriter();
    const asked: number[] = [];
    const spans: Span[] = [];
    const quiet = (): void => undefined;
    const pipeline = new Pipeline({
      receiver: loadSettings({ env: {}, isTty: false }).receiver,
      ledger: new Ledger(),
      onTrace: (trace) => spans.push(...trace),
      kernel: {
        ...{ setVerdict: quiet, setProcess: quiet, forgetProcess: quiet, setPool: quiet, pollElided: quiet },
        describe: (tgid) => asked.push(tgid),
      },
    });
    const server = new TestEnd(writer, { tgid: 100, accepted: true });
    for (const path of ['/a', '/b'])
      server
        .receive(`GET ${path} HTTP/1.1\r\nHost: shop\r\n\r\n`)
        .send('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    pipeline.process(writer.clock().take());
    assert.deepEqual(asked, [100]);
    const facts = { source: 'scan', comm: 'shop', exe: '/opt/shop/shopd', argv: ['/opt/shop/shopd'] };
    writer.json('process', { tgid: 100, start_ns: START_NS }, facts);
    pipeline.process(writer.clock().take());
    pipeline.finish();
    assert.deepEqual(
      spans.map(({ resource }) => resource.serviceName),
      ['shopd', 'shopd'],
    );
  });

  it('lets no secret into a span', () => {
    assert.equal(JSON.stringify(run(conversation()).spans).includes('s3cret'), false);
  });

  it('keeps books that balance in every stage, filtered exchanges and records of all kinds included', () => {
    const { ledger } = run(conversation());
    assert.deepEqual(ledger.imbalances(), []);
    assert.equal(ledger.exchanges.in, 6);
    assert.equal(ledger.exchanges.lost.filtered, 2);
    assert.equal(ledger.records.lost.ring_full, 7);
    assert.equal(ledger.records.held(), 3);
  });

  it('takes in every record that was taken out of the ring', () => {
    const { ledger } = run(conversation());
    assert.equal(ledger.delivered.in, ledger.records.out);
  });

  it('knows every counter of the kernel, and its counts by port', () => {
    const names = Object.keys(Counter);
    const tcp = [(6n << 16n) | 5432n, 2n, 300n];
    const udp = [(17n << 16n) | 53n, 4n, 500n];
    const payload = BigUint64Array.from([...names.map((_, i) => BigInt(i + 1)), ...tcp, ...udp]);
    const writer = new RecordWriter();
    writer.add('counters', { counters: names.length, ports: 2 }, new Uint8Array(payload.buffer));
    const { books } = run([writer.take()]).pipeline;
    assert.deepEqual(
      Object.entries(books.counters),
      names.map((name, i) => [name, i + 1]),
    );
    assert.deepEqual(books.ports, [
      { protocol: 6, port: 5432, records: 2, bytes: 300 },
      { protocol: 17, port: 53, records: 4, bytes: 500 },
    ]);
  });

  it('knows which process listens where, until it ends', () => {
    const writer = new RecordWriter();
    const end = new TestEnd(writer, { tgid: 9, localPort: 8080 });
    end.event('listen', { syscall: 50 });
    const listening = writer.take();
    const before = run([listening]).pipeline.observations.listening;
    assert.deepEqual(
      [...before].map(([tgid, ports]) => [tgid, ...ports]),
      [[9, 8080]],
    );
    writer.add('exit', { tgid: 9 });
    assert.equal(run([listening, writer.take()]).pipeline.observations.listening.size, 0);
  });

  it('takes in connection and io_uring records, and remembers who uses io_uring', () => {
    const writer = new RecordWriter();
    new TestEnd(writer, { tgid: 9 }).event('connect', { syscall: 42 });
    writer.add('uring', { tgid: 9 }).add('uring', { tgid: 9 });
    const { ledger, pipeline } = run([writer.take()]);
    assert.deepEqual([ledger.delivered.in, ledger.delivered.out], [3, 3]);
    assert.deepEqual([...pipeline.uring], [[9, 2]]);
  });

  it('gives the call of a pool to the request of the thread that its response wakes', () => {
    const { spans, ledger } = run(pool());
    const byId = new Map(spans.map((span) => [span.spanId, span]));
    const calls = spans.filter(({ attributes }) => attributes['undertrace.link.method'] === 'completion');
    assert.equal(calls.length, 72);
    for (const { attributes, parentSpanId } of calls)
      assert.equal(
        String(attributes['url.full']).split('/').at(-1),
        String(byId.get(parentSpanId!)!.attributes['url.path']).split('/').at(-1),
      );
    assert.deepEqual(ledger.imbalances(), []);
  });

  it('counts records of a version or kind that it does not know', () => {
    const writer = new RecordWriter();
    writer.add('fork', { tgid: 1 });
    const batch = writer.take();
    batch[5] = 99;
    const other = new RecordWriter().add('fork', { tgid: 1 }).take();
    other[4] = 200;
    const { ledger } = run([batch, other]);
    assert.deepEqual([ledger.delivered.in, ledger.delivered.lost.unknown_kind], [2, 2]);
  });

  it('gives the same spans from a recording', () => {
    const directory = mkdtempSync(join(tmpdir(), 'pipeline-'));
    const path = join(directory, 'a.rec');
    const writer = new RecordingWriter(path, { payload: true });
    for (const batch of conversation()) writer.write(batch);
    writer.close();
    assert.deepEqual(run(readRecording(path)).spans, run(conversation()).spans);
    rmSync(directory, { recursive: true });
  });

  it('sums up what its parts count beside the books', () => {
    const writer = new RecordWriter();
    const end = new TestEnd(writer);
    end.event('connect', { result: -111 });
    const { pipeline } = run([...conversation(), writer.take()]);
    const { decode, linker, processes, routes } = pipeline;
    decode.table.counters.evicted = 2;
    decode.table.counters.expired = 3;
    linker.hops.evicted = 4;
    linker.hops.duplicates = 5;
    linker.assembler.cutShort = 6;
    linker.assembler.overdue = 13;
    processes.evicted = 7;
    processes.guessed = 8;
    routes.overflows = 9;
    linker.inbound.evicted = 10;
    linker.inbound.ambiguous = 11;
    linker.origins.counts.conflicts = 12;
    linker.residual.counts.overflows = 16;
    Object.assign(linker.remoteEnds.counts, { late: 13, invalid: 14, overflows: 15 });
    assert.deepEqual(pipeline.counts(), {
      ...{ connectionsOpened: 2, connectionsEvicted: 2, connectionsExpired: 3, connectFailures: { 111: 1 } },
      ...{ hopsEvicted: 4, hopDuplicates: 5, tracesCutShort: 6, tracesOverdue: 13 },
      ...{ inboundEvicted: 10, matchesAmbiguous: 11, linkConflicts: 12, residualOverflows: 16 },
      ...{ directoryLate: 13, directoryInvalid: 14, remoteOverflows: 15 },
      ...{ processesEvicted: 7, servicesGuessed: 8, routeOverflows: 9 },
    });
  });

  it('knows what processes and ports did', () => {
    const { pipeline } = run(conversation());
    const counts = { exchanges: 3, spans: 2, filtered: 1, instrumented: 0 };
    assert.deepEqual(pipeline.observations.processes.get(100), counts);
    assert.deepEqual(
      [...pipeline.observations.ports.values()].map(({ exchanges, spans, filtered }) => [
        exchanges,
        spans,
        filtered,
      ]),
      [[6, 4, 2]],
    );
  });

  describe('with an application that exports traces', () => {
    const EXPORT = 'POST /v1/traces HTTP/1.1\r\nHost: c\r\nContent-Length: 1\r\n\r\nx';
    const TAKEN = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}';
    const [APP, COLLECTOR] = [100, 300];
    const answer = (text: string): string => TAKEN.replace('200 OK', text);

    /** The application serves a request before its first export and one after it; `by`: who hands over its traces. */
    function serve(response: string, by: 'itself' | 'relay' = 'itself'): Uint8Array {
      const writer = new RecordWriter();
      for (const [tgid, comm] of [[APP, 'shop'] as const, [COLLECTOR, 'collector'] as const])
        writer.json(
          'process',
          { tgid, start_ns: START_NS },
          { source: 'scan', comm, exe: `/usr/bin/${comm}` },
        );
      const served = new TestEnd(writer, { tgid: APP, accepted: true, localPort: 8080 });
      const get = (n: number): unknown =>
        served.receive(`GET /${n} HTTP/1.1\r\nHost: h\r\n\r\n`).send('HTTP/1.1 204 No Content\r\n\r\n');
      get(1);
      writer.clock().clock(writer.nowNs + 5e9);
      if (by === 'relay') {
        const port = { localPort: 4318, remotePort: 50000 };
        new TestEnd(writer, { tgid: APP, accepted: true, ...port }).receive(EXPORT).send(response);
      }
      new TestEnd(writer, { tgid: APP, remotePort: 4318 }).send(EXPORT).receive(response);
      new TestEnd(writer, { tgid: COLLECTOR, accepted: true, localPort: 4318 })
        .receive(EXPORT)
        .send(response);
      writer.clock().clock(writer.nowNs + 5e9);
      get(2);
      return writer.clock().take();
    }

    const told = (spans: readonly Span[]): string[] =>
      spans
        .map(({ kind, attributes }) => `${kind} ${String(attributes['url.path'] ?? attributes['url.full'])}`)
        .sort();

    it('leaves its spans out from its first export on, and counts its requests all the same', () => {
      const { spans, ledger, pipeline } = run([serve(TAKEN)]);
      assert.deepEqual(told(spans), ['1 /1']);
      // The export itself is dropped at both ends by the filters, which is after it has been seen.
      assert.deepEqual([ledger.exchanges.lost.instrumented, ledger.exchanges.lost.filtered], [1, 2]);
      assert.deepEqual(ledger.imbalances(), []);
      assert.deepEqual(pipeline.observations.processes.get(APP), {
        ...{ exchanges: 3, spans: 1, filtered: 1, instrumented: 1 },
      });
      assert.ok(pipeline.suppresses(APP, 0));
      assert.ok(!pipeline.suppresses(COLLECTOR, 0));
    });

    it('makes all of them where it is told to, and changes that while it runs', () => {
      const { receiver } = loadSettings({ env: {}, isTty: false });
      const nested = { ...receiver, link: { ...receiver.link, instrumented: 'nest' as const } };
      const { spans, ledger, pipeline } = run([serve(TAKEN)], nested);
      assert.deepEqual(told(spans), ['1 /1', '1 /2']);
      assert.equal(ledger.exchanges.lost.instrumented, 0);
      assert.ok(!pipeline.suppresses(APP, 0));
      pipeline.reconfigure(receiver);
      assert.ok(pipeline.suppresses(APP, 0));
    });

    it('keeps its spans where nobody takes its traces, or they are those of others', () => {
      for (const batch of [
        serve(answer('503 Busy')),
        serve(answer('404 Not Found')),
        serve(TAKEN, 'relay'),
      ]) {
        const { spans, ledger } = run([batch]);
        assert.ok(told(spans).includes('1 /2'));
        assert.equal(ledger.exchanges.lost.instrumented, 0);
        assert.deepEqual(ledger.imbalances(), []);
      }
    });
  });

  it('forgets what a process did when it ends, although its spans leave later', () => {
    const writer = new RecordWriter();
    const client = new TestEnd(writer, { tgid: 200 });
    client.send('GET / HTTP/1.1\r\nHost: h\r\n\r\n').receive('HTTP/1.1 204 No Content\r\n\r\n');
    writer.add('exit', { tgid: 200, start_ns: START_NS });
    const { pipeline, spans } = run([writer.take()]);
    assert.equal(spans.length, 1);
    assert.deepEqual([...pipeline.observations.processes], []);
  });
});
