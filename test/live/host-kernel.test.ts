/** The host's eBPF probes beside what the kernel, fio and the programs themselves say of the same load. */
import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, rmdirSync, truncateSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import type { Histogram } from '../../src/base/histogram.ts';
import { Agent, sleep } from '../support/agent.ts';
import { assertWithin, Probed, quantile } from '../support/probed.ts';
import { needCommand, needMachine, needRoot } from '../support/programs.ts';
import { C_CLIENT, C_SERVER, makePlan, runClient, RunningServer, Scratch } from '../support/workload.ts';

const DISK_BYTES = 64 << 20;
const BLOCK = 4096;
/** Blocks of it that cannot be read. */
const FAILING = 10;
/** What fio reads before it does what it is told. */
const OWN_READS_BYTES = 64 << 20;
const MEMORY_V1 = '/sys/fs/cgroup/memory';

/** Nanoseconds on a CPU and waiting for one (proc_pid_schedstat), summed over processes. */
function schedstat(pids: readonly number[]): { ran: number; waited: number } {
  const sum = { ran: 0, waited: 0 };
  for (const pid of pids) {
    const [ran, waited] = readFileSync(`/proc/${pid}/schedstat`, 'utf8').split(' ').map(Number);
    sum.ran += ran! / 1e9;
    sum.waited += waited! / 1e9;
  }
  return sum;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGKILL');
  await once(child, 'exit');
}

