import { messageOf } from '../base/errors.ts';
import type { Log } from '../base/log-shape.ts';
import type { Tracer } from './native.ts';
import { Counter } from './records.gen.ts';

const PERIOD_MS = 10_000;
const SAMPLE_MS = 100;
/** While the agent is near its limits. */
const HURRIED_PERIOD_MS = 1000;
const HURRIED_SAMPLE_MS = 50;
const COUNTERS = 'counters';
/** Each runs once a system call. */
const SYSCALL_PROGRAMS: ReadonlySet<string> = new Set(['syscall_enter', 'syscall_exit']);

/** What the eBPF programs cost, by the last sample. */
export interface ProgramCost {
  /** Of one CPU. */
  readonly share: number;
  /** Seconds that they add to a system call of any kind, and that they run for each record; undefined where there was none. */
  readonly perSyscall: number | undefined;
  readonly perRecord: number | undefined;
}

/** The switch, all programs whose cost counts, and the counters of records. */
export type ProgramSource = Pick<Tracer, 'holdStats' | 'programStats' | 'sumPerCpuArray'>;

interface Snapshot {
  readonly atMs: number;
  readonly runNs: number;
  readonly perSyscallRuns: ReadonlyMap<string, { runTimeNs: number; runCount: number }>;
  readonly records: number;
}

/**
 * Switches the kernel's BPF statistics on for a part of the time: they add two clock reads to every run of every program of the machine, which
 * is as much as an empty program costs.
 *
 * Only CAP_SYS_ADMIN may switch them on (BPF_ENABLE_STATS). Where that is refused it is said once, and nothing is measured.
 */
export class ProgramMeasure {
  /** Undefined before the first sample. */
  cost: ProgramCost | undefined;
  readonly #source: ProgramSource;
  readonly #log: Pick<Log, 'warn'>;
  readonly #sampleMs: number;
  #periodMs: number;
  #hurried = false;
  #refused = false;
  #next: NodeJS.Timeout | undefined;
  #end: NodeJS.Timeout | undefined;
  #before: Snapshot | undefined;
  #measuredMs = 0;

  constructor(source: ProgramSource, log: Pick<Log, 'warn'>, periodMs = PERIOD_MS, sampleMs = SAMPLE_MS) {
    this.#source = source;
    this.#log = log;
    this.#periodMs = periodMs;
    this.#sampleMs = sampleMs;
  }

  start(): void {
    this.#wait();
  }

  /** How long programs were measured so far. */
  get seconds(): number {
    const running = this.#before === undefined ? 0 : performance.now() - this.#before.atMs;
    return (this.#measuredMs + running) / 1000;
  }

  /** Shorter samples, and more often. */
  set hurried(hurried: boolean) {
    if (hurried === this.#hurried) return;
    this.#hurried = hurried;
    if (hurried) this.measure();
  }

  /** Begins a sample now, and the wait for the next one anew. */
  measure(): void {
    if (this.#before !== undefined) return;
    clearTimeout(this.#next);
    if (!this.#hold()) return;
    this.#before = this.#look();
    this.#end = setTimeout(() => this.#finish(), this.#hurried ? HURRIED_SAMPLE_MS : this.#sampleMs);
    this.#end.unref();
  }

  /** Before the Tracer is closed. */
  stop(): void {
    if (this.#before !== undefined) this.#finish();
    clearTimeout(this.#next);
  }

  #wait(): void {
    this.#next = setTimeout(() => this.measure(), this.#hurried ? HURRIED_PERIOD_MS : this.#periodMs);
    this.#next.unref();
  }

  /** False where it is refused, which it will be again. */
  #hold(): boolean {
    if (this.#refused) return false;
    try {
      this.#source.holdStats(true);
    } catch (error) {
      this.#refused = true;
      this.#log.warn(
        { error: messageOf(error) },
        'what the programs in the kernel cost is not measured: that takes CAP_SYS_ADMIN',
      );
    }
    return !this.#refused;
  }

  #finish(): void {
    clearTimeout(this.#end);
    const before = this.#before!;
    const after = this.#look();
    this.#before = undefined;
    this.#source.holdStats(false);
    this.#measuredMs += after.atMs - before.atMs;
    this.cost = costBetween(before, after);
    this.#wait();
  }

  #look(): Snapshot {
    const stats = this.#source.programStats();
    return {
      atMs: performance.now(),
      runNs: stats.reduce((sum, { runTimeNs }) => sum + runTimeNs, 0),
      perSyscallRuns: new Map(
        stats.filter(({ name }) => SYSCALL_PROGRAMS.has(name)).map((program) => [program.name, program]),
      ),
      records: Number(this.#source.sumPerCpuArray(COUNTERS)[Counter.produced]),
    };
  }
}

function costBetween(before: Snapshot, after: Snapshot): ProgramCost {
  const ranNs = after.runNs - before.runNs;
  const records = after.records - before.records;
  let perSyscall = 0;
  for (const [name, { runTimeNs, runCount }] of after.perSyscallRuns) {
    const was = before.perSyscallRuns.get(name)!;
    if (runCount > was.runCount) perSyscall += (runTimeNs - was.runTimeNs) / (runCount - was.runCount) / 1e9;
  }
  return {
    share: ranNs / ((after.atMs - before.atMs) * 1e6),
    perSyscall: perSyscall === 0 ? undefined : perSyscall,
    perRecord: records === 0 ? undefined : ranNs / records / 1e9,
  };
}
