import { readlinkSync } from 'node:fs';

import type { Log } from '../base/log-shape.ts';
import { UserError, messageOf } from '../base/errors.ts';
import { Histogram } from '../base/histogram.ts';
import { SCAN_SOCKETS, SET_VERDICT, WHO_AM_I } from './attach-table.ts';
import { BooksReader } from './books-reader.ts';
import { CpuBudget, cpuClocks } from './cpu-budget.ts';
import type { HostFacts, ProcessFacts } from './facts.ts';
import { readHostFacts } from './host-facts.ts';
import { ElidedRuns, type ElidedSocket } from './elided-runs.ts';
import { type AttachOutcome, type LoadOptions, attachAll, openTracer } from './load.ts';
import { KernelShedding } from './kernel-shedding.ts';
import { u32 } from './map-values.ts';
import type { NativeAddon, Tracer } from './native.ts';
import { ProcReader, lateFacts, parseExec } from './process-facts.ts';
import { Pools } from './pools.ts';
import { writeJson, writeRecord } from './record-writer.ts';
import { RecordView } from './record-view.ts';
import { Counter, ExecRecord, Kind, Verdict } from './records.gen.ts';
import { type ServiceSocket, UnrecognisedPorts } from './unrecognised-ports.ts';

export interface CaptureOptions extends LoadOptions {
  version: string;
  drainIntervalMs: number;
  /** Look for processes and sockets that are older than the agent. */
  scan?: boolean;
  procRoot?: string;
  /** There is a directory: its answers come through `answered`. */
  directory?: boolean;
  /** Of one core: what this process may take. */
  cpuLimit: number;
  /** Called with every turn of the drain: every `drainIntervalMs` under load, once a second where nothing goes on. */
  onTurn?: () => void;
  /** Whether something waits for the time to pass, which the pipeline is then told in shorter steps. */
  isClockAwaited?: () => boolean;
}

/** Cumulative figures of the drain itself. */
export interface DrainFigures {
  /** Taken out of the ring. */
  records: number;
  /** The most bytes that were found in the ring. */
  highWater: number;
  /** How often it had to rest because of the limit of CPU time while much waited in the ring. */
  held: number;
}

/** For `drainBatch`: from one small record to what is passed on at once. */
const BATCH_BOUNDS = [0, 1024, 4096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304];

/** Between two looks where the last found nothing in the ring, or that the agent has to rest. */
const REST_MS = 50;
/** The same after a quiet while: the kernel then wakes the drain with the first record, so this is no more than the step of the pipeline's clock. */
const WATCH_MS = 200;
/** The same where nobody waits for that clock either. */
const SLEEP_MS = 1000;
const QUIET_NS = 300_000_000;
const ELF_CLASS_32 = 1;
const COUNTERS_INTERVAL_NS = 1_000_000_000;
/** By how much a turn comes late. A histogram instead of a maximum, since it survives several scrapers. */
const LAG_BOUNDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];
/** How often the pipeline is told the time while nothing happens; it waits for nothing shorter. */
const IDLE_CLOCK_INTERVAL_NS = 100_000_000;
/** What leaves the ring at once, and takes memory twice until it has been passed on. */
const DRAIN_MAX_BYTES = 1 << 20;
/**
 * What the sink gets of it before the event loop has its turn: some ten milliseconds, so that exporters and the listener are not kept waiting by
 * a full ring, and no more objects are alive than these records are good for.
 */
const SLICE_BYTES = 512 << 10;

/**
 * The live source of records: loads and attaches the eBPF programs, drains their ring on a timer and when the kernel asks for it, and adds the
 * records of the agent's own making: host, processes, clock, counters. All of it goes to `sink`, in the order in which the pipeline is
 * to see it; a buffer is valid during the call only.
 */
