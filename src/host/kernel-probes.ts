import type { ProbeName } from '../base/settings.ts';
import type { Outcome } from '../capture/attach-table.ts';
import { outcomeOf } from '../capture/load.ts';
import { HOST_OBJECT, type NativeAddon, type Tracer, type TracerError } from '../capture/native.ts';
import { SourceMissing } from './host-files.ts';
import { KERNEL_PROGRAMS, type KernelProgram, SCAN_LISTENERS } from './kernel-programs.ts';
import { type KernelTables, OVERFLOWS } from './kernel-tables.ts';
import { OomVictims, type Victim } from './oom-victims.ts';
import type { ObservedProcess } from './probe/probe.ts';
import { type Service, ServiceSlots } from './service-slots.ts';

export interface KernelProbesOptions {
  /** Probes that are not read: their programs are not loaded. */
  off: readonly ProbeName[];
  /** TCP connections that are told apart. */
  connections: number;
  /** Told of each process that was killed for want of memory. */
  onKill: (victim: Victim, service: Service) => void;
}

/**
 * The host's eBPF programs and their tables. Nothing here fails: a program that this kernel refuses is off by name, and the others run. The tables take
 * about 5 MB, 0.12 MB for each CPU, and 100 bytes for each TCP connection.
 */
export class KernelProbes implements KernelTables {
  readonly startMs = Date.now();
  readonly outcomes: ReadonlyArray<KernelProgram & Outcome>;
  readonly #tracer: Tracer | undefined;
  readonly #slots: ServiceSlots | undefined;
  readonly #victims: OomVictims;
  #closed = false;

  /** Loads and attaches. */
  constructor(addon: NativeAddon, options: KernelProbesOptions) {
    const wanted = KERNEL_PROGRAMS.filter(({ probe }) => !options.off.includes(probe));
    const refused = new Map<string, TracerError>();
    this.#tracer = load(addon, wanted, options, refused);
    this.outcomes = wanted.map((row) => ({
      ...row,
      ...outcomeOf(() => this.#run(row.program, refused.get(row.program))),
    }));
    this.#slots = this.#tracer && new ServiceSlots(this.#tracer);
    this.#victims = new OomVictims((victim) => options.onKill(victim, this.services[victim.slot]!));
  }

  get services(): readonly Service[] {
    return this.#slots?.services ?? [];
  }

  /** To be called now and then: tells the kernel's side which processes belong to which service, and looks who was killed. */
  observe(processes: Iterable<ObservedProcess>): void {
    if (this.#closed) return;
    this.#slots?.update(processes);
    if (this.has('oom_mark') && this.#tracer!.getGlobal('oom_kills') > 0n) this.oomKills();
  }

  has(program: string): boolean {
    return this.outcomes.some((outcome) => outcome.program === program && outcome.attached);
  }

  need(program: string): void {
    this.#mustBeOpen();
    for (const missing of this.missing(program)) throw missing;
  }

  missing(...programs: readonly string[]): SourceMissing[] {
    return this.outcomes
      .filter(({ program, attached }) => programs.includes(program) && !attached)
      .map(({ program, hook, error }) => new SourceMissing(`${program} (${hook})`, error ?? 'not loaded'));
  }

  sums(map: string): BigUint64Array {
    return this.#open.sumPerCpuArray(map);
  }

  entries(map: string): Array<[Uint32Array, BigUint64Array]> {
    const { count, keySize, valueSize, keys, values } = this.#open.dump(map);
    return Array.from({ length: count }, (_, i) => [
      new Uint32Array(Uint8Array.from(keys.subarray(i * keySize, (i + 1) * keySize)).buffer),
      new BigUint64Array(Uint8Array.from(values.subarray(i * valueSize, (i + 1) * valueSize)).buffer),
    ]);
  }

  diskNames(): ReadonlyMap<number, string> {
    const named = this.#open
      .entries('disk_names')
      .map(([slot, name]): [number, string] => [
        slot.readUInt32LE(),
        name.toString('latin1').replace(/\0.*/s, ''),
      ]);
    return new Map([[0, ''], ...named]);
  }

  oomKills(): ReturnType<KernelTables['oomKills']> {
    this.#victims.update(this.#open.dump('victims').values);
    return this.#victims.tallies;
  }

  /** How often something found no room in a table of bounded size, by table. */
  overflows(): Array<[table: string, count: number]> {
    if (this.#tracer === undefined || this.#closed) return [];
    const of = (place: number): number => Number(this.#tracer!.getGlobal(`overflows[${place}]`));
    return OVERFLOWS.map((table, place) => [table, of(place)]);
  }

  /** Processes of observed services that are counted among everybody else, for want of room. */
  get unserved(): number {
    return this.#slots?.left ?? 0;
  }

  programStats(): ReturnType<Tracer['programStats']> {
    return this.#closed ? [] : (this.#tracer?.programStats() ?? []);
  }

  close(): void {
    this.#closed = true;
    this.#tracer?.close();
  }

  /** The tables. A probe that is left alone while it reads may ask for them when they are gone: throws SourceMissing. */
  get #open(): Tracer {
    this.#mustBeOpen();
    return this.#tracer!;
  }

  #mustBeOpen(): void {
    if (this.#closed) throw new SourceMissing('eBPF', 'the agent is stopping');
  }

  #run(program: string, refused: TracerError | undefined): void {
    if (refused !== undefined) throw refused;
    if (program === SCAN_LISTENERS) this.#tracer!.runIterator(SCAN_LISTENERS);
    else this.#tracer!.attach(program);
  }
}

/**
 * Loads what this kernel takes of the programs that are wanted; why it does not take the others is put into `refused`. Undefined where it takes none.
 */
function load(
  addon: NativeAddon,
  wanted: readonly KernelProgram[],
  { connections }: KernelProbesOptions,
  refused: Map<string, TracerError>,
): Tracer | undefined {
  const kernel = addon.features();
  for (const { program, hook } of wanted)
    if (hook.startsWith('tp_btf/') && !kernel.hasTracepoint(hook.replace('tp_btf/', '')))
      refused.set(program, missing(hook));
  for (;;) {
    const chosen = new Set(wanted.map(({ program }) => program).filter((program) => !refused.has(program)));
    if (chosen.size === 0) return undefined;
    let tracer: Tracer | undefined;
    try {
      tracer = new addon.Tracer({ object: HOST_OBJECT });
      for (const program of tracer.programs) if (!chosen.has(program)) tracer.disableProgram(program);
      tracer.setMaxEntries('sockets', connections);
      tracer.load();
      const { keySize, valueSize } = tracer.mapInfo('peers');
      tracer.update('peers', Buffer.alloc(keySize), Buffer.alloc(valueSize)); // everybody else
      return tracer;
    } catch (error) {
      tracer?.close();
      // libbpf stops at the first program that the kernel refuses, and names it; the others may do without it.
      const { log } = error as TracerError;
      const culprit = /prog '(\w+)': (?:BPF program load failed|failed to)/.exec(log ?? '')?.[1];
      const lost = culprit !== undefined && chosen.has(culprit) ? [culprit] : chosen;
      for (const program of lost) refused.set(program, error as TracerError);
    }
  }
}

function missing(hook: string): TracerError {
  const error = new Error(`this kernel has no ${hook}`);
  return Object.assign(error, { code: 'ENOENT', errno: 2, syscall: 'load' });
}
