import type { Instrument } from '../../base/metric.ts';
import { USER_HZ } from '../../base/user-hz.ts';
import { SourceMissing } from '../host-files.ts';
import { counter, gauge } from './make-instrument.ts';
import { eachOnce, firstOf } from './parts.ts';
import type { HostSource, ObservedProcess, Probe, Told } from './probe.ts';
import { RESTARTS, Restarts } from './restarts.ts';
import { parseKeyed } from './tables.ts';
import { ThreadSwitches } from './thread-switches.ts';

const KEYS = ['service.name', 'service.namespace', 'process.pid'];
const CPU = counter('process.cpu.time', 's', 'CPU time of a process by mode.', ...KEYS, 'cpu.mode');
const MEMORY = gauge('process.memory.usage', 'By', 'Memory of a process that is resident.', ...KEYS);
const VIRTUAL = gauge('process.memory.virtual', 'By', 'Address space of a process.', ...KEYS);
const THREADS = gauge('process.thread.count', '{thread}', 'Threads of a process.', ...KEYS);
const FILES = gauge(
  'process.unix.file_descriptor.count',
  '{file_descriptor}',
  'Files, sockets and the like that a process has open.',
  ...KEYS,
);
const DISK = counter(
  'process.disk.io',
  'By',
  'Bytes that a process had read from disks and written to them.',
  ...KEYS,
  'disk.io.direction',
);
const SWITCHES = counter(
  'process.context_switches',
  '{context_switch}',
  'Context switches of all threads of a process since the agent looked first; those that a thread made just before its end are not seen. Of a process with more threads than are read there are none.',
  ...KEYS,
  'process.context_switch.type',
);
const FAULTS = counter(
  'process.paging.faults',
  '{fault}',
  'Page faults of a process.',
  ...KEYS,
  'system.paging.fault.type',
);
const UPTIME = gauge('process.uptime', 's', 'Time since a process has started.', ...KEYS);

const KIB = 1024;
/** Of whose processes and cgroups there are series. */
export const MAX_PROCESSES = 500;
/** Where a field of /proc/PID/stat is after the command's name (proc_pid_stat(5), whose third is the first here). */
const STAT = { minor: 7, major: 9, user: 11, system: 12, start: 19 };

/** What is remembered from one reading to the next. */
interface Memory {
  readonly restarts: Restarts;
  readonly switches: ThreadSwitches;
}
const memories = new WeakMap<HostSource, Memory>();

/** Times that all processes are measured by: Unix seconds of the host's start, and seconds since then. */
interface Boot {
  readonly atS: number;
  readonly uptimeS: number;
}

/** Processes of observed services, one series each: those that have been observed for longest, where there are more than 500. */
export const process: Probe = {
  name: 'process',
  purpose: 'CPU, memory, threads, files, disk and restarts of processes of observed services',
  instruments: [CPU, MEMORY, VIRTUAL, THREADS, FILES, DISK, SWITCHES, FAULTS, UPTIME, RESTARTS],
  read: (source) => eachOnce(readProcesses(source)),
};

function* readProcesses(source: HostSource): Iterable<Told> {
  const boot = readBoot(source);
  let memory = memories.get(source);
  if (memory === undefined)
    memories.set(source, (memory = { restarts: new Restarts(), switches: new ThreadSwitches() }));
  const { read, omitted } = firstOf([...source.processes()], MAX_PROCESSES);
  yield* omitted;
  memory.restarts.begin(boot.uptimeS);
  memory.switches.begin();
  for (const process of read) yield* readProcess(source, memory, boot, process);
  memory.switches.end();
  yield* memory.restarts.end();
}

function readBoot({ files }: HostSource): Boot {
  const atS = Number(/^btime (\d+)$/m.exec(files.need('/proc/stat'))?.[1]);
  return { atS, uptimeS: Number(files.need('/proc/uptime').split(' ')[0]) };
}

function* readProcess(
  source: HostSource,
  { restarts, switches }: Memory,
  boot: Boot,
  { pid, service, namespace }: ObservedProcess,
): Iterable<Told> {
  const { files } = source;
  const stat = files.text(`/proc/${pid}/stat`);
  const status = files.text(`/proc/${pid}/status`);
  if (stat === undefined || status === undefined) return; // it has ended meanwhile
  // The name is in parentheses and may hold anything.
  const fields = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number);
  const startS = fields[STAT.start]! / USER_HZ;
  const startMs = (boot.atS + startS) * 1000;
  const keys = [service, namespace, String(pid)];
  const of = (instrument: Instrument, value: number, ...more: string[]): Told => {
    return { instrument, attributes: [...keys, ...more], value, startMs };
  };
  restarts.lives({ pid, service, namespace }, startS);
  yield of(CPU, fields[STAT.user]! / USER_HZ, 'user');
  yield of(CPU, fields[STAT.system]! / USER_HZ, 'system');
  yield of(FAULTS, fields[STAT.major]!, 'major');
  yield of(FAULTS, fields[STAT.minor]!, 'minor');
  yield of(UPTIME, boot.uptimeS - startS);
  const info = parseKeyed(status);
  // What is about to end has given its memory back.
  yield of(MEMORY, (info.get('VmRSS') ?? 0) * KIB);
  yield of(VIRTUAL, (info.get('VmSize') ?? 0) * KIB);
  const threads = info.get('Threads')!;
  yield of(THREADS, threads);
  yield* ownFigures(source, pid, of);
  const switched = switches.read(files, pid, startS, threads);
  if (switched === undefined) return;
  const { voluntary, involuntary, sinceMs } = switched;
  for (const [type, value] of Object.entries({ voluntary, involuntary }))
    yield { instrument: SWITCHES, attributes: [...keys, type], value, startMs: sinceMs };
}

/** What may be asked for only where the agent may look into other processes. */
function* ownFigures(
  { files }: HostSource,
  pid: number,
  of: (instrument: Instrument, value: number, ...more: string[]) => Told,
): Iterable<Told> {
  const open = files.openFiles(pid);
  if (open === undefined) yield new SourceMissing('/proc/PID/fd', 'not permitted');
  else yield of(FILES, open);
  const io = files.text(`/proc/${pid}/io`);
  if (io === undefined) {
    yield new SourceMissing('/proc/PID/io', 'not permitted, or not counted by this kernel');
    return;
  }
  const counts = parseKeyed(io);
  yield of(DISK, counts.get('read_bytes')!, 'read');
  yield of(DISK, counts.get('write_bytes')!, 'write');
}
