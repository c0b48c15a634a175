import type { Histogram } from '../../base/histogram.ts';
import type { Instrument } from '../../base/metric.ts';
import type { ProbeName } from '../../base/settings.ts';
import type { HostFiles } from '../host-files.ts';

/** A process of an observed service. */
export interface ObservedProcess {
  readonly pid: number;
  /** service.name and service.namespace, '' where there is none. */
  readonly service: string;
  readonly namespace: string;
}

/** What probes read. */
export interface HostSource {
  readonly files: HostFiles;
  /** Processes of which requests were seen, and that have not ended. */
  readonly processes: () => Iterable<ObservedProcess>;
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

/** One kind of figures: one file, one line in index.ts, one fixture. */
export interface Probe {
  readonly name: ProbeName;
  /** What it gives, for `doctor` and the documentation. */
  readonly purpose: string;
  readonly instruments: readonly Instrument[];
  /**
   * Reads the counters of the kernel. It is left alone between two figures now and then, so that the agent goes on with its work: state that has to be of one
   * instant is read before the first of them. Throws SourceMissing where this host has not got what it reads.
   */
  read(source: HostSource): Iterable<Reading>;
}