describe('the host’s probes in eBPF', function () {
  this.timeout(60_000);
  const scratch = new Scratch();
  const children: ChildProcess[] = [];
  let probed: Probed;

  before(function () {
    needRoot(this);
    probed = new Probed();
  });

  afterEach(async () => {
    await Promise.all(children.splice(0).map(end));
    probed.observe({});
  });

  after(() => {
    probed?.kernel.close();
    scratch.remove();
  });

  function start(command: string, ...args: string[]): ChildProcess {
    const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    children.push(child);
    return child;
  }

  it('run: every program that this kernel has a tracepoint for', () => {
    const refused = probed.kernel.outcomes.filter(({ error }) => error && !error.includes('has no tp_btf/'));
    assert.deepEqual(refused, []);
  });

  const cpus = availableParallelism();
  const LOADS: ReadonlyArray<[what: string, command: string[], count: number]> = [
    ['of one CPU', ['taskset', '-c', String(cpus - 1)], 4],
    ['of all CPUs, among which threads are moved', [], 3 * cpus],
  ];
  for (const [what, command, count] of LOADS) {
    it(`run queue: the waits and the CPU time of an oversubscription ${what} are those of /proc`, async () => {
      const busy = Array.from({ length: count }, () => {
        const [first, ...args] = [...command, 'sh', '-c', 'while :; do :; done'];
        return start(first, ...args);
      });
      const pids = busy.map(({ pid }) => pid!);
      probed.observe({ [what]: pids });
      await sleep(500); // each has run since it was known
      const labels = { 'service.name': what };
      const before = await probed.read();
      const truthBefore = schedstat(pids);
      await sleep(5000);
      const after = await probed.read();
      const truthAfter = schedstat(pids);
      const waits = [before, after].map((figures) =>
        figures.histogram('system.cpu.run_queue.duration', labels)!,
      );
      const ran = [before, after].map((figures) => figures.sum('system.cpu.on_cpu.time', labels));
      const waited = truthAfter.waited - truthBefore.waited;
      assert.ok(waited > 10, `the CPU is not oversubscribed: ${waited} s`);
      assertWithin(waits[1]!.sum - waits[0]!.sum, waited, 0.05, 'seconds of waiting');
      assertWithin(ran[1]! - ran[0]!, truthAfter.ran - truthBefore.ran, 0.05, 'seconds on the CPU');
    });
  }

  it('run in the agent, which names services by itself', async function () {
    const agent = await Agent.start();
    const server = await RunningServer.start(this, C_SERVER, ['127.0.0.1:0'], { service: 'probed' });
    const plan = makePlan(`probed-${process.pid}`, 5, 'close', C_CLIENT, C_SERVER);
    const run = (): Promise<unknown> =>
      runClient(this, C_CLIENT, `http://${server.listening[0]}`, plan, 'close', { scratch });
    let page = '';
    try {
      const accepted = (): boolean => /_accepted_total\{service_name="probed"\} [1-9]/.test(page);
      for (const end = performance.now() + 20_000; !accepted() && performance.now() < end;) {
        await run();
        page = await agent.metrics();
      }
      assert.ok(accepted(), page);
      for (const { program } of probed.kernel.outcomes)
        assert.match(
          page,
          new RegExp(`undertrace_bpf_program_run_seconds_total\\{[^}]*program="${program}"`),
        );
      assert.deepEqual((await agent.status()).off, []);
    } finally {
      await server.stop();
      await agent.stop();
    }
  });

  describe('disk requests', () => {
    let file: string;
    let device: string;
    let disk: string;

    before(function () {
      for (const command of ['fio', 'losetup', 'blkdiscard'])
        needCommand(this, command, 'the load on a disk, and what it says of it');
      file = scratch.file('disk');
      writeFileSync(file, '');
      truncateSync(file, DISK_BYTES);
      try {
        device = execFileSync('losetup', ['--find', '--show', file], { encoding: 'utf8' }).trim();
      } catch (error) {
        needMachine(this, false, `no loop device: ${String(error)}`);
      }
      disk = device.replace('/dev/', '');
    });

    after(() => {
      if (device) execFileSync('losetup', ['--detach', device]);
    });

    /** Runs fio on the device, known as a service, and gives back what it says of its one job. */
    async function fio(...args: string[]): Promise<FioJob> {
      const common = [
        '--name=job',
        '--thread',
        '--direct=1',
        '--bs=4k',
        `--size=${DISK_BYTES}`,
        '--output-format=json',
      ];
      // Until then it is known who it is.
      const child = start(
        'chrt',
        '-f',
        '1',
        'fio',
        ...common,
        `--filename=${device}`,
        '--startdelay=1',
        ...args,
      );
      probed.observe({ fio: [child.pid!] });
      let output = '';
      child.stdout!.setEncoding('utf8').on('data', (text: string) => (output += text));
      await once(child, 'close');
      return (JSON.parse(output.slice(output.indexOf('{'))) as { jobs: [FioJob] }).jobs[0];
    }

    it('reads take as long as fio says, and are those of its service', async () => {
      const { read } = await fio(
        '--rw=randread',
        '--bs=256k',
        '--ioengine=psync',
        '--runtime=4',
        '--time_based',
      );
      const figures = await probed.read();
      const total = figures.histogram('system.disk.request.duration', {
        'system.device': disk,
        'disk.io.direction': 'read',
      })!;
      assertWithin(total.count, read.total_ios, 0.01, 'requests');
      for (const percent of ['50.000000', '90.000000', '99.000000']) {
        const truth = read.clat_ns.percentile[percent]! / 1e9;
        const [above, upTo] = quantile(total, Number(percent) / 100);
        // fio's time ends when it has been woken, so it may be in the next bucket; requests are large, so that it is not further off.
        assert.ok(
          truth > above / 2 && truth <= upTo * 2,
          `p${percent}: ${above} to ${upTo}, and fio says ${truth}`,
        );
      }
      const own = { 'service.name': 'fio', 'disk.io.direction': 'read' };
      // What it reads to start, of another disk, comes on top; a request that the driver had no room for is handed over by the kernel.
      const more = figures.sum('process.disk.request.io', own) - read.io_bytes;
      assert.ok(
        more > -0.01 * read.io_bytes && more < OWN_READS_BYTES,
        `bytes of the service: ${more} more than the ${read.io_bytes} of the device`,
      );
      const ofService = figures.histogram('process.disk.request.duration', own)!;
      assert.ok(ofService.count > 0.99 * read.total_ios, `${ofService.count} requests of the service`);
    });

    it('queue and service time make up the whole, and flushes and discards are told apart', async () => {
      const { write, sync } = await fio(
        '--rw=randwrite',
        '--bs=4k',
        '--ioengine=psync',
        '--fsync=1',
        '--number_ios=97',
      );
      execFileSync('blkdiscard', [device]);
      const figures = await probed.read();
      const of = (name: string, direction: string): Histogram =>
        figures.histogram(name, { 'system.device': disk, 'disk.io.direction': direction })!;
      assert.equal(of('system.disk.request.duration', 'write').count, write.total_ios);
      assertWithin(of('system.disk.request.duration', 'flush').count, sync.total_ios, 0.05, 'flushes');
      assert.ok(of('system.disk.request.duration', 'discard').count > 0);
      for (const direction of ['write', 'flush']) {
        const [total, queued, served] = ['', '.queue', '.service'].map((part) =>
          of(`system.disk.request${part}.duration`, direction),
        );
        assert.ok(Math.abs(total!.sum - queued!.sum - served!.sum) < 1e-6, direction);
        assert.equal(queued!.count, served!.count);
      }
      assert.equal(figures.sum('system.disk.request.errors', { 'system.device': disk }), 0);
    });

    it('requests that fail are counted by disk and direction', async () => {
      // What is behind the end of its file a loop device cannot read.
      const left = DISK_BYTES / BLOCK - FAILING;
      truncateSync(file, left * BLOCK);
      const reads = [`bs=${BLOCK}`, `skip=${left}`, 'iflag=direct', 'conv=noerror'];
      const { stderr } = spawnSync('dd', [`if=${device}`, 'of=/dev/null', ...reads], { encoding: 'utf8' });
      truncateSync(file, DISK_BYTES);
      const failed = stderr.match(/error reading/g)?.length;
      const figures = await probed.read();
      const errors = (direction: string): number =>
        figures.sum('system.disk.request.errors', { 'system.device': disk, 'disk.io.direction': direction });
      assert.equal(failed, FAILING, stderr);
      assert.deepEqual([errors('read'), errors('write')], [FAILING, 0]);
    });
  });

  describe('memory', () => {
    const v1 = `${MEMORY_V1}/undertrace-${process.pid}`;
    const v2 = `/sys/fs/cgroup/undertrace-${process.pid}`;
    let folder: string;

    before(function () {
      try {
        const isV1 = readFileSync('/proc/mounts', 'utf8').includes(` ${MEMORY_V1} `);
        folder = isV1 ? v1 : v2;
        mkdirSync(folder);
        writeFileSync(`${folder}/${isV1 ? 'memory.limit_in_bytes' : 'memory.max'}`, String(48 << 20));
      } catch (error) {
        needMachine(this, false, `no memory cgroup: ${String(error)}`);
      }
    });

    after(() => {
      if (folder) rmdirSync(folder);
    });

    /** A shell in the cgroup that becomes the command when it is sent a line. */
    function inside(command: string): ChildProcess {
      return start('sh', '-c', `echo $$ > ${folder}/cgroup.procs; read go; exec ${command}`);
    }

    async function run(child: ChildProcess): Promise<void> {
      child.stdout!.resume();
      child.stdin!.end('go\n');
      await once(child, 'exit');
    }

    it('whoever is killed for want of it is named', async () => {
      const victim = inside('tail /dev/zero');
      probed.observe({ hungry: [victim.pid!] });
      await run(victim);
      const figures = await probed.read();
      const labels = { 'service.name': 'hungry', 'process.executable.name': 'tail' };
      assert.equal(figures.sum('system.memory.oom.kills', labels), 1);
      assert.deepEqual(
        probed.kills.filter(({ pid }) => pid === victim.pid).map(({ comm }) => comm),
        ['tail'],
      );
    });

    it('whoever has to free some is held up for as long as that takes', async function () {
      needMachine(this, probed.kernel.has('cgroup_begin'), 'this kernel has no tracepoint for cgroups');
      const writer = inside(`dd if=/dev/zero of=${scratch.file('pages')} bs=1M count=200 status=none`);
      probed.observe({ writer: [writer.pid!] });
      const began = performance.now();
      await run(writer);
      const seconds = (performance.now() - began) / 1000;
      const figures = await probed.read();
      const stalls = figures.histogram('system.memory.reclaim.duration', {
        'service.name': 'writer',
        'system.memory.reclaim.cause': 'cgroup',
      })!;
      assert.ok(stalls.count > 0 && stalls.sum > 0 && stalls.sum < seconds, JSON.stringify(stalls));
    });
  });
});

interface FioJob {
  read: { total_ios: number; io_bytes: number; clat_ns: { percentile: Record<string, number> } };
  write: { total_ios: number };
  sync: { total_ios: number };
}
