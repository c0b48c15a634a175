import assert from 'node:assert/strict';
import { Ledger } from '../src/base/ledger.ts';
import type { ProbeState } from '../src/host/host-probes.ts';
import { Pipeline } from '../src/pipeline.ts';
import { type Reported, statusOf, whyOf } from '../src/reports.ts';
import { DEFAULTS } from './support/defaults.ts';
import { RecordWriter, TestEnd } from './support/records.ts';

const START_NS = 5e9;
const SERVER = 100;
const DATABASE = 200;
const REQUEST = 'GET /orders/1 HTTP/1.1\r\nHost: shop\r\n\r\n';
const HEALTH = REQUEST.replace('orders/1', 'healthz');
const RESPONSE = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const HOST = {
  ...{ hostName: 'h', arch: 'amd64', osType: 'linux' as const, kernel: '6.1', backend: 'syscalls' },
  ...{ bootId: 'b', agentVersion: '1', agentPid: 1, boottimeOffsetNs: 0 },
};

/**
 * A web server with two connections, one request of which the filters drop, and a database that speaks nothing known; at the end all connections
 * are `over`, or none.
 */
function traffic(over: boolean): Uint8Array {
  const writer = new RecordWriter();
  for (const [tgid, comm] of [[SERVER, 'shopd'] as const, [DATABASE, 'based'] as const]) {
    const facts = { source: 'scan', comm, exe: `/opt/${comm}`, argv: [`/opt/${comm}`] };
    writer.json('process', { tgid, start_ns: START_NS }, facts);
  }
  writer.clock();
  const port = { accepted: true, localPort: 8080, tgid: SERVER };
  const ends = [new TestEnd(writer, port), new TestEnd(writer, port)];
  ends[0]!.event('listen', { syscall: 50 });
  for (const end of ends) end.receive(REQUEST).send(RESPONSE);
  ends[0]!.receive(HEALTH).send(RESPONSE);
  ends[1]!.receive('\0 is no method\r\n\r\n');
  const database = new TestEnd(writer, { accepted: true, localPort: 5432, tgid: DATABASE });
  const [question, answer] = ['\xfe\x0f\xff\xff'.repeat(4), '\xfd\x0f\xff\xff'.repeat(4)] as const;
  for (let i = 0; i < 2; i++) database.receive(question).send(answer);
  if (over) for (const end of [...ends, database]) end.event('destroyed');
  return writer
    .clock(writer.nowNs + 1e9)
    .clock(writer.nowNs + 1e9)
    .take();
}

function reported(over = false): Reported {
  const ledger = new Ledger();
  const onTrace = (trace: readonly unknown[]): void => {
    ledger.spans.out += trace.length; // as the output stage does
  };
  const pipeline = new Pipeline({ receiver: DEFAULTS, ledger, onTrace });
  pipeline.process(traffic(over));
  return {
    ...{ pipeline, ledger, ready: true, startedAt: new Date(0) },
    reloads: { succeeded: 2, failed: 1, lastSucceeded: true, lastAt: new Date(0) },
    capture: { host: HOST, outcomes: [] },
    host: { states: [PARTLY] },
    kernelProbes: undefined,
    output: { stats: () => [] },
    governor: {
      figures: {
        ...{ level: 3, step: 'connections', changes: { up: 3, down: 0 } },
        secondsAt: { nothing: 1, payload: 1, traces: 1, connections: 1, pause: 0 },
        cpu: { process: 0.5, programs: 0.25, limit: 0.5 },
        memory: { used: 1000, limit: 2000 },
      },
    },
  };
}

const PARTLY: ProbeState = {
  ...{ name: 'pressure', status: 'ok', lastError: undefined, missing: ['/proc/pressure/io: ENOENT'] },
  ...{ seconds: 0, omitted: 0, points: 1, errors: 0 },
};

