/**
 * What is to be known of processes, from two sources: the kernel's exec records and /proc for those that were there before.
 * Facts become `process` records, so that the pipeline, and a replay of it, need neither.
 */
import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  readFileSync,
  readSync,
  readdirSync,
  readlinkSync,
  statSync,
} from 'node:fs';

import { USER_HZ } from '../base/user-hz.ts';
import type { ProcessFacts } from './facts.ts';
import type { ExecRecord } from './records.gen.ts';

export { lateFacts } from './late-facts.ts';

/** Environment variables that naming and locating a service needs. Everything else in an environment is none of our business. */
export const ENVIRONMENT_ALLOWLIST: readonly string[] = [
  // OpenTelemetry's own, of the target
  ...['OTEL_SERVICE_NAME', 'OTEL_RESOURCE_ATTRIBUTES'],
  // names given to other agents
  ...['SERVICE_NAME', 'DD_SERVICE', 'DD_VERSION', 'DD_ENV', 'ELASTIC_APM_SERVICE_NAME', 'NEW_RELIC_APP_NAME'],
  // containers and orchestrators
  ...['HOSTNAME', 'KUBERNETES_SERVICE_HOST', 'POD_NAME', 'POD_NAMESPACE', 'POD_UID', 'NODE_NAME'],
  ...[
    'MY_POD_NAME',
    'MY_POD_NAMESPACE',
    'K8S_POD_NAME',
    'K8S_NAMESPACE',
    'K8S_POD_NAMESPACE',
    'K8S_CONTAINER_NAME',
  ],
  ...[
    'K8S_DEPLOYMENT_NAME',
    'NOMAD_JOB_NAME',
    'NOMAD_TASK_NAME',
    'K_SERVICE',
    'K_REVISION',
    'CONTAINER_APP_NAME',
  ],
  ...[
    'MARATHON_APP_ID',
    'FLY_APP_NAME',
    'AWS_LAMBDA_FUNCTION_NAME',
    'COMPOSE_PROJECT_NAME',
    'COMPOSE_SERVICE',
  ],
  // what runtimes are told to run
  ...[
    'pm_exec_path',
    'FLASK_APP',
    'DJANGO_SETTINGS_MODULE',
    'CATALINA_BASE',
    'RELEASE_NAME',
    'npm_package_name',
  ],
];
const ALLOWED = new Set(ENVIRONMENT_ALLOWLIST);

const NS_PER_TICK = 1e9 / USER_HZ;
const ARGUMENTS_MAX = 128;
const ARGUMENT_MAX = 1024;
const VALUE_MAX = 1024;

/** The facts of a kernel exec record. Payload: see `records.exec` in bpf/records.toml. The user's name is looked up by `userName`. */
export function parseExec(record: ExecRecord, userName?: (uid: number) => string | undefined): ProcessFacts {
  const bytes = Buffer.from(record.payload.buffer, record.payload.byteOffset, record.payload.length);
  let at = 0;
  const next = (length: number): Buffer => bytes.subarray(at, (at += length));
  const exe = pathOf(next(record.exeLength));
  const cgroup = pathOf(next(record.cgroupLength));
  const cwd = pathOf(next(record.cwdLength));
  const argv = parseArguments(next(record.argvLength));
  const environ = parseEnviron(next(record.environLength));
  const comm = Buffer.from(record.comm).toString('utf8').split('\0', 1)[0]!;
  const user = userName?.(record.uid);
  return {
    source: 'exec',
    parent: record.parent,
    uid: record.uid,
    ...(user === undefined ? {} : { user }),
    comm,
    ...(exe === '/' ? {} : { exe }),
    cwd,
    argv,
    environ,
    cgroup,
    netns: record.netns,
  };
}

/** A path that comes as components from the leaf up, each NUL-ended. */
function pathOf(bytes: Buffer): string {
  const components = splitZeros(bytes);
  return `/${components.reverse().join('/')}`;
}

