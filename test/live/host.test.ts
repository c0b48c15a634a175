/** Figures of the host beside those of prometheus-node-exporter, before and after a load: between two of its scrapes the agent's has to lie. */
import assert from 'node:assert/strict';
import { type ChildProcess, execFile, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, statSync } from 'node:fs';
import { promisify } from 'node:util';
import { PROBE_NAMES } from '../../src/base/settings.ts';
import { Agent } from '../support/agent.ts';
import { freePorts } from '../support/collector.ts';
import { NetworkNamespace } from '../support/netns.ts';
import { inCheckout, needCommand, needMachine, needRoot } from '../support/programs.ts';
import { Scratch } from '../support/workload.ts';
import { DISK, FILE_SYSTEMS, MEMORY, NETWORK, PAGING, PROCESS, PROCESSOR, type Twin } from './host-twins.ts';

const run = promisify(execFile);
const MIB = 1 << 20;
/** How far what differs in time may differ, of what the load came to. */
const TOLERANCE = 0.01;

interface Series {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** A scrape of the agent, and of node-exporter before and after it. */
interface Look {
  readonly before: readonly Series[];
  readonly ours: readonly Series[];
  readonly after: readonly Series[];
}

function parse(page: string): Series[] {
  return [...page.matchAll(/^([a-zA-Z_:]\w*)(?:\{(.*)\})? (\S+)$/gm)].map(([, name, labels = '', value]) => ({
    name: name!,
    labels: Object.fromEntries(
      [...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, key, text]) => [key!, text!]),
    ),
    value: Number(value),
  }));
}

/** Values of a family by the label that tells its series apart. */
function select(
  all: readonly Series[],
  name: string,
  labels: Readonly<Record<string, string>> = {},
  by?: string,
): Map<string, number> {
  const fitting = all.filter(
    (series) =>
      series.name === name && Object.entries(labels).every(([key, value]) => series.labels[key] === value),
  );
  return new Map(fitting.map((series) => [by === undefined ? '' : (series.labels[by] ?? ''), series.value]));
}

/** `[key, ours, least, most]` of every series that both have. */
function pairs({ before, ours, after }: Look, twin: Twin): Array<[string, number, number, number]> {
  const { factor = 1, by = [] } = twin;
  const least = select(before, twin.theirs, twin.theirLabels, by[1]);
  const most = select(after, twin.theirs, twin.theirLabels, by[1]);
  return [...select(ours, twin.ours, twin.labels, by[0])]
    .filter(([key]) => least.has(key) && most.has(key))
    .map(([key, value]) => [key, value, least.get(key)! * factor, most.get(key)! * factor]);
}

/** Counters: what the load came to, and both totals, are the same. */
function assertSame(first: Look, last: Look, twins: readonly Twin[]): void {
  for (const twin of twins) {
    const title = `${twin.ours} ${JSON.stringify(twin.labels ?? {})}`;
    const then = new Map(pairs(first, twin).map(([key, ...values]) => [key, values]));
    const now = pairs(last, twin);
    assert.ok(now.length > 0, `${title}: nothing to compare with ${twin.theirs}`);
    for (const [key, value, least, most] of now) {
      const [, began] = then.get(key) ?? [0, 0];
      const room = TOLERANCE * (most - (began ?? 0)) + 1e-6 * most;
      const shown = `${title} ${key}: ${value} is not within ${least} and ${most}, give or take ${room}`;
      assert.ok(value >= least - room && value <= most + room, shown);
    }
  }
}

/** Gauges: the same but for a share of `whole`. */
function assertClose(look: Look, twins: readonly Twin[], whole: number): void {
  for (const twin of twins) {
    const found = pairs(look, twin);
    assert.ok(found.length > 0, `${twin.ours}: nothing to compare with ${twin.theirs}`);
    for (const [key, value, one, other] of found) {
      const [least, most] = [Math.min(one, other), Math.max(one, other)];
      const room = TOLERANCE * whole;
      const shown = `${twin.ours} ${JSON.stringify(twin.labels ?? {})} ${key}: ${value}, they say ${least} to ${most}`;
      assert.ok(value >= least - room && value <= most + room, shown);
    }
  }
}

