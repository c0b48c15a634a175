import type { SourceMissing } from './host-files.ts';
import type { Victim } from './oom-victims.ts';
import type { Service } from './service-slots.ts';

/** Tables of the kernel's side in which something may find no room, in the order of `enum overflow` (bpf/host.bpf.h). */
export const OVERFLOWS = ['threads', 'disks', 'sockets', 'peers', 'failures'] as const;

/** What the kernel's side of the probes has counted, as probes read it. */
export interface KernelTables {
  /** Unix milliseconds since which it counts. */
  readonly startMs: number;
  /** By slot. */
  readonly services: readonly Service[];
  /** Whether a program runs. */
  has(program: string): boolean;
  /** Throws SourceMissing where a program does not run. */
  need(program: string): void;
  /** Why programs do not run that a part of the figures comes from. */
  missing(...programs: readonly string[]): SourceMissing[];
  /** The 64-bit words of the values of a per-CPU array, summed over CPUs: those of entry 0, then of entry 1, ... */
  sums(map: string): BigUint64Array;
  /** Entries of a hash: keys of 32-bit words, values of 64-bit words. */
  entries(map: string): Array<[key: Uint32Array, value: BigUint64Array]>;
  /** Names of disks by slot; those that found none share 0. */
  diskNames(): ReadonlyMap<number, string>;
  /** Processes killed for want of memory, by program and slot. */
  oomKills(): Iterable<Pick<Victim, 'comm' | 'slot'> & { kills: number }>;
}