function splitZeros(bytes: Buffer): string[] {
  if (bytes.length === 0) return [];
  const text = bytes.toString('utf8');
  return (text.endsWith('\0') ? text.slice(0, -1) : text).split('\0');
}

function parseArguments(bytes: Buffer): string[] {
  const words = splitZeros(bytes);
  // A title written over the arguments leaves a trail of zeros behind it.
  while (words.length > 1 && words.at(-1) === '') words.pop();
  return words.slice(0, ARGUMENTS_MAX).map((word) => word.slice(0, ARGUMENT_MAX));
}

function parseEnviron(bytes: Buffer): Record<string, string> {
  const environ: Record<string, string> = {};
  for (const entry of splitZeros(bytes)) {
    const equals = entry.indexOf('=');
    if (equals <= 0) continue;
    const name = entry.slice(0, equals);
    if (ALLOWED.has(name)) environ[name] = entry.slice(equals + 1, equals + 1 + VALUE_MAX);
  }
  return environ;
}

export interface ProcReaderOptions {
  /** Default `/proc`. */
  procRoot?: string;
  /** Default `/etc/passwd`. */
  passwdPath?: string;
}

/** A process as /proc shows it. `startNs` has the resolution of a clock tick, rounded down. */
export interface ScannedProcess {
  tgid: number;
  startNs: number;
  facts: ProcessFacts;
}

/** Reads processes from /proc; every file may be gone or forbidden at any moment, and is then left out. */
export class ProcReader {
  readonly #procRoot: string;
  readonly #passwdPath: string;
  #users: Map<number, string> | undefined;

  constructor(options: ProcReaderOptions = {}) {
    this.#procRoot = options.procRoot ?? '/proc';
    this.#passwdPath = options.passwdPath ?? '/etc/passwd';
  }

  /** Undefined when the process is gone, is a zombie or belongs to the kernel. */
  readProcess(tgid: number): ScannedProcess | undefined {
    const directory = `${this.#procRoot}/${tgid}`;
    const stat = parseStat(readText(`${directory}/stat`));
    if (stat === undefined || stat.state === 'Z') return undefined;
    const commandLine = readBytes(`${directory}/cmdline`);
    const exe = readLink(`${directory}/exe`);
    if (exe === undefined && (commandLine === undefined || commandLine.length === 0)) return undefined;
    const facts: ProcessFacts = { source: 'scan', parent: stat.parent, comm: stat.comm };
    if (exe !== undefined) facts.exe = exe.replace(/ \(deleted\)$/, '');
    if (commandLine !== undefined) facts.argv = parseArguments(commandLine);
    this.#readRest(directory, facts);
    // Read again: the process may have been replaced by another one of the same number meanwhile.
    if (parseStat(readText(`${directory}/stat`))?.startTicks !== stat.startTicks) return undefined;
    return { tgid, startNs: stat.startTicks * NS_PER_TICK, facts };
  }

  #readRest(directory: string, facts: ProcessFacts): void {
    const cwd = readLink(`${directory}/cwd`);
    if (cwd !== undefined) facts.cwd = cwd;
    const environ = readBytes(`${directory}/environ`);
    if (environ !== undefined) facts.environ = parseEnviron(environ);
    const cgroup = parseCgroup(readText(`${directory}/cgroup`));
    if (cgroup !== undefined) facts.cgroup = cgroup;
    const netns = /\[(\d+)\]/.exec(readLink(`${directory}/ns/net`) ?? '');
    if (netns !== null) facts.netns = Number(netns[1]);
    const uid = uidOf(directory, readText(`${directory}/status`));
    if (uid === undefined) return;
    facts.uid = uid;
    const user = this.userName(uid);
    if (user !== undefined) facts.user = user;
  }

  /** The class byte of a process's executable: 1 for 32 bits, 2 for 64; undefined where it cannot be read. */
  elfClass(tgid: number): number | undefined {
    const head = readHead(`${this.#procRoot}/${tgid}/exe`, 5);
    return head?.subarray(0, 4).toString('latin1') === '\x7fELF' ? head[4] : undefined;
  }

  /** All processes of the machine, by number. */
  scanProcesses(): ScannedProcess[] {
    const found: ScannedProcess[] = [];
    const names = readdirSync(this.#procRoot).filter((name) => /^\d+$/.test(name));
    for (const tgid of names.map(Number).sort((a, b) => a - b)) {
      const process = this.readProcess(tgid);
      if (process !== undefined) found.push(process);
    }
    return found;
  }

  /** Name of a user in the host's passwd file, read once. */
  userName(uid: number): string | undefined {
    this.#users ??= parsePasswd(readText(this.#passwdPath) ?? '');
    return this.#users.get(uid);
  }
}

