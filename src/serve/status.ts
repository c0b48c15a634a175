/** The body of /status and what `undertrace status` prints: JSON, camelCase, times in seconds or as ISO 8601, counters since the start. */
import type { Ledger } from '../base/ledger.ts';
import type { QueueStats } from '../output/queue-stats.ts';

export interface AgentStatus {
  version: string;
  pid: number;
  startedAt: string;
  uptimeSeconds: number;
  kernel: string;
  backend: string;
  /** Attached and draining. */
  ready: boolean;
  /** What is not on, and why: programs the kernel refused, features it lacks, what is switched off. */
  off: Array<{ what: string; why: string }>;
  exporters: ExporterStatus[];
  books: StageStatus[];
  /** Every stage balances at this moment. */
  balanced: boolean;
  /** The kernel side's own counters, by their names in bpf/records.toml. */
  kernelCounters: Record<string, number>;
  /** Probes of the host when they were read last. */
  probes: ProbeStatus[];
  /** What is given up to stay within receivers.undertrace.limits: index and name of the step (docs/governor.md), CPU time as a share of one core, bytes. */
  governor: {
    level: number;
    step: string;
    cpu: { used: number; limit: number };
    memory: { used: number; limit: number };
  };
  config: { lastReloadSuccessful: boolean; reloads: number; failures: number; lastError?: string };
  /** Connections known at this moment. */
  connections: number;
  /** Busiest first. */
  processes: ProcessStatus[];
  ports: PortStatus[];
}

export interface ProbeStatus {
  name: string;
  status: string;
  lastError?: string | undefined;
  /** What this host has not got for a part of the figures. */
  missing: readonly string[];
}

export interface ExporterStatus {
  id: string;
  destination: string;
  sent: number;
  /** Spans lost after an attempt, and spans that were never tried. */
  failed: number;
  dropped: number;
  queue: { size: number; capacity: number; unit: string };
  unreachable: boolean;
  lastError?: { text: string; at: string };
}

export interface StageStatus {
  stage: string;
  in: number;
  out: number;
  held: number;
  /** Reasons with a loss only. */
  lost: Record<string, number>;
  balanced: boolean;
}

export interface ProcessStatus {
  pid: number;
  command: string;
  service: string;
  /** undertrace.service.name.source. */
  serviceSource: string;
  listening: number[];
  /** Protocols its connections speak, `unrecognised` among them. */
  protocols: string[];
  exchanges: number;
  spans: number;
  unrecognised: { records: number; bytes: number };
  lost: Record<string, number>;
  /** io_uring was set up: what goes through it is not seen. */
  ioUring: boolean;
  filter: { traced: boolean; why: string };
}

export interface PortStatus {
  transport: 'tcp' | 'udp' | 'unix';
  /** 0 for a unix socket, whose path is `path`. */
  port: number;
  path?: string;
  protocol: string;
  exchanges: number;
  spans: number;
  unrecognised: { records: number; bytes: number; firstBytes?: string };
}

/** Why there is no span: the body of /why and what `undertrace why` prints. */
export interface WhyReport {
  asked: { pid: number } | { port: number };
  backend: string;
  ready: boolean;
  processes: WhyProcess[];
  /** At most 50, most recent first; `connectionsKnown` is how many there are. */
  connections: WhyConnection[];
  connectionsKnown: number;
  totals: WhyTotals;
  /** Spans the exporters lost, whoever they were of. */
  exporterLosses: number;
}

export interface WhyTotals {
  records: number;
  bytes: number;
  exchanges: number;
  spans: number;
  /** Reason → count, of every stage, for what was asked. */
  lost: Record<string, number>;
}

export interface WhyProcess {
  pid: number;
  command: string;
  executable: string;
  service: string;
  serviceSource: string;
  filter: { traced: boolean; why: string };
  ioUring: boolean;
  /** It exports spans of its own, so that those made here are left out. */
  suppressed: boolean;
}

export interface WhyConnection extends WhyTotals {
  pid: number;
  transport: 'tcp' | 'udp' | 'unix';
  local: string;
  remote: string;
  role: 'server' | 'client' | 'unknown';
  /** `undecided`, `unrecognised`, or the protocol's name. */
  protocol: string;
  /** Class of the first bytes, such as `tls` or `binary`. */
  firstBytes: string;
  /** Exchanges that wait for their end. */
  open: number;
}

export function exporterStatus(stats: QueueStats): ExporterStatus {
  const status: ExporterStatus = {
    id: stats.id,
    destination: stats.destination,
    sent: stats.sent,
    failed: stats.sendFailed,
    dropped: stats.enqueueFailed,
    queue: { size: stats.queueSize, capacity: stats.queueCapacity, unit: stats.sizer },
    unreachable: stats.unreachable,
  };
  if (stats.lastError === undefined) return status;
  const { text, atMs } = stats.lastError;
  return { ...status, lastError: { text, at: new Date(atMs).toISOString() } };
}

export function booksOf(ledger: Ledger): StageStatus[] {
  const unbalanced = new Set(ledger.imbalances().map(({ stage }) => stage));
  return ledger.stages().map(([stage, { in: came, out, lost, held }]) => ({
    stage,
    in: came,
    out,
    held: held(),
    lost: Object.fromEntries(Object.entries(lost).filter(([, count]) => count > 0)),
    balanced: !unbalanced.has(stage),
  }));
}