export class KernelCapture {
  outcomes: readonly AttachOutcome[] = [];
  readonly figures: DrainFigures = { records: 0, highWater: 0, held: 0 };
  /** Bytes a drain. */
  readonly drainBatch = new Histogram(BATCH_BOUNDS);
  /** Seconds by which the timer of a turn comes late: as late as every other timer of the process. */
  readonly lag = new Histogram(LAG_BOUNDS);
  readonly host: HostFacts;
  /** The agent's process id in the initial namespace; differs from process.pid inside a PID namespace. */
  readonly ownTgid: number;
  readonly tracer: Tracer;
  readonly budget: CpuBudget;
  readonly shedding: KernelShedding;
  readonly #addon: NativeAddon;
  readonly #options: CaptureOptions;
  readonly #log: Log;
  readonly #sink: (batch: Uint8Array) => void;
  readonly #exec = new ExecRecord();
  readonly #proc: ProcReader;
  /** Of the last drain: its bytes, and what the sink has not got yet. */
  #drained = 0;
  #rest: Uint8Array = new Uint8Array();
  /** When the last drain began that left nothing in the ring. */
  #emptiedNs = 0;
  /** The sink has got all that happened until then. The agent may be seconds behind: whoever waits for more must not be told that it is late. */
  #passedOnNs = 0;
  #pending: Uint8Array[] = [];
  readonly #elided: ElidedRuns;
  readonly #books: BooksReader;
  readonly #unrecognised: UnrecognisedPorts;
  readonly #pools: Pools;
  readonly #excluded = new Set<number>();
  #timer: NodeJS.Timeout | undefined;
  #again: NodeJS.Immediate | undefined;
  #countersDueNs = 0;
  #clockDueNs = 0;
  /** Of the last record, or of the last answer about an elided run. */
  #busyNs = 0;
  /** Ring position behind which the pipeline is told that the kernel's side has stopped; undefined where it has not, or has been told. */
  #pausesAt: number | undefined;
  #closed = false;

  /** Loads everything into the kernel; attaches nothing yet. Throws a UserError with the remedy. */
  constructor(addon: NativeAddon, options: CaptureOptions, log: Log, sink: (batch: Uint8Array) => void) {
    this.#addon = addon;
    this.#options = options;
    this.#log = log;
    this.#sink = sink;
    this.#proc = new ProcReader({ procRoot: options.procRoot });
    this.tracer = openTracer(addon, options);
    this.ownTgid = this.tracer.runOnce(WHO_AM_I);
    this.tracer.setGlobal('own_tgid', this.ownTgid);
    this.tracer.setGlobal('own_netns', ownNetns());
    this.#elided = new ElidedRuns(this.tracer);
    this.#books = new BooksReader(this.tracer);
    this.#unrecognised = new UnrecognisedPorts(this.tracer);
    this.#pools = new Pools(this.tracer);
    this.budget = new CpuBudget(cpuClocks(options.procRoot), options.cpuLimit);
    this.shedding = new KernelShedding(this.tracer);
    const { monotonic, boottime } = addon.clocks();
    this.host = readHostFacts({
      version: options.version,
      pid: this.ownTgid,
      backend: 'syscalls',
      boottimeOffsetNs: Number(boottime - monotonic),
    });
  }

