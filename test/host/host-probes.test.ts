import assert from 'node:assert/strict';
import type { Instrument } from '../../src/base/metric.ts';
import { HostFiles, SourceMissing } from '../../src/host/host-files.ts';
import { HostProbes, type ProbeState } from '../../src/host/host-probes.ts';
import { Omitted, type Probe, type Told } from '../../src/host/probe/probe.ts';

const COUNTER: Instrument = { name: 'a', unit: '1', description: 'A.', type: 'counter', attributes: [] };
const GAUGE: Instrument = { ...COUNTER, name: 'b', type: 'gauge' };
const source = { files: new HostFiles('/nowhere'), processes: () => [] };

function probe(instruments: Instrument[], read: () => Iterable<Told>): Probe {
  return { name: 'cpu', purpose: 'a test', instruments, read };
}

function valuesOf(host: HostProbes): unknown[] {
  return host.metrics.map((metric) => [...metric.points()].map(({ value }) => value));
}

describe('host/probes', () => {
  it('are read when they are refreshed, and not while their metrics are asked for', async () => {
    let value = 0;
    const host = new HostProbes({
      probes: [probe([COUNTER], () => [{ instrument: COUNTER, attributes: [], value: ++value }])],
      ...{ source, bootMs: 7 },
    });
    assert.deepEqual(valuesOf(host), [[]]);
    await Promise.all([host.refresh(), host.refresh()]);
    assert.deepEqual(valuesOf(host), [[1]]);
    assert.deepEqual(valuesOf(host), [[1]]);
    await host.refresh();
    assert.deepEqual(valuesOf(host), [[2]]);
    assert.deepEqual([...host.metrics[0]!.points()], [{ attributes: [], value: 2, startMs: 7 }]);
    assert.equal(host.states[0]!.points, 2);
  });

  it('that this host has not got leave the others alone, and say what is missing', async () => {
    const gone = probe([COUNTER], () => [
      { instrument: COUNTER, attributes: [], value: source.files.need('/proc/nothing').length },
    ]);
    const there = probe([GAUGE], () => [{ instrument: GAUGE, attributes: [], value: 3 }]);
    const changes: ProbeState[] = [];
    const host = new HostProbes({
      probes: [gone, there],
      ...{ source, bootMs: 0, onChange: (state: ProbeState) => changes.push({ ...state }) },
    });
    await host.refresh();
    assert.deepEqual(valuesOf(host), [[], [3]]);
    const [{ status, lastError, errors }] = host.states as [ProbeState];
    assert.deepEqual(
      { status, lastError, errors },
      { status: 'unavailable', lastError: '/proc/nothing: ENOENT', errors: 1 },
    );
    assert.deepEqual(changes, []);
  });

  it('that lack a part of it show the rest, and say what is missing and what was too much', async () => {
    let all = true;
    const partly = probe([COUNTER], function* () {
      yield new SourceMissing('/proc/pressure/io', 'ENOENT');
      yield new Omitted(3);
      if (all) yield { instrument: COUNTER, attributes: [], value: 1 };
      yield new Omitted(4);
    });
    const host = new HostProbes({ probes: [partly], ...{ source, bootMs: 0 } });
    await host.refresh();
    assert.deepEqual(valuesOf(host), [[1]]);
    const state = host.states[0]!;
    const { status, missing, omitted, points, errors } = state;
    assert.deepEqual([status, omitted, points, errors], ['ok', 7, 1, 0]);
    assert.deepEqual(missing, ['/proc/pressure/io: ENOENT']);
    all = false;
    await host.refresh();
    assert.deepEqual([state.status, state.lastError], ['unavailable', '/proc/pressure/io: ENOENT']);
    assert.deepEqual([state.omitted, state.missing], [0, []]);
  });

  it('that fail show nothing half-read, are told of once, and once more when they no longer do', async () => {
    let broken = true;
    const failing = probe([COUNTER], function* () {
      yield { instrument: COUNTER, attributes: [], value: 1 };
      if (broken) throw new TypeError('no such column');
    });
    const changes: string[] = [];
    const host = new HostProbes({
      probes: [failing],
      ...{ source, bootMs: 0, onChange: ({ status }: ProbeState) => changes.push(status) },
    });
    for (const then of [true, true, false, false]) {
      broken = then;
      await host.refresh();
      assert.deepEqual(valuesOf(host), then ? [[]] : [[1]]);
    }
    assert.deepEqual(changes, ['failed', 'ok']);
    assert.equal(host.states[0]!.lastError, 'no such column');
  });

  it('let the agent go on with other work in between', async () => {
    const slow = probe([GAUGE], function* () {
      for (let i = 0; i < 5; i++) {
        for (const end = performance.now() + 3; performance.now() < end;);
        yield { instrument: GAUGE, attributes: [], value: i };
      }
    });
    const host = new HostProbes({ probes: [slow], ...{ source, bootMs: 0 } });
    let turns = 0;
    const turn = (): void => {
      turns++;
      immediate = setImmediate(turn);
    };
    let immediate = setImmediate(turn);
    await host.refresh();
    clearImmediate(immediate);
    assert.ok(turns >= 4, String(turns));
  });
});

describe('host/files', () => {
  it('tell what a host has not got from what is broken', () => {
    assert.equal(source.files.text('/proc/stat'), undefined);
    assert.deepEqual(source.files.list('/proc'), []);
    assert.throws(() => source.files.need('/proc/stat'), SourceMissing);
    assert.throws(() => new HostFiles('/').text('/proc'), { code: 'EISDIR' });
  });
});
