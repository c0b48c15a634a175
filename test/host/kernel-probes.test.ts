import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { HOST_OBJECT, loadNative, type NativeAddon } from '../../src/capture/native.ts';
import { HostFiles, SourceMissing } from '../../src/host/host-files.ts';
import { HostProbes, type ProbeState } from '../../src/host/host-probes.ts';
import { HISTOGRAM_WORDS } from '../../src/host/kernel-histogram.ts';
import { KernelProbes } from '../../src/host/kernel-probes.ts';
import { KERNEL_PROGRAMS, SCAN_LISTENERS } from '../../src/host/kernel-programs.ts';
import { KIND_WORDS, SERVICE_IO_WORDS } from '../../src/host/probe/disk-requests.ts';
import { RECLAIM_WORDS } from '../../src/host/probe/reclaim.ts';
import { RUN_WORDS } from '../../src/host/probe/run-queue.ts';
import { PEER_WORDS, tcp } from '../../src/host/probe/tcp.ts';

/** A kernel that lacks some tracepoints and whose verifier refuses some programs. */
function kernel(
  lacks: readonly string[],
  refuses: readonly string[],
  atAll = true,
): { addon: NativeAddon; loads: string[][] } {
  const loads: string[][] = [];
  class FakeTracer {
    readonly programs = KERNEL_PROGRAMS.map(({ program }) => program);
    readonly #chosen = new Set(this.programs);
    #closed = false;

    disableProgram(program: string): void {
      this.#chosen.delete(program);
    }
    setMaxEntries(): void {}
    load(): void {
      loads.push([...this.#chosen]);
      if (!atAll) throw Object.assign(new Error('EPERM'), { code: 'EPERM', log: '' });
      const culprit = refuses.find((program) => this.#chosen.has(program));
      if (culprit === undefined) return;
      const log = `prog '${culprit}': BPF program load failed: Invalid argument`;
      throw Object.assign(new Error('refused'), { code: 'EINVAL', log });
    }
    attach(): void {}
    mapInfo(): unknown {
      return { keySize: 4, valueSize: 8 };
    }
    update(): void {}
    runIterator(): void {}
    close(): void {
      this.#closed = true;
    }
    dump(): unknown {
      if (this.#closed) throw new TypeError('dump() on a closed Tracer');
      return { count: 0 };
    }
  }
  const features = (): unknown => ({ hasTracepoint: (name: string) => !lacks.includes(name) });
  return { addon: { Tracer: FakeTracer, features } as unknown as NativeAddon, loads };
}

const OPTIONS = { off: [], connections: 16, onKill: () => {} };

/** Something happens between the first thing that is told and the second. */
function* interrupted<T>(told: Iterable<T>, event: () => void): Iterable<T> {
  let isFirst = true;
  for (const each of told) {
    yield each;
    if (isFirst) event();
    isFirst = false;
  }
}

function offIn(probes: KernelProbes): string[] {
  return probes.outcomes.filter(({ attached }) => !attached).map(({ program }) => program);
}

describe('host/kernel-probes', () => {
  it('run all programs of the table, which are those of the object', () => {
    const { addon, loads } = kernel([], []);
    assert.deepEqual(offIn(new KernelProbes(addon, OPTIONS)), []);
    assert.equal(loads.length, 1);
    const tracer = new (loadNative().Tracer)({ object: HOST_OBJECT });
    assert.deepEqual([...tracer.programs].sort(), [...loads[0]!].sort());
    tracer.close();
  });

  it('do without what the kernel lacks or refuses, and say so by name', () => {
    const { addon, loads } = kernel(['mark_victim'], ['disk_issue', SCAN_LISTENERS]);
    const probes = new KernelProbes(addon, OPTIONS);
    assert.deepEqual(offIn(probes), ['disk_issue', SCAN_LISTENERS, 'oom_mark']);
    assert.equal(loads.length, 3);
    assert.throws(() => probes.need('oom_mark'), /oom_mark \(tp_btf\/mark_victim\): this kernel has no/);
    assert.throws(() => probes.need('disk_issue'), SourceMissing);
    probes.need('disk_complete');
  });

  it('load nothing of a probe that is off', () => {
    const { addon, loads } = kernel([], []);
    const probes = new KernelProbes(addon, { ...OPTIONS, off: ['tcp', 'oom', 'reclaim', 'disk_requests'] });
    assert.deepEqual(loads, [['run_queue']]);
    assert.deepEqual(
      probes.outcomes.map(({ program }) => program),
      ['run_queue'],
    );
  });

  it('are all off, with the remedy, where nothing may be loaded', () => {
    const { addon, loads } = kernel([], [], false);
    const probes = new KernelProbes(addon, OPTIONS);
    assert.equal(offIn(probes).length, KERNEL_PROGRAMS.length);
    assert.equal(loads.length, 1);
    assert.match(probes.outcomes[0]!.remedy!, /CAP_BPF/);
    probes.observe([]);
    assert.deepEqual([probes.overflows(), probes.programStats()], [[], []]);
    probes.close();
  });

  it('are not there for a probe that goes on when they have been closed', async () => {
    for (const closes of [false, true]) {
      const probes = new KernelProbes(kernel(['tcp_retransmit_synack'], []).addon, OPTIONS);
      const changes: string[] = [];
      const host = new HostProbes({
        probes: [{ ...tcp, read: (source) => interrupted(tcp.read(source), () => closes && probes.close()) }],
        source: { files: new HostFiles('/nowhere'), processes: () => [], kernel: probes },
        bootMs: 0,
        onChange: ({ status }) => changes.push(status),
      });
      await host.refresh();
      const [{ status, lastError }] = host.states as [ProbeState];
      const lacks =
        'tcp_synack (tp_btf/tcp_retransmit_synack): this kernel has no tp_btf/tcp_retransmit_synack';
      assert.deepEqual([status, lastError], ['unavailable', closes ? 'eBPF: the agent is stopping' : lacks]);
      assert.deepEqual(changes, []);
      for (const read of [
        () => probes.sums('runs'),
        () => probes.entries('peers'),
        () => probes.diskNames(),
        () => probes.oomKills(),
      ])
        if (closes) assert.throws(read, SourceMissing);
    }
  });

  it('read values of the sizes that the object has', () => {
    if (!existsSync(HOST_OBJECT)) throw new Error(`${HOST_OBJECT} is not built: npm run setup`);
    const tracer = new (loadNative().Tracer)({ object: HOST_OBJECT });
    const words = (name: string): number => tracer.structLayout(name).size / 8;
    assert.deepEqual(
      ['histogram', 'run', 'disk_kind_stat', 'service_io', 'reclaim_stat', 'peer_stat', 'victim'].map(words),
      [HISTOGRAM_WORDS, RUN_WORDS, KIND_WORDS, SERVICE_IO_WORDS, RECLAIM_WORDS, PEER_WORDS, 5],
    );
    const { members } = tracer.structLayout('victim');
    assert.deepEqual([members.tgid?.offset, members.slot?.offset, members.comm?.offset], [12, 16, 24]);
    tracer.close();
  });
});