describe('reports', () => {
  const bytes = 3 * RESPONSE.length + 2 * REQUEST.length + HEALTH.length + '\0 is no method\r\n\r\n'.length;

  it('sum up what a process and a port did', () => {
    for (const asked of [{ pid: SERVER }, { port: 8080 }]) {
      const { totals, connections, processes } = whyOf(reported(), asked);
      assert.deepEqual(totals, {
        records: 7,
        bytes,
        exchanges: 3,
        spans: 2,
        lost: { malformed: 1, filtered: 1 },
      });
      assert.deepEqual(
        connections.map(({ records, exchanges, lost }) => [records, exchanges, lost]),
        [
          [3, 1, { malformed: 1 }],
          [4, 2, {}],
        ],
      );
      assert.deepEqual(
        processes.map(({ pid, command }) => [pid, command]),
        [[SERVER, 'shopd']],
      );
    }
  });

  it('show every process with its traffic and its losses', () => {
    const { processes, ports, balanced, connections, config } = statusOf(reported());
    assert.ok(balanced);
    assert.equal(connections, 3);
    assert.deepEqual([config.reloads, config.failures], [2, 1]);
    const shop = processes.find(({ pid }) => pid === SERVER)!;
    assert.deepEqual(
      [shop.exchanges, shop.spans, shop.lost, shop.listening, shop.protocols],
      [3, 2, { filtered: 1, malformed: 1 }, [8080], ['http']],
    );
    const base = processes.find(({ pid }) => pid === DATABASE)!;
    assert.deepEqual(base.unrecognised, { records: 4, bytes: 64 });
    assert.deepEqual(base.lost, { unrecognised: 4 });
    const unknown = ports.find(({ port }) => port === 5432)!;
    assert.equal(unknown.protocol, 'unrecognised');
    assert.deepEqual(
      [unknown.unrecognised.records, unknown.unrecognised.bytes],
      [base.unrecognised.records, base.unrecognised.bytes],
    );
  });

  it('say what the probes of the host lack', () => {
    const { name, status, lastError, missing } = PARTLY;
    assert.deepEqual(statusOf(reported()).probes, [{ name, status, lastError, missing }]);
  });

  it('say the same of connections that are over', () => {
    const [now, before] = [reported(true), reported()];
    assert.equal(statusOf(now).connections, 0);
    assert.deepEqual(statusOf(now).processes, statusOf(before).processes);
    assert.deepEqual(statusOf(now).ports, statusOf(before).ports);
    for (const asked of [{ pid: SERVER }, { port: 8080 }, { pid: DATABASE }, { port: 5432 }])
      assert.deepEqual(whyOf(now, asked).totals, whyOf(before, asked).totals);
  });

  it('say that a process exports spans of its own, and how many are left out for it', () => {
    const agent = reported();
    assert.equal(whyOf(agent, { pid: SERVER }).processes[0]!.suppressed, false);
    const { pipeline } = agent;
    pipeline.processes.onTraces(SERVER, START_NS, 'exports');
    const writer = new RecordWriter(100e9);
    new TestEnd(writer, { accepted: true, localPort: 8080, tgid: SERVER }).receive(REQUEST).send(RESPONSE);
    const end = writer.nowNs + 1e9;
    pipeline.process(
      writer
        .clock(end)
        .clock(end + 5e9)
        .take(),
    );
    for (const asked of [{ pid: SERVER }, { port: 8080 }]) {
      const { totals, processes } = whyOf(agent, asked);
      assert.deepEqual([totals.exchanges, totals.spans, totals.lost.instrumented], [4, 2, 1]);
      assert.equal(processes[0]!.suppressed, true);
    }
    const { processes, balanced } = statusOf(agent);
    const shop = processes.find(({ pid }) => pid === SERVER)!;
    assert.deepEqual(shop.lost, { filtered: 1, instrumented: 1, malformed: 1 });
    assert.ok(balanced);
  });

  it('count the bytes since the agent came', () => {
    const ledger = new Ledger();
    const pipeline = new Pipeline({ receiver: DEFAULTS, ledger, onTrace: () => {} });
    const writer = new RecordWriter();
    const end = new TestEnd(writer, { accepted: true, txPosition: 5e9, rxPosition: 7e9 });
    pipeline.process(end.receive(REQUEST).send(RESPONSE).writer.take());
    const [connection] = pipeline.decode.table.connections();
    assert.equal(connection!.bytes, REQUEST.length + RESPONSE.length);
  });
});
