/** A program of an eBPF object: what it is for, and what happens without it. `doctor` and the first screen print from tables of these. */
export interface Program {
  readonly program: string;
  readonly hook: string;
  /** What it gives. */
  readonly purpose: string;
  /** What is used in its place, or what is lost. */
  readonly fallback: string;
}

export interface AttachRow extends Program {
  readonly required: boolean;
}

/** What became of a program. */
export interface Outcome {
  readonly attached: boolean;
  readonly error?: string;
  readonly remedy?: string;
}

export const ATTACH_TABLE: readonly AttachRow[] = [
  {
    program: 'process_exec',
    hook: 'tp_btf/sched_process_exec',
    required: false,
    purpose: 'names of processes, also of those that live for milliseconds',
    fallback: 'processes that start later are named from /proc when they first send or receive',
  },
  {
    program: 'process_fork',
    hook: 'tp_btf/sched_process_fork',
    required: false,
    purpose: 'pre-forked workers belong to the service that made them',
    fallback: 'workers are named from /proc',
  },
  {
    program: 'process_exit',
    hook: 'tp_btf/sched_process_exit',
    required: false,
    purpose: 'memory of ended processes is given back at once',
    fallback: 'it is given back after a time',
  },
  {
    program: 'socket_state',
    hook: 'tp_btf/inet_sock_set_state',
    required: false,
    purpose: 'ends of TCP connections, failed handshakes, own exporter connections',
    fallback: 'ends are seen at close(2) only; the Collector’s end of own exports is filtered in user space',
  },
  {
    program: 'syscall_enter',
    hook: 'tp_btf/sys_enter',
    required: true,
    purpose: 'when a send began',
    fallback: 'none: a client span would start after the server’s',
  },
  {
    program: 'syscall_exit',
    hook: 'tp_btf/sys_exit',
    required: true,
    purpose: 'the data of every network system call',
    fallback: 'none',
  },
];

/** Programs that are run rather than attached. */
export const SCAN_SOCKETS = 'scan_sockets';
export const WHO_AM_I = 'who_am_i';
export const SET_VERDICT = 'set_verdict';

/** What an errno at load or attach usually means, and what to do about it. */
export function remedyOf(code: string | undefined): string {
  switch (code) {
    case 'EPERM':
    case 'EACCES':
      return 'run as root, or with CAP_BPF and CAP_PERFMON (CAP_SYS_ADMIN before Linux 5.8); `undertrace doctor` tells which is missing (also lockdown `confidentiality` forbids it)';
    case 'ENOENT':
    case 'ESRCH':
      return 'the running kernel has no such hook; its BTF (/sys/kernel/btf/vmlinux, CONFIG_DEBUG_INFO_BTF) tells which it has';
    case 'ENOMEM':
      return 'raise the memory limit (MemoryMax, container limit), and before Linux 5.11 `ulimit -l`; or lower receivers.undertrace.ring_size';
    case 'EINVAL':
    case 'E2BIG':
      return 'the kernel is older than 5.10 or refuses the program: run `undertrace doctor` and report its output';
    default:
      return 'run `undertrace doctor` and report its output';
  }
}