  /**
   * Attaches, in the order of the table: processes first, so that no data record comes from a process nobody told of. Then describes what was
   * there before. Throws when a required program is refused.
   */
  start(): void {
    this.#sink(writeJson('host', { time_ns: this.#nowNs() }, this.host));
    this.#passedOnNs = this.#nowNs();
    this.#sink(this.#clockRecord());
    if (this.#options.directory === true) this.#sink(writeJson('directory', { time_ns: this.#nowNs() }, []));
    this.outcomes = attachAll(this.tracer);
    const refused = this.outcomes.find((outcome) => outcome.required && !outcome.attached);
    if (refused !== undefined) {
      this.tracer.close();
      throw new UserError(
        'attach_refused',
        `the kernel refuses to attach ${refused.program} (${refused.hook}): ${refused.error}; ${refused.remedy}`,
      );
    }
    if (this.#options.scan !== false) this.#scan();
    this.#busyNs = this.#nowNs();
    this.tracer.onWakeup(() => this.#turn());
    this.#turn();
  }

  /** Hands what waits to the sink, a slice at most, then the clock; goes on by itself where there is more. */
  drain(): void {
    if (this.#closed) return;
    if (this.#rest.length === 0) {
      const beganNs = this.#nowNs();
      const { used } = this.tracer.ring();
      if (used > this.figures.highWater) this.figures.highWater = used;
      this.#rest = this.tracer.drain(DRAIN_MAX_BYTES);
      this.#drained = this.#rest.length;
      this.drainBatch.observe(this.#drained);
      if (this.tracer.ring().used === 0) this.#emptiedNs = beganNs;
    }
    if (this.#rest.length > 0) this.#passOn();
    if (this.#rest.length === 0) this.#passedOnNs = Math.max(this.#passedOnNs, this.#emptiedNs);
    this.#flushPending();
    const answers = this.#rest.length === 0 ? this.#elided.take() : [];
    for (const record of answers) this.#sink(record);
    if (this.#rest.length === 0) this.#tellPause();
    const now = this.#nowNs();
    if (this.#drained + answers.length > 0) this.#busyNs = now;
    if (this.#drained > 0 || now >= this.#clockDueNs) {
      this.#sink(this.#clockRecord());
      this.#clockDueNs = now + IDLE_CLOCK_INTERVAL_NS;
    }
    if (now >= this.#countersDueNs) this.#sinkCounters();
    if (this.#drained >= SLICE_BYTES) this.#again ??= setImmediate(() => this.#drainAgain());
    else this.#takeDataAgain();
  }

  /** Data is not looked at any more, until resume(). The pipeline is told of it after all that was seen before. */
  pause(): void {
    if (this.#closed || this.shedding.paused) return;
    this.shedding.pause();
    const { consumed, used } = this.tracer.ring();
    this.#pausesAt = consumed + used;
  }

  /** False while the pipeline has not been told of the pause: it must not take what comes for what was going on before. */
  resume(): boolean {
    if (this.#closed || this.#pausesAt !== undefined) return false;
    if (this.shedding.paused) this.shedding.resume();
    return true;
  }

  /** What the decoder wants of a connection; false when the kernel no longer knows it. */
  setVerdict(socket: ServiceSocket, verdict: number, budget: number): boolean {
    if (this.#closed) return false;
    const detail = verdict === Verdict.drop ? this.#unrecognised.slotOf(socket) : budget;
    return this.tracer.runOnce(SET_VERDICT, [socket.sock, socket.inode, verdict, detail]) === 1;
  }

  /** Excluded processes cost the kernel one look-up a call, and nobody else one while there are none. */
  setProcess(tgid: number, excluded: boolean): void {
    if (excluded === this.#excluded.has(tgid)) return;
    if (excluded) {
      this.tracer.update('processes', u32(tgid), u32(Verdict.filtered));
      this.#excluded.add(tgid);
    } else {
      this.forgetProcess(tgid);
    }
    this.tracer.setGlobal('process_filters', this.#excluded.size > 0 ? 1 : 0);
  }

  forgetProcess(tgid: number): void {
    if (this.#excluded.delete(tgid)) this.tracer.delete('processes', u32(tgid));
  }

  /** Whether it is told whom the threads of a process wake. */
  setPool(tgid: number, isPool: boolean): void {
    if (this.#closed) return;
    const record = this.#pools.set(tgid, isPool, () => this.#nowNs());
    if (record !== undefined) this.#pending.push(record);
  }

  /** Ports of the agent's own listeners, at most four: connections to them are not traced. */
  setOwnPorts(ports: readonly number[]): void {
    for (let i = 0; i < 4; i++) this.tracer.setGlobal(`own_ports[${i}]`, ports[i] ?? 0);
  }

  /** Asks how far elided runs of idle connections have come; the answers come as `elision` records. */
  pollElided(sockets: Iterable<ElidedSocket>): void {
    this.#elided.ask(sockets, this.#nowNs());
  }

  /** Facts about a process that no record of the kernel has told, from /proc; they come with the next drain, if it is still there. */
  describe(tgid: number): void {
    const found = this.#closed ? undefined : this.#proc.readProcess(tgid);
    if (found) this.#describe(found.tgid, found.startNs, found.facts);
  }

  /** A filter change, so that a recording has it. */
  announceFilters(filters: unknown): void {
    this.#pending.push(writeJson('filter', { time_ns: this.#nowNs() }, filters));
  }

  /** What the directory answered. Spans wait for it, and not for long, so it goes in at once, even where the agent has to rest. */
  answered(entries: unknown): void {
    if (!this.#closed) this.#sink(writeJson('directory', { time_ns: this.#nowNs() }, entries));
  }

  /** Stops the kernel side, hands over what is left in the ring and the last counters. */
  stop(): void {
    if (this.#closed) return;
    clearTimeout(this.#timer);
    clearImmediate(this.#again);
    for (const { program, attached } of this.outcomes) {
      if (attached && !this.shedding.isDetached(program)) this.tracer.detach(program);
    }
    for (;;) {
      const before = this.figures.records;
      this.drain();
      if (this.figures.records === before) break;
    }
    this.#sinkCounters();
    this.#closed = true;
    this.tracer.close();
  }

  /** Drains, and sees to it that this is done again in time. What else has to be done every so often goes with it: to wake costs more than to do it. */
  #turn(): void {
    if (this.#closed) return;
    clearTimeout(this.#timer);
    const allowed = this.#drainInTurn();
    this.#options.onTurn?.();
    const waitMs = Math.max(this.#options.drainIntervalMs, this.#restMs(allowed));
    const due = performance.now() + waitMs;
    this.#timer = setTimeout(() => {
      this.lag.observe(Math.max(0, performance.now() - due) / 1000);
      this.#turn();
    }, waitMs);
  }

  #restMs(allowed: boolean): number {
    if (allowed && this.#drained > 0) return 0;
    if (!allowed || !this.#isQuiet()) return REST_MS;
    return this.#pending.length > 0 || (this.#options.isClockAwaited?.() ?? false) ? WATCH_MS : SLEEP_MS;
  }

  /** Whether the drain may rest longer, until the kernel wakes it. */
  #isQuiet(): boolean {
    if (this.#nowNs() - this.#busyNs < QUIET_NS) return false;
    this.tracer.setGlobal('asleep', 1);
    return this.tracer.ring().used === 0; // nothing came before the kernel was told
  }

  /** Drains, unless that is being done, or the agent has to rest: false. */
  #drainInTurn(): boolean {
    if (this.#again !== undefined) return true;
    const allowed = this.budget.allows();
    if (allowed) this.drain();
    else if (this.budget.isAtLimit && this.#isBehind()) this.figures.held++;
    return allowed;
  }

  #isBehind(): boolean {
    const { size, used } = this.tracer.ring();
    return used > size / 4;
  }

  #drainAgain(): void {
    this.#again = undefined;
    if (!this.#closed) this.#drainInTurn();
  }

  #tellPause(): void {
    if (this.#pausesAt === undefined || this.tracer.ring().consumed < this.#pausesAt) return;
    this.#pausesAt = undefined;
    this.#sink(writeRecord('pause', { time_ns: this.#passedOnNs }));
  }

  /** The ring is empty, or nearly. Where it was full the kernel has only counted data calls since. */
  #takeDataAgain(): void {
    if (this.tracer.getGlobal('shedding') === 0n) return;
    this.tracer.setGlobal('shedding', 0);
    this.#log.warn(
      {},
      'the ring buffer was full, and data calls were lost (ring_full) until it had been drained',
    );
  }

  /** The next slice, split at exec records, which leave as `process` records; everything else passes as it is. */
  #passOn(): void {
    const buffer = this.#rest;
    this.#exec.over(buffer);
    let from = 0;
    let at = 0;
    let last = 0;
    while (at < buffer.length && at < SLICE_BYTES) {
      last = at;
      const size = this.#exec.u32[at >>> 2]!;
      const next = at + ((size + 7) & ~7);
      this.figures.records++;
      if (buffer[at + 4] === Kind.exec) {
        if (at > from) this.#sink(buffer.subarray(from, at));
        const record = this.#exec.at(at);
        const facts = parseExec(record, (uid) => this.#proc.userName(uid));
        this.#describe(record.tgid, record.startNs, facts, record.timeNs);
        this.#flushPending();
        from = next;
      }
      at = next;
    }
    this.#rest = buffer.subarray(at);
    if (from < at) this.#sink(buffer.subarray(from, at));
    this.#passedOnNs = Math.max(this.#passedOnNs, this.#exec.at(last).timeNs);
  }

  #describe(tgid: number, startNs: number, facts: ProcessFacts, timeNs = this.#nowNs()): void {
    this.#pending.push(writeJson('process', { time_ns: timeNs, tgid, tid: tgid, start_ns: startNs }, facts));
    lateFacts(tgid, facts, { procRoot: this.#options.procRoot })
      .then((late) => {
        if (late === undefined || this.#closed) return;
        const head = { time_ns: this.#nowNs(), tgid, tid: tgid, start_ns: startNs };
        this.#pending.push(writeJson('process', head, late));
      })
      .catch((error: unknown) =>
        this.#log.debug({ tgid, error: messageOf(error) }, 'files of a process not readable'),
      );
  }

  #flushPending(): void {
    if (this.#pending.length === 0) return;
    const records = this.#pending;
    this.#pending = [];
    for (const record of records) this.#sink(record);
  }

  #scan(): void {
    for (const { tgid, startNs, facts } of this.#proc.scanProcesses()) {
      if (tgid === this.ownTgid) continue;
      this.#describe(tgid, startNs, facts);
      // The kernel side notices only those that start from now on.
      if (this.#proc.elfClass(tgid) === ELF_CLASS_32) this.tracer.setGlobal('compat_tasks', 1);
    }
    this.#flushPending();
    try {
      const records = this.tracer.runIterator(SCAN_SOCKETS);
      const aligned = new Uint8Array(records.length);
      aligned.set(records);
      if (aligned.length > 0) this.#sink(aligned);
    } catch (error) {
      this.#log.warn(
        { error: messageOf(error) },
        'open sockets could not be listed; they are named as they are used',
      );
    }
  }

  #sinkCounters(): void {
    this.#countersDueNs = this.#nowNs() + COUNTERS_INTERVAL_NS;
    const { counters, inRing } = this.#books.read(countRecords(this.#rest));
    const ports = this.#unrecognised.read(counters);
    const fields = {
      time_ns: this.#nowNs(),
      delivered: this.figures.records,
      in_ring: inRing,
      counters: counters.length,
      ports: ports.length / 3,
    };
    this.#sink(
      writeRecord('counters', fields, new Uint8Array(BigUint64Array.of(...counters, ...ports).buffer)),
    );
  }

  /** The clocks as they stood when what was handed over last happened. */
  #clockRecord(): Uint8Array {
    const { monotonic, realtime, boottime } = this.#addon.clocks();
    const ago = monotonic - BigInt(this.#passedOnNs);
    const then = realtime - ago;
    const seconds = then / 1_000_000_000n;
    return writeRecord('clock', {
      time_ns: this.#passedOnNs,
      boottime_ns: Number(boottime - ago),
      realtime_s: Number(seconds),
      realtime_ns: Number(then - seconds * 1_000_000_000n),
    });
  }

  #nowNs(): number {
    const [seconds, nanoseconds] = process.hrtime(); // CLOCK_MONOTONIC, as bpf_ktime_get_ns
    return seconds * 1e9 + nanoseconds;
  }
}

function countRecords(batch: Uint8Array): number {
  const record = new RecordView(batch);
  let count = 0;
  for (let at = 0; at < batch.length; count++) at += (record.u32[at >>> 2]! + 7) & ~7;
  return count;
}

function ownNetns(): number {
  return Number(/\[(\d+)\]/.exec(readlinkSync('/proc/self/ns/net'))?.[1] ?? 0);
}

/** Names of the kernel counters in the order of a `counters` record's payload. */
export const COUNTER_NAMES: readonly string[] = Object.keys(Counter);