describe('figures of the host beside node-exporter', function () {
  this.timeout(60_000);
  const scratch = new Scratch();
  let agent: Agent;
  let exporter: ChildProcess;
  let port: number;

  const theirs = async (): Promise<Series[]> =>
    parse(await (await fetch(`http://127.0.0.1:${port}/metrics`)).text());
  const look = async (): Promise<Look> => {
    const before = await theirs();
    const ours = parse(await agent.metrics());
    return { before, ours, after: await theirs() };
  };

  before(async function () {
    needRoot(this);
    const binary = needCommand(this, 'prometheus-node-exporter', 'its figures are compared with ours');
    for (const command of ['stress-ng', 'fio', 'iperf3']) needCommand(this, command, 'it makes the load');
    // By default an agent leaves node-exporter alone.
    agent = await Agent.start({ receiver: { filters: { exclude: [] } } });
    [port] = (await freePorts(1)) as [number];
    const args = [`--web.listen-address=127.0.0.1:${port}`, '--log.level=error', '--no-collector.systemd'];
    exporter = spawn(binary, args, { stdio: ['ignore', 'ignore', 'inherit'] });
    while ((await theirs().catch(() => [])).length === 0) assert.equal(exporter.exitCode, null);
  });

  after(async () => {
    exporter?.kill('SIGTERM');
    if (exporter && exporter.exitCode === null) await once(exporter, 'exit');
    await agent?.stop();
    scratch.remove();
  });

  it('agree on the CPUs', async () => {
    const first = await look();
    await run('stress-ng', ['--quiet', '--cpu', '1', '--switch', '1', '--timeout', '5s']);
    const last = await look();
    assertSame(first, last, PROCESSOR);
    const shares = select(last.ours, 'system_cpu_utilization_ratio', {}, 'cpu_mode');
    const sum = [...shares.values()].reduce((all, share) => all + share, 0);
    assert.ok(Math.abs(sum - 1) < 1e-9, String(sum));
  });

  it('agree on memory and paging', async () => {
    const first = await look();
    const stress = spawn('stress-ng', ['--quiet', '--vm', '1', '--vm-bytes', '256M', '--vm-keep'], {
      stdio: 'ignore',
    });
    const whole = select(first.ours, 'system_memory_limit_bytes').get('')!;
    const used = (series: readonly Series[]): number =>
      whole - select(series, 'system_memory_linux_available_bytes').get('')!;
    let last = await look();
    while (used(last.ours) - used(first.ours) < 128 * MIB) {
      assert.equal(stress.exitCode, null);
      last = await look();
    }
    assertClose(last, MEMORY, whole);
    assertSame(first, last, PAGING);
    stress.kill('SIGTERM');
    await once(stress, 'exit');
  });

  it('agree on disks', async function () {
    const written = (series: readonly Series[]): number =>
      [
        ...select(
          series,
          'system_disk_io_bytes_total',
          { disk_io_direction: 'write' },
          'system_device',
        ).values(),
      ].reduce((sum, bytes) => sum + bytes, 0);
    const first = await look();
    needMachine(this, written(first.ours) > 0, 'no disk that was ever written to');
    const job = ['--name=load', `--filename=${scratch.file('load')}`, '--rw=rw', '--bs=256k', '--size=64M'];
    await run('fio', [...job, '--direct=1', '--end_fsync=1', '--output=/dev/null']);
    const last = await look();
    assertSame(
      first,
      last,
      DISK.filter((twin) => pairs(last, twin).length > 0),
    );
    assert.ok(written(last.ours) - written(first.ours) >= 24 * MIB);
  });

  it('agree on file systems', async () => {
    const last = await look();
    assertClose(
      last,
      FILE_SYSTEMS,
      select(last.ours, 'system_filesystem_limit_bytes', {}, 'system_filesystem_mountpoint').get('/') ?? 0,
    );
  });

  it('agree on the network', async function () {
    const namespace = NetworkNamespace.create(this);
    try {
      const [at] = (await freePorts(1)) as [number];
      const [command, ...args] = [...namespace.wrap, 'iperf3', '-s', '-1', '-p', `${at}`, '--forceflush'];
      const server = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] });
      await once(server.stdout, 'data'); // it says that it listens
      const first = await look();
      const sent = once(server, 'exit');
      await run('iperf3', ['-c', namespace.inside, '-p', `${at}`, '-n', String(128 * MIB)]);
      await sent;
      const last = await look();
      assertSame(first, last, NETWORK);
      const most = ({ ours }: Look): number =>
        Math.max(
          ...[
            ...select(
              ours,
              'system_network_io_bytes_total',
              { network_io_direction: 'transmit' },
              'network_interface_name',
            ),
          ]
            .filter(([name]) => name.startsWith('utv'))
            .map(([, bytes]) => bytes),
        );
      // What is in the socket's buffer at the end is never sent.
      assert.ok(most(last) >= 100 * MIB, String(most(last)));
    } finally {
      namespace.remove();
    }
  });

  it('agree on the process of node-exporter, which is an observed service', async () => {
    const keys = { process_pid: String(exporter.pid) };
    let last = await look();
    while (select(last.ours, 'process_thread_count', keys).size === 0) last = await look();
    const twins = PROCESS.map((twin) => ({ ...twin, labels: keys }));
    for (const twin of twins) {
      const [[, , least]] = pairs(last, twin) as [[string, number, number, number]];
      // Go may take some memory, or open a connection, between two scrapes.
      assertClose(last, [twin], twin.theirs === 'process_open_fds' ? 300 : 20 * least);
    }
    const cpu = (series: readonly Series[]): number =>
      [...select(series, 'process_cpu_time_seconds_total', keys, 'cpu_mode').values()].reduce(
        (a, b) => a + b,
      );
    const theirCpu = (series: readonly Series[]): number =>
      select(series, 'process_cpu_seconds_total').get('')!;
    assert.ok(cpu(last.ours) >= theirCpu(last.before) - 0.02);
    assert.ok(cpu(last.ours) <= theirCpu(last.after) + 0.02);
    const { threads } = statusOf(exporter.pid!);
    assert.equal(select(last.ours, 'process_thread_count', keys).get(''), threads);
  });

  it('agree with the cgroup of node-exporter', async function () {
    const text = readFileSync(`/proc/${exporter.pid}/cgroup`, 'utf8');
    const [, path] = /^\d+:memory:(.*)$/m.exec(text) ?? /^0::(.*)$/m.exec(text)!;
    const folder = text.includes(':memory:') ? `/sys/fs/cgroup/memory${path}` : `/sys/fs/cgroup${path}`;
    needMachine(this, path !== '/', 'processes are in no cgroup of their own');
    const file = ['memory.usage_in_bytes', 'memory.current']
      .map((name) => `${folder}/${name}`)
      .find((each) => statSync(each, { throwIfNoEntry: false }));
    needMachine(this, file !== undefined, 'its cgroup counts no memory');
    const { ours } = await look();
    const usage = select(ours, 'container_memory_usage_bytes', {}, 'process_linux_cgroup').get(path!)!;
    const total = select(ours, 'system_memory_limit_bytes').get('')!;
    assert.ok(Math.abs(usage - Number(readFileSync(file!, 'utf8'))) < TOLERANCE * total);
  });

  it('are what promtool accepts, but for names of the conventions that end in count', async function () {
    needCommand(this, 'promtool', 'it checks metrics');
    const input = (await agent.metrics()).replace(
      /^(?:# (?:HELP|TYPE) )?(?:otelcol_|undertrace_|target_|traces_).*\n/gm,
      '',
    );
    const { stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], { input, encoding: 'utf8' });
    const complaint = / non-histogram and non-summary metrics should not have "_count" suffix$/;
    const lines = `${stdout}${stderr}`
      .split('\n')
      .filter((line) => /^(?:system|process|container)_/.test(line));
    assert.deepEqual(
      lines.map((line) => line.replace(complaint, '')),
      [
        'process_thread_count',
        'process_unix_file_descriptor_count',
        'system_cpu_logical_count',
        'system_network_connection_count',
        'system_process_count',
      ],
    );
  });

  it('are listed by doctor, probe by probe', () => {
    const text = execFileSync(process.execPath, [inCheckout('dist', 'main.js'), 'doctor', '--json'], {
      encoding: 'utf8',
    });
    const checks = JSON.parse(text) as Array<{ name: string; status: string }>;
    const found = checks.filter(({ name }) => name.startsWith('probe '));
    assert.deepEqual(
      found.map(({ name }) => name.slice('probe '.length)),
      PROBE_NAMES,
    );
    assert.ok(found.every(({ status }) => status === 'pass' || status === 'unavailable'));
  });
});

function statusOf(pid: number): { threads: number } {
  return { threads: Number(/^Threads:\s+(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) };
}
