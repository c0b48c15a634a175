import { existsSync, readFileSync, readlinkSync } from 'node:fs';
import { release } from 'node:os';

import { UserError, messageOf } from '../base/errors.ts';
import type { AttachRow, Outcome, Program } from './attach-table.ts';
import { attachAll, openTracer } from './load.ts';
import { type NativeAddon, type TracerError, loadNative } from './native.ts';

/** One line of `doctor`. `unavailable`: not here, and not needed. */
export interface Check {
  name: string;
  status: 'pass' | 'fail' | 'unavailable';
  detail: string;
  /** What to do; for everything but `pass`. */
  remedy?: string;
  /** What libbpf and the kernel's verifier said, the end of it. */
  log?: string;
}

/** capability(7) by bit, with what it is for. `or` stands in for it; without an optional one the rest works. */
const CAPABILITIES: ReadonlyArray<{
  name: string;
  bit: number;
  purpose: string;
  or?: number;
  optional?: boolean;
}> = [
  { name: 'CAP_BPF', bit: 39, purpose: 'load eBPF programs and maps', or: 21 },
  { name: 'CAP_PERFMON', bit: 38, purpose: 'attach tracing programs and read kernel memory', or: 21 },
  { name: 'CAP_SYS_PTRACE', bit: 19, purpose: 'read /proc/PID/exe and environ of other users’ processes' },
  { name: 'CAP_DAC_READ_SEARCH', bit: 2, purpose: 'read package.json and jar manifests of services' },
  { name: 'CAP_SYS_ADMIN', bit: 21, purpose: 'measure what the programs in the kernel cost', optional: true },
];
const OLDEST = [5, 10] as const;

/** Everything that decides whether this machine can be traced, checked by trying where trying is possible. */
export function runChecks(load: () => NativeAddon = loadNative): Check[] {
  const before = [
    kernel(),
    architecture(),
    btf(),
    lockdown(),
    ...capabilities(),
    memlock(),
    pidNamespace(),
    cgroup(),
    tracefs(),
  ];
  let addon: NativeAddon;
  try {
    addon = load();
  } catch (error) {
    return [...before, { name: 'addon', status: 'fail', detail: messageOf(error), remedy: 'npm run setup' }];
  }
  return [
    ...before,
    { name: 'addon', status: 'pass', detail: `libbpf ${addon.libbpfVersion}` },
    ...programs(addon),
  ];
}

function kernel(): Check {
  const name = 'kernel';
  const [major = 0, minor = 0] = release().split('.').map(Number);
  const recent = major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1]);
  if (recent) return { name, status: 'pass', detail: release() };
  return { name, status: 'fail', detail: release(), remedy: 'Linux 5.10 or newer is needed' };
}

function architecture(): Check {
  const name = 'architecture';
  if (process.arch === 'x64' || process.arch === 'arm64')
    return { name, status: 'pass', detail: process.arch };
  return { name, status: 'fail', detail: process.arch, remedy: 'only x86-64 and arm64 are supported' };
}

function btf(): Check {
  const path = '/sys/kernel/btf/vmlinux';
  if (existsSync(path)) return { name: 'BTF', status: 'pass', detail: path };
  const remedy = 'use a kernel built with CONFIG_DEBUG_INFO_BTF; in a container mount /sys/kernel/btf';
  return { name: 'BTF', status: 'fail', detail: `${path} is missing`, remedy };
}

/** Lockdown `integrity` is no hindrance; `confidentiality` forbids reading kernel memory. */
function lockdown(): Check {
  const name = 'lockdown';
  const mode = /\[(\w+)\]/.exec(read('/sys/kernel/security/lockdown') ?? '')?.[1];
  if (mode === undefined) return { name, status: 'pass', detail: 'not in use, or securityfs is not mounted' };
  if (mode !== 'confidentiality') return { name, status: 'pass', detail: mode };
  const remedy =
    'boot with lockdown=integrity or none: in this mode the kernel refuses every tracing program';
  return { name, status: 'fail', detail: mode, remedy };
}

