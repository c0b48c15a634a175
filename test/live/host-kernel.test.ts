/** The host's eBPF probes beside what the kernel, fio and the programs themselves say of the same load. */
import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import type { Histogram } from '../../src/base/histogram.ts';
import { loadNative } from '../../src/capture/native.ts';
import { HostFiles } from '../../src/host/host-files.ts';
import { HostProbes } from '../../src/host/host-probes.ts';
import { KernelProbes } from '../../src/host/kernel-probes.ts';
import { PROBES } from '../../src/host/probe/index.ts';
import type { Victim } from '../../src/host/oom-victims.ts';
import { Agent, sleep } from '../support/agent.ts';
import { LoneNamespace } from '../support/netns.ts';
import { needCommand, needMachine, needRoot } from '../support/programs.ts';
import { C_CLIENT, C_SERVER, makePlan, runClient, RunningServer, Scratch } from '../support/workload.ts';

const KERNEL_PROBES = ['run_queue', 'disk_requests', 'tcp', 'reclaim', 'oom'];
/** What fio reads before it does what it is told. */
const OWN_READS_BYTES = 64 << 20;
const MEMORY_V1 = '/sys/fs/cgroup/memory';

type Labels = Readonly<Record<string, string>>;

/** The programs in the kernel, and their figures as a scrape would have them. */
class Probed {
  readonly kills: Victim[] = [];
  readonly kernel: KernelProbes;
  readonly #host: HostProbes;

  constructor() {
    const options = { off: [], connections: 4096, onKill: (victim: Victim) => this.kills.push(victim) };
    this.kernel = new KernelProbes(loadNative(), options);
    const source = { files: new HostFiles('/'), processes: () => [], kernel: this.kernel };
    const probes = PROBES.filter(({ name }) => KERNEL_PROBES.includes(name));
    this.#host = new HostProbes({ probes, source, bootMs: 0 });
  }

  /** Which processes are which service from now on, and no others. */
  observe(services: Readonly<Record<string, readonly number[]>>): void {
    this.kernel.observe(
      Object.entries(services).flatMap(([service, pids]) =>
        pids.map((pid) => ({ pid, service, namespace: '' })),
      ),
    );
  }

  async read(): Promise<Figures> {
    await this.#host.refresh();
    for (const { name, status, lastError } of this.#host.states)
      assert.equal(status, 'ok', `${name}: ${lastError}`);
    return new Figures(
      this.#host.metrics.flatMap((metric) =>
        [...metric.points()].map(({ attributes, value }) => ({
          name: metric.instrument.name,
          labels: Object.fromEntries(
            metric.instrument.attributes.map((key, place) => [key, attributes![place]!]),
          ),
          value,
        })),
      ),
    );
  }
}

class Figures {
  readonly #points: ReadonlyArray<{ name: string; labels: Labels; value: number | Histogram }>;

  constructor(points: ReadonlyArray<{ name: string; labels: Labels; value: number | Histogram }>) {
    this.#points = points;
  }

  /** Of the counters that have these labels. */
  sum(name: string, labels: Labels): number {
    return this.#of(name, labels).reduce<number>(
      (sum, value) => sum + (typeof value === 'number' ? value : 0),
      0,
    );
  }

  /** Of the histogram that has these labels. */
  histogram(name: string, labels: Labels): Histogram | undefined {
    const found = this.#of(name, labels).filter((value) => typeof value !== 'number');
    assert.ok(found.length < 2, `${name}: ${found.length} histograms`);
    return found[0];
  }

  #of(name: string, labels: Labels): Array<number | Histogram> {
    return this.#points
      .filter(
        (point) =>
          point.name === name && Object.entries(labels).every(([key, value]) => point.labels[key] === value),
      )
      .map(({ value }) => value);
  }
}