/** The first bytes of a regular file. */
function readHead(path: string, length: number): Buffer | undefined {
  let file: number | undefined;
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const head = Buffer.alloc(length);
    return fstatSync(file).isFile() && readSync(file, head, 0, length, 0) === length ? head : undefined;
  } catch {
    return undefined; // gone, or not ours to read
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

let reader: ProcReader | undefined;

/** One process of this machine; see ProcReader. */
export function readProcess(tgid: number, options?: ProcReaderOptions): ScannedProcess | undefined {
  return readerFor(options).readProcess(tgid);
}

/** All processes of this machine; see ProcReader. */
export function scanProcesses(options?: ProcReaderOptions): ScannedProcess[] {
  return readerFor(options).scanProcesses();
}

function readerFor(options: ProcReaderOptions | undefined): ProcReader {
  if (options !== undefined) return new ProcReader(options);
  reader ??= new ProcReader();
  return reader;
}

interface Stat {
  comm: string;
  state: string;
  parent: number;
  startTicks: number;
}

/** proc_pid_stat(5): the name stands in parentheses and may hold any byte, parentheses too; field 22 is the start. */
function parseStat(text: string | undefined): Stat | undefined {
  if (text === undefined) return undefined;
  const close = text.lastIndexOf(')');
  const fields = text.slice(close + 2).split(' ');
  if (close < 0 || fields.length < 20) return undefined;
  return {
    comm: text.slice(text.indexOf('(') + 1, close),
    state: fields[0]!,
    parent: Number(fields[1]),
    startTicks: Number(fields[19]),
  };
}

/** The same choice as the kernel side makes: the v2 path, or that of the memory controller where v2 is not in use. */
function parseCgroup(text: string | undefined): string | undefined {
  let unified: string | undefined;
  let memory: string | undefined;
  let any: string | undefined;
  for (const line of (text ?? '').split('\n')) {
    const match = /^(\d+):([^:]*):(.*)$/.exec(line);
    if (match === null) continue;
    const [, id, controllers, path] = match;
    if (id === '0') unified = path;
    else if (controllers!.split(',').includes('memory')) memory = path;
    else any ??= path;
  }
  return unified !== undefined && unified !== '/' ? unified : (memory ?? any ?? unified);
}

function uidOf(directory: string, status: string | undefined): number | undefined {
  const match = /^Uid:\s+(\d+)/m.exec(status ?? '');
  if (match !== null) return Number(match[1]);
  try {
    return statSync(directory).uid;
  } catch {
    return undefined; // gone
  }
}

function parsePasswd(text: string): Map<number, string> {
  const users = new Map<number, string>();
  for (const line of text.split('\n')) {
    const [name, , uid] = line.split(':');
    if (name && uid && !users.has(Number(uid))) users.set(Number(uid), name);
  }
  return users;
}

function readBytes(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch {
    return undefined; // the process is gone, or is not ours to read
  }
}

function readText(path: string): string | undefined {
  return readBytes(path)?.toString('utf8');
}

function readLink(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined; // gone, forbidden, or a kernel thread
  }
}
