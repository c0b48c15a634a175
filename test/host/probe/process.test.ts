import assert from 'node:assert/strict';
import { HostFiles } from '../../../src/host/host-files.ts';
import { container } from '../../../src/host/probe/container.ts';
import { MAX_PROCESSES, process as processProbe } from '../../../src/host/probe/process.ts';
import { Omitted, type ObservedProcess } from '../../../src/host/probe/probe.ts';
import { Restarts } from '../../../src/host/probe/restarts.ts';
import { figuresOf, ScratchTree, toldBy } from '../scratch-tree.ts';

function processOf(pid: number, service = 'cart'): ObservedProcess {
  return { pid, service, namespace: '' };
}

/** Restarts after readings at these times, each of processes `[pid, start]`. */
function restartsOf(...readings: Array<[nowS: number, ...Array<[pid: number, startS: number]>]>): number {
  const restarts = new Restarts();
  let count = 0;
  for (const [nowS, ...living] of readings) {
    restarts.begin(nowS);
    for (const [pid, startS] of living) restarts.lives(processOf(pid), startS);
    for (const { value } of restarts.end()) count = value as number;
  }
  return count;
}

describe('host/probe/process', () => {
  it('counts a process that takes the place of one that has ended', () => {
    assert.equal(restartsOf([100, [1, 50]], [115, [2, 110]]), 1);
    assert.equal(restartsOf([100, [1, 50]], [115], [130, [2, 120]]), 1);
    // The number was used again.
    assert.equal(restartsOf([100, [1, 50]], [115, [1, 110]]), 1);
    assert.equal(restartsOf([100, [1, 50], [2, 50]], [115, [3, 110], [4, 110], [5, 110]]), 2);
  });

  it('counts no process that is one more, is seen late, or comes much later', () => {
    assert.equal(restartsOf([100, [1, 50]], [115, [1, 50], [2, 110]]), 0);
    assert.equal(restartsOf([100, [1, 50], [2, 50]], [115, [1, 50]], [130, [1, 50]]), 0);
    assert.equal(restartsOf([100, [1, 50]], [115, [2, 60]]), 0);
    assert.equal(restartsOf([100, [1, 50]], [115], [800, [2, 790]]), 0);
  });

  it('adds up the context switches of threads, whichever of them end', () => {
    const scratch = new ScratchTree();
    try {
      const { tree } = scratch;
      tree.file('proc/stat', 'btime 1700000000\n');
      tree.file('proc/uptime', '1000.00 1.00\n');
      tree.file('proc/9/stat', `9 (x) S ${'0 '.repeat(18)}5000 0 0\n`);
      tree.file('proc/9/status', 'Threads:\t2\n');
      const thread = (number: number, voluntary: number): void =>
        tree.file(
          `proc/9/task/${number}/status`,
          `voluntary_ctxt_switches:\t${voluntary}\nnonvoluntary_ctxt_switches:\t1\n`,
        );
      const source = { ...scratch.source, processes: () => [processOf(9)] };
      const switches = (): unknown =>
        figuresOf(processProbe, source, 'process.context_switches').map((figure) => figure.at(-1));
      thread(9, 10);
      thread(10, 500);
      assert.deepEqual(switches(), [510, 2]);
      // One ends, and another begins under its number.
      thread(9, 14);
      thread(10, 3);
      assert.deepEqual(switches(), [517, 3]);
      tree.file('proc/9/status', 'Threads:\t2000\n');
      assert.deepEqual(switches(), []);
    } finally {
      scratch.remove();
    }
  });

  it('reads so many and no more, and says how many were left out', () => {
    const processes = Array.from({ length: MAX_PROCESSES + 7 }, (_, i) => processOf(i + 1));
    const files = new HostFiles('/');
    const source = { files, processes: () => processes };
    for (const probe of [processProbe, container]) {
      const omitted = toldBy(probe, source).filter((told) => told instanceof Omitted);
      assert.deepEqual(
        omitted.map(({ count }) => count),
        [7],
      );
    }
  });

  it('reads what this process knows of itself', () => {
    const source = { files: new HostFiles('/'), processes: () => [processOf(process.pid)] };
    const valueOf = (name: string, ...more: string[]): number =>
      figuresOf(processProbe, source, name)
        .find((figure) => more.every((each) => figure.includes(each)))!
        .at(-1) as number;
    const { user, system } = process.cpuUsage();
    assert.ok(Math.abs(valueOf('process.cpu.time', 'user') - user / 1e6) < 0.5);
    assert.ok(Math.abs(valueOf('process.cpu.time', 'system') - system / 1e6) < 0.5);
    const resident = process.memoryUsage.rss();
    assert.ok(Math.abs(valueOf('process.memory.usage') / resident - 1) < 0.1);
    assert.ok(Math.abs(valueOf('process.uptime') - process.uptime()) < 2);
    const open = source.files.list('/proc/self/fd').length;
    assert.ok(Math.abs(valueOf('process.unix.file_descriptor.count') - open) <= 1);
    assert.equal(valueOf('process.thread.count'), source.files.list('/proc/self/task').length);
  });
});