function assertWithin(found: number, truth: number, share: number, what: string): void {
  assert.ok(Math.abs(found - truth) <= share * truth, `${what}: ${found}, and truly ${truth}`);
}

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
    let device: string;
    let disk: string;

    before(function () {
      for (const command of ['fio', 'losetup', 'blkdiscard'])
        needCommand(this, command, 'the load on a disk, and what it says of it');
      const file = scratch.file('disk');
      execFileSync('truncate', ['-s', '64M', file]);
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
        '--size=64M',
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
  });

  describe('TCP', () => {
    let netns: LoneNamespace;
    let peer: LoneNamespace;

    before(function () {
      netns = LoneNamespace.create(this);
      peer = LoneNamespace.create(this);
      netns.join(peer, ['10.214.0.1/24'], ['10.214.0.2/24']);
    });

    after(() => {
      netns?.remove();
      peer?.remove();
    });

    /** A program of Node in a namespace, that goes on at each line it is sent and answers with one. */
    function play(where: LoneNamespace, script: string): ChildProcess {
      const [command, ...args] = where.wrap;
      return start(command!, ...args, process.execPath, '--input-type=module', '--eval', script);
    }

    /** The pid of the program behind `ip netns exec`, which has become it. */
    async function say(child: ChildProcess, line: string): Promise<string> {
      child.stdin!.write(`${line}\n`);
      const [answer] = (await once(child.stdout!.setEncoding('utf8'), 'data')) as [string];
      return answer.trim();
    }

    const SERVER = `
      import { createServer } from 'node:net';
      import { createInterface } from 'node:readline';
      createInterface({ input: process.stdin }).on('line', (address) => {
        const server = createServer((socket) => {
          socket.on('error', () => {}).on('data', () => {}).on('end', () => socket.end('y'.repeat(5000)));
        });
        server.listen(Number(process.env.PORT ?? 7000), address, () => console.log('listening'));
      });`;

    it('connections are opened, accepted and failed as the programs say, with their bytes and their peers', async () => {
      const server = play(netns, SERVER);
      const client = play(
        netns,
        `
        import { connect } from 'node:net';
        import { createInterface } from 'node:readline';
        const one = (port, host, ms) => new Promise((resolve) => {
          const socket = connect({ port, host, allowHalfOpen: true }, () => socket.end('x'.repeat(1000)));
          socket.on('data', () => {}).on('close', () => resolve()).on('error', () => {});
          if (ms) setTimeout(() => socket.destroy(), ms);
        });
        createInterface({ input: process.stdin }).on('line', async () => {
          for (let i = 0; i < 23; i++) await one(7000, '127.0.0.1');
          for (let i = 0; i < 7; i++) await one(7001, '127.0.0.1');
          for (let i = 0; i < 3; i++) await one(7000, '10.214.0.2', 50);
          console.log('done');
        });`,
      );
      peer.filter(
        `table inet undertrace { chain silence { type filter hook input priority 0; tcp dport 7000 drop; }; }`,
      );
      probed.observe({ answerer: [server.pid!], asker: [client.pid!] });
      await say(server, '0.0.0.0');
      await say(client, 'go');
      const figures = await probed.read();
      const asker = { 'service.name': 'asker', 'service.peer.name': 'answerer' };
      const answerer = { 'service.name': 'answerer', 'service.peer.name': '' };
      const of = (name: string, labels: Labels): number =>
        figures.sum(`system.network.connection.${name}`, labels);
      assert.equal(of('opened', asker), 23);
      assert.equal(of('accepted', answerer), 23);
      assert.equal(of('opened', { 'service.name': 'asker' }), 23);
      const failed = (error: string): number =>
        of('failed', { 'service.name': 'asker', 'error.type': error });
      assert.deepEqual([failed('ECONNREFUSED'), failed('cancelled')], [7, 3]);
      const connect = figures.histogram('system.network.connection.connect.duration', asker)!;
      assert.equal(connect.count, 23);
      const io = (labels: Labels, direction: string): number =>
        of('io', { ...labels, 'network.io.direction': direction });
      assert.deepEqual(
        [io(asker, 'transmit'), io(asker, 'receive'), io(answerer, 'receive'), io(answerer, 'transmit')],
        [23_000, 115_000, 23_000, 115_000],
      );
      assert.ok(figures.histogram('system.network.connection.round_trip.duration', asker)!.count >= 23);
    });

    it('retransmits under loss are those of the kernel’s own count', async () => {
      peer.filter(
        `table inet undertrace { chain loss { type filter hook prerouting priority -300; tcp dport 7002 numgen random mod 100 < 5 drop; }; }`,
      );
      const server = play(peer, SERVER.replace('7000', '7002'));
      const client = play(
        netns,
        `
        import { connect } from 'node:net';
        import { createInterface } from 'node:readline';
        createInterface({ input: process.stdin }).on('line', () => {
          const socket = connect({ port: 7002, host: '10.214.0.2', allowHalfOpen: true });
          socket.on('data', () => {}).on('close', () => console.log('done')).end(Buffer.alloc(20 << 20));
        });`,
      );
      probed.observe({ lossy: [client.pid!] });
      await say(server, '0.0.0.0');
      const counted = (): number => {
        const [command, ...args] = netns.wrap;
        const text = execFileSync(
          command!,
          [...args, 'nstat', '--json', '--zeros', '--ignore', '--noupdate'],
          {
            encoding: 'utf8',
          },
        );
        return (JSON.parse(text) as { kernel: Record<string, number> }).kernel.TcpRetransSegs!;
      };
      const before = counted();
      await say(client, 'go');
      const truth = counted() - before;
      const figures = await probed.read();
      assert.ok(truth > 100, `${truth} segments were lost`);
      const found = figures.sum('system.network.connection.retransmits', { 'service.name': 'lossy' });
      assertWithin(found, truth, 0.01, 'segments sent again');
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

/** Bounds of the bucket that a quantile is in. */
function quantile({ counts, bounds, count }: Histogram, share: number): [above: number, upTo: number] {
  let bucket = 0;
  for (let seen = counts[0]!; seen < share * count;) seen += counts[++bucket]!;
  return [bounds[bucket - 1] ?? 0, bounds[bucket] ?? Infinity];
}
