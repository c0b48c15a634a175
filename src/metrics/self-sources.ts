import type { ShedStep } from '../base/governor-policy.ts';
import type { Histogram } from '../base/histogram.ts';
import type { Ledger } from '../base/ledger.ts';
import type { ProgramCost } from '../capture/program-measure.ts';
import type { DirectoryFigures } from '../directory/directory.ts';

/** What an exporter's queue says of itself. */
export interface ExporterFigures {
  id: string;
  sent: number;
  /** On the wire, of requests that were answered. */
  bytes: number;
  sendFailed: number;
  enqueueFailed: number;
  queueSize: number;
  queueCapacity: number;
  requestsInFlight: number;
  /** The destination does not answer and is asked by one request at a time. */
  unreachable: boolean;
}

/** What an exporter that metrics are pushed to says of itself. */
export interface PushFigures {
  id: string;
  sentPoints: number;
  failedPoints: number;
}

/** What the pipeline counts beside the books, since the start: work done, and bounds that were reached without a loss. */
export interface PipelineCounts {
  connectionsOpened: number;
  /** Forgotten because the table was full. */
  connectionsEvicted: number;
  /** Forgotten because nothing was heard of them. */
  connectionsExpired: number;
  /** Failed handshakes by errno. */
  connectFailures: Readonly<Record<number, number>>;
  /** Hops forgotten while an end of them could still have come: such an end finds no other. */
  hopsEvicted: number;
  /** Exchanges whose end of a hop was taken. */
  hopDuplicates: number;
  /** Requests served that were forgotten while requests sent on could still have been joined with them. */
  inboundEvicted: number;
  /** Requests sent on that several requests served could be the cause of. */
  matchesAmbiguous: number;
  tracesCutShort: number;
  tracesOverdue: number;
  processesEvicted: number;
  /** Services named before all facts about them were there. */
  servicesGuessed: number;
  /** Requests that got no route because the table was full. */
  routeOverflows: number;
  /** Calls that two rules gave to different requests. */
  linkConflicts: number;
  /** Calls and requests that the residual matcher has left alone because there were too many. */
  residualOverflows: number;
  /** Answers of the directory for spans that had left, and such that no agent wrote. */
  directoryLate: number;
  directoryInvalid: number;
  /** Requests to or from other hosts that were not looked after. */
  remoteOverflows: number;
}

/** The links of one service's spans: with a parent by how it was found, mean confidence of those, and without. */
export interface LinkFigures {
  service: string;
  byMethod: ReadonlyMap<string, number>;
  meanConfidence: number | undefined;
  candidates: number;
  orphans: number;
}

/** What the agent takes of what it may take, and what it does about it. */
export interface GovernorFigures {
  /** Index in SHED_STEPS (base/governor-policy.ts), and its name. */
  level: number;
  step: ShedStep;
  changes: { up: number; down: number };
  /** Seconds spent at each step. */
  secondsAt: Readonly<Record<ShedStep, number>>;
  /** Shares of one core: the process' over the last seconds, that of the eBPF programs by the last sample. */
  cpu: { process: number; programs: number; limit: number };
  /** Bytes. */
  memory: { used: number; limit: number };
}

/** Where the agent's own metrics come from. Every function is called once a scrape; what cannot be known yet is undefined. */
export interface SelfSources {
  version: string;
  /** Resource attributes of the agent itself. */
  resource: Readonly<Record<string, string>>;
  ledger: Ledger;
  startedAt: Date;
  /** Name of the backend, and the kernel's release. */
  backend: () => string;
  kernel: () => string;
  ready: () => boolean;
  exporters: () => readonly ExporterFigures[];
  pushes: () => readonly PushFigures[];
  reloads: () => { lastSucceeded: boolean; succeeded: number; failed: number; lastAt: Date };
  /** Counters of the kernel side by their names in bpf/records.toml. */
  kernelCounters: () => Readonly<Record<string, number>> | undefined;
  /** Bytes of the ring buffer, bytes in it, and the most that were found in it. */
  ring: () => { size: number; used: number; highWater: number } | undefined;
  /** Fill of the kernel's maps; counting entries may cost, so it may be a figure of the last seconds. */
  maps: () => ReadonlyArray<{ name: string; entries: number; maxEntries: number }>;
  /** Seconds for which the kernel's BPF statistics were held on; run times and counts are of that time only. */
  measuredSeconds: () => number;
  programs: () => ReadonlyArray<{
    name: string;
    attached: boolean;
    runTimeNs: number;
    runCount: number;
    recursionMisses: number;
  }>;
  /** Undefined before the first sample. */
  programCost: () => ProgramCost | undefined;
  governor: () => GovernorFigures;
  /** By kind of collection. */
  gcSeconds: () => Readonly<Record<string, number>>;
  /** Bytes a drain. */
  drainBatch: Histogram;
  /** Seconds by which timers came late. */
  eventLoopLag: Histogram;
  /** Connections in the table. */
  connections: () => number;
  counts: () => PipelineCounts;
  links: () => readonly LinkFigures[];
  /** Undefined where no directory is configured. */
  directory: () => DirectoryFigures | undefined;
  /** Processes in which a rule is switched off. */
  rulesOff: () => ReadonlyArray<{ service: string; rule: string; processes: number }>;
}

/** For `drainBatch`: from one small record to what is passed on at once. */
export const DRAIN_BATCH_BOUNDS: readonly number[] = [
  0, 1024, 4096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304, 16_777_216,
];