function capabilities(): Check[] {
  const effective = BigInt(
    `0x${/^CapEff:\s*([0-9a-f]+)/m.exec(read('/proc/self/status') ?? '')?.[1] ?? '0'}`,
  );
  const has = (bit: number): boolean => ((effective >> BigInt(bit)) & 1n) === 1n;
  return CAPABILITIES.map(({ name, bit, purpose, or, optional }) => {
    if (has(bit) || (or !== undefined && has(or))) return { name, status: 'pass', detail: purpose };
    return {
      name,
      status: optional ? 'unavailable' : 'fail',
      detail: purpose,
      remedy: `run as root or grant ${name}`,
    };
  });
}

/** Since 5.11 maps are charged to the memory cgroup and the limit says nothing. */
function memlock(): Check {
  const name = 'memlock';
  const [major = 0, minor = 0] = release().split('.').map(Number);
  if (major > 5 || (major === 5 && minor >= 11))
    return { name, status: 'pass', detail: 'not limiting since Linux 5.11' };
  const limit = /^Max locked memory\s+(\S+)/m.exec(read('/proc/self/limits') ?? '')?.[1] ?? 'unknown';
  if (limit === 'unlimited' || Number(limit) >= 64 << 20) return { name, status: 'pass', detail: limit };
  return {
    name,
    status: 'fail',
    detail: `${limit} bytes`,
    remedy: 'ulimit -l unlimited, or LimitMEMLOCK=infinity',
  };
}

/** The initial PID namespace has a fixed inode (PROC_PID_INIT_INO). */
function pidNamespace(): Check {
  const name = 'PID namespace';
  const link = readLink('/proc/self/ns/pid') ?? 'unknown';
  if (link === 'pid:[4026531836]') return { name, status: 'pass', detail: 'the host’s' };
  const remedy =
    'run the container with --pid=host (hostPID: true), else services older than the agent cannot be named';
  return { name, status: 'unavailable', detail: `${link}, not the host’s`, remedy };
}

function cgroup(): Check {
  const name = 'cgroup';
  if (existsSync('/sys/fs/cgroup/cgroup.controllers')) return { name, status: 'pass', detail: 'v2' };
  if (existsSync('/proc/self/cgroup')) return { name, status: 'pass', detail: 'v1 or hybrid' };
  return { name, status: 'unavailable', detail: 'none', remedy: 'containers are not told apart' };
}

function tracefs(): Check {
  const name = 'tracefs';
  if (existsSync('/sys/kernel/tracing/events'))
    return { name, status: 'pass', detail: '/sys/kernel/tracing' };
  return {
    name,
    status: 'unavailable',
    detail: 'not mounted',
    remedy: 'none needed: the backend `syscalls` does without',
  };
}

function logOf(error: unknown): string | undefined {
  return error instanceof UserError ? (error.cause as Partial<TracerError> | undefined)?.log : undefined;
}

function programs(addon: NativeAddon): Check[] {
  let tracer;
  try {
    tracer = openTracer(addon, {
      ringBytes: 1 << 20,
      payloadBudget: 8192,
      messageStarts: [],
      turns: true,
      connections: 1024,
    });
  } catch (error) {
    return [
      {
        name: 'eBPF programs',
        status: 'fail',
        detail: messageOf(error),
        remedy: 'see the failed checks above',
        log: logOf(error),
      },
    ];
  }
  try {
    return attachAll(tracer).map(checkProgram);
  } finally {
    tracer.close();
  }
}

/** Whether this kernel takes a program. */
export function checkProgram({
  program,
  hook,
  purpose,
  fallback,
  attached,
  error = '',
  remedy,
  required = false,
}: Program & Outcome & Partial<AttachRow>): Check {
  const name = `${program} (${hook})`;
  if (attached) return { name, status: 'pass', detail: purpose };
  if (required) return { name, status: 'fail', detail: error, remedy };
  return { name, status: 'unavailable', detail: `${error}; ${fallback}`, remedy };
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined; // absence is what the caller asks about
  }
}

function readLink(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined; // as above
  }
}
