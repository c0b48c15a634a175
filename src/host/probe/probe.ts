import type { Histogram } from '../../base/histogram.ts';
import type { Instrument } from '../../base/metric.ts';
import type { ProbeName } from '../../base/settings.ts';
import { type HostFiles, SourceMissing } from '../host-files.ts';
import type { KernelTables } from '../kernel-tables.ts';

/** A process of an observed service. */
export interface ObservedProcess {
  readonly pid: number;
  /** service.name and service.namespace, '' where there is none. */
  readonly service: string;
  readonly namespace: string;
}

/** What probes read: one object for as long as they are read. What a probe remembers from one reading to the next it keeps by it. */
export interface HostSource {
  readonly files: HostFiles;
  /** Processes of which requests were seen, and that have not ended. */
  readonly processes: () => Iterable<ObservedProcess>;
  /** Undefined where no eBPF programs run. */
  readonly kernel?: KernelTables | undefined;
}

/** One figure of the host as it stands now. */
export interface Reading {
  readonly instrument: Instrument;
  /** By place in the instrument's attributes; '' where there is none. */
  readonly attributes: readonly string[];
  readonly value: number | Histogram;
  /** Unix milliseconds since which a counter counts; undefined: since the host has started. */
  readonly startMs?: number;
}

/** Devices, processes and the like that a probe left out because there are more than it has series for. */
export class Omitted {
  readonly count: number;

  constructor(count: number) {
    this.count = count;
  }
}

/** A figure; in place of figures what this host has not got for them; or what is beyond a limit. */
export type Told = Reading | SourceMissing | Omitted;

/** One kind of figures: one file, one line in index.ts, one fixture. */
export interface Probe {
  readonly name: ProbeName;
  /** What it gives, for `doctor` and the documentation. */
  readonly purpose: string;
  readonly instruments: readonly Instrument[];
  /**
   * Reads the counters of the kernel. It is left alone between two figures now and then, so that the agent goes on with its work: state that has to be of one
   * instant is read before the first of them. What this host lacks for a part of the figures is told with the others; SourceMissing is thrown where
   * there is nothing else to tell.
   */
  read(source: HostSource): Iterable<Told>;
}

/** The kernel's side, where it has all of these programs. Throws SourceMissing. */
export function needKernel({ kernel }: HostSource, ...programs: readonly string[]): KernelTables {
  if (kernel === undefined) throw new SourceMissing('eBPF', 'no programs run');
  for (const program of programs) kernel.need(program);
  return kernel;
}
