import type { ServiceOverride } from '../base/settings.ts';
import type { HostFacts, ProcessFacts } from '../capture/facts.ts';
import { parseContainer } from './container.ts';
import { Entry, Identity, type ProcessView, type Traces, isWorker, mergeLate } from './process-entry.ts';
import type { ServiceResource } from './resource.ts';
import { overrideResolver } from './service-name/override.ts';
import type { ServiceNameResolver } from './service-name/service-name.ts';
import { makeResource } from './service-resource.ts';

export type { ProcessView } from './process-entry.ts';

const MAX_ANCESTORS = 64;
/** Parents that are waited for, and children of each that wait. */
const MAX_ORPHANED = 256;

export interface ProcessTableOptions {
  /** How long spans wait for facts about their process. */
  waitNs?: number;
  /** How long a process is remembered after its end: spans come later than its exit. */
  keepNs?: number;
  maxProcesses?: number;
  overrides?: readonly ServiceOverride[];
  /** Told once of a process that has done something and was never told of: its record was lost, or its program could not be watched. */
  onStranger?: (tgid: number) => void;
}

/**
 * Who every process is, by records alone. A process is its number and its start, so that a number used again is another process. A child that
 * has not called exec is the same service instance as its parent.
 *
 * `identify` gives one object per service instance, the same as long as nothing about it changes.
 */
export class ProcessTable {
  /** Processes forgotten before their time because the table was full. */
  evicted = 0;
  /** Identities given without the facts that were waited for. */
  guessed = 0;
  readonly #waitNs: number;
  readonly #keepNs: number;
  readonly #maxProcesses: number;
  readonly #onStranger: ((tgid: number) => void) | undefined;
  #override: ServiceNameResolver | undefined;
  #host: HostFacts | undefined;
  #nowNs = 0;
  /** Unix milliseconds of the boot. */
  #bootMs: number | undefined;
  /** The newest process of each number. */
  readonly #processes = new Map<number, Entry>();
  #size = 0;
  /** Counts facts that came in, since each may change the ancestors of others. */
  #generation = 0;
  /** In the order of their ends. */
  readonly #exited = new Set<Entry>();
  /** Processes whose parent was not known when they were first seen, by its number. */
  readonly #orphans = new Map<number, Entry[]>();

  constructor(options: ProcessTableOptions = {}) {
    this.#waitNs = options.waitNs ?? 2_000_000_000;
    this.#keepNs = options.keepNs ?? 60_000_000_000;
    this.#maxProcesses = options.maxProcesses ?? 32_768;
    this.#onStranger = options.onStranger;
    this.overrides = options.overrides ?? [];
  }

  get size(): number {
    return this.#size;
  }

  /** Names from the configuration; replacing them renames what is known. */
  set overrides(rules: readonly ServiceOverride[]) {
    this.#override = rules.length > 0 ? overrideResolver(rules) : undefined;
    for (const entry of this.#all()) entry.identity.resource = undefined;
  }

  /** The host record, before all others. */
  onHost(host: HostFacts): void {
    this.#host = host;
    for (const entry of this.#all()) entry.identity.resource = undefined;
  }

  /** A clock record: monotonic, Unix and boot time of one instant. */
  clock(nowNs: number, realtimeS: number, realtimeNs: number, boottimeNs: number): void {
    this.#nowNs = nowNs;
    this.#bootMs ??= realtimeS * 1000 + (realtimeNs - boottimeNs) / 1e6;
    for (const entry of this.#exited) {
      if (entry.exitedNs + this.#keepNs > nowNs) return;
      this.#remove(entry);
    }
  }

  /** A process record. */
  onProcess(tgid: number, startNs: number, facts: ProcessFacts): void {
    this.#generation++;
    const found = this.#find(tgid, startNs);
    if (found === undefined) {
      this.#arrive(this.#add(tgid, startNs), facts);
    } else if (facts.source === 'exec') {
      found.traces = undefined; // of the program before
      this.#leave(found);
      this.#arrive(found, facts);
    } else if (facts.source === 'late') {
      mergeLate(found.identity, facts);
    } else if (!found.identity.known) {
      this.#leave(found);
      this.#arrive(found, facts);
    } else {
      // Arguments as they were at exec say more than a title written over them.
      const { identity } = found;
      if (identity.leader === found) identity.facts = { ...facts, ...identity.facts };
      found.parent ??= facts.parent;
    }
  }

  /** A fork record; `startNs` is the child's. */
  onFork(tgid: number, startNs: number, parent: number, parentStartNs: number): void {
    if (this.#find(tgid, startNs) !== undefined) return; // a scan or an exec came first
    const entry = this.#add(tgid, startNs);
    entry.parent = parent;
    entry.parentStartNs = parentStartNs;
    const from = this.#find(parent, parentStartNs);
    if (from === undefined) {
      entry.identity = new Identity(entry, { source: 'scan', parent }, false, this.#nowNs);
      this.#awaitParent(parent, entry);
    } else {
      entry.identity = from.identity;
      from.identity.members.add(entry);
    }
  }

  /** An exit record. */
  onExit(tgid: number, startNs: number, timeNs: number): void {
    const entry = this.#find(tgid, startNs);
    if (entry === undefined || entry.exitedNs !== 0) return;
    entry.exitedNs = timeNs;
    this.#exited.add(entry);
    const { identity } = entry;
    if (identity.members.size > 1) this.#leave(entry);
  }

  /**
   * The service that a process is, or `pending` while facts about it may still come: at most `waitNs` of record time, after which what is
   * known has to do.
   */
  identify(tgid: number, startNs: number): ServiceResource | 'pending' {
    return this.#settled((this.#find(tgid, startNs) ?? this.#meet(tgid, startNs)).identity);
  }

  /** The same of the latest process of a number; undefined for one never heard of. */
  identifyLatest(tgid: number): ServiceResource | 'pending' | undefined {
    const identity = this.#processes.get(tgid)?.identity;
    return identity && this.#settled(identity);
  }

  /** The service that a process is, by what is known now: not to be told to anybody who cannot be told another one later. */
  identifyNow(tgid: number, startNs: number): ServiceResource {
    const { identity } = this.#find(tgid, startNs) ?? this.#meet(tgid, startNs);
    return identity.resource ?? this.#resource(identity);
  }

  /** For filters; undefined for a process never heard of. `startNs` 0: the latest of that number. One object as long as nothing changes. */
  view(tgid: number, startNs: number): ProcessView | undefined {
    const entry = this.#find(tgid, startNs);
    if (entry === undefined) return undefined;
    if (entry.view !== undefined && entry.viewedAt === this.#generation) return entry.view;
    const { facts } = entry.identity;
    const ancestors = this.#ancestors(entry);
    entry.viewedAt = this.#generation;
    const same = entry.viewOf === facts && String(entry.view?.ancestors) === String(ancestors);
    if (same && entry.view !== undefined) return entry.view;
    entry.viewOf = facts;
    entry.view = {
      tgid,
      ancestors,
      command: facts.comm,
      executable: facts.exe,
      cgroup: facts.cgroup,
      containerId: parseContainer(facts.cgroup).id,
      netns: facts.netns,
      agent: facts.agent === true,
    };
    return entry.view;
  }

  /**
   * A process has handed over traces, or has been handed them. A proxy does both, and what is handed over there is of others. A child does not
   * inherit it: whether it takes its parent's exporter along is seen when it exports.
   */
  onTraces(tgid: number, startNs: number, how: Traces): void {
    const entry = this.#find(tgid, startNs) ?? this.#meet(tgid, startNs);
    if (entry.traces !== 'relays') entry.traces = how;
  }

  /** Whether a process exports traces of its own. */
  exportsTraces(tgid: number, startNs: number): boolean {
    return this.#find(tgid, startNs)?.traces === 'exports';
  }

  /** Whether the latest process of a number lives, as far as is known. */
  lives(tgid: number): boolean {
    return this.#processes.get(tgid)?.exitedNs === 0;
  }

  /** Numbers of all processes that live, as far as is known. */
  living(): number[] {
    return [...this.#processes.values()].filter((entry) => entry.exitedNs === 0).map((entry) => entry.tgid);
  }

  #settled(identity: Identity): ServiceResource | 'pending' {
    if (identity.isIncomplete && !this.#isOverdue(identity)) return 'pending';
    return identity.resource ?? this.#resource(identity);
  }

  /** Facts have been waited for long enough. */
  #isOverdue(identity: Identity): boolean {
    if (identity.sinceNs === 0) identity.sinceNs = this.#nowNs;
    if (this.#nowNs - identity.sinceNs < this.#waitNs) return false;
    if (!identity.guessed) this.guessed++;
    identity.guessed = true;
    return true;
  }

  #resource(identity: Identity): ServiceResource {
    const { tgid, startTick } = identity.leader;
    const made = makeResource({
      facts: identity.facts,
      tgid,
      startTick,
      createdAt: this.#createdAt(startTick),
      host: this.#host,
      override: this.#override,
    });
    identity.resource = made;
    return made;
  }

  #createdAt(startTick: number): string | undefined {
    if (this.#bootMs === undefined) return undefined;
    return new Date(Math.round((this.#bootMs + startTick * 10) / 10) * 10).toISOString();
  }

  /** Facts about a process image that is its own or, if a scan finds it so, its parent's. */
  #arrive(entry: Entry, facts: ProcessFacts): void {
    entry.parent = facts.parent ?? entry.parent;
    const parent = this.#parentOf(entry);
    if (facts.source === 'scan' && parent !== undefined && isWorker(facts, parent.identity.facts)) {
      entry.identity = parent.identity;
      parent.identity.members.add(entry);
    } else {
      entry.identity = new Identity(entry, facts, true, this.#nowNs);
      if (facts.source === 'scan' && parent === undefined && entry.parent)
        this.#awaitParent(entry.parent, entry);
    }
    this.#adoptOrphans(entry);
  }

  /** Scans go by number, and numbers wrap: a child may be seen before its parent. */
  #adoptOrphans(parent: Entry): void {
    const orphans = this.#orphans.get(parent.tgid);
    if (orphans === undefined) return;
    this.#orphans.delete(parent.tgid);
    for (const child of orphans) {
      const { identity } = child;
      const alone = identity.leader === child && identity.members.size === 1 && !child.removed;
      if (!alone || this.#parentOf(child) !== parent) continue;
      // What called exec since is a program of its own.
      const { known, facts } = identity;
      if (known && (facts.source === 'exec' || !isWorker(facts, parent.identity.facts))) continue;
      child.identity = parent.identity;
      parent.identity.members.add(child);
    }
  }

  #awaitParent(parent: number, child: Entry): void {
    const orphans = this.#orphans.get(parent);
    if (orphans === undefined) {
      if (this.#orphans.size < MAX_ORPHANED) this.#orphans.set(parent, [child]);
    } else if (orphans.length < MAX_ORPHANED) {
      orphans.push(child);
    }
  }

  /** The process that was a process's parent, not one that got its number later. */
  #parentOf({ parent, parentStartNs, startTick }: Entry): Entry | undefined {
    let found = parent === undefined ? undefined : this.#processes.get(parent);
    while (
      found &&
      (parentStartNs === undefined ? found.startTick > startTick : !found.startedAt(parentStartNs))
    ) {
      found = found.older;
    }
    return found;
  }

  /** An entry goes out of its identity; the others keep it, under the longest-lived of them. */
  #leave(entry: Entry): void {
    const { identity } = entry;
    identity.members.delete(entry);
    if (identity.leader !== entry) return;
    for (const member of identity.members) {
      if (member.exitedNs !== 0) continue;
      identity.leader = member;
      identity.resource = undefined;
      return;
    }
  }

  /** A process that did something before anything was known about it. */
  #meet(tgid: number, startNs: number): Entry {
    const entry = this.#add(tgid, startNs);
    entry.identity = new Identity(entry, { source: 'scan' }, false, this.#nowNs);
    this.#onStranger?.(tgid);
    return entry;
  }

  #add(tgid: number, startNs: number): Entry {
    if (this.#size >= this.#maxProcesses) this.#makeRoom();
    const entry = new Entry(tgid, startNs);
    entry.older = this.#processes.get(tgid);
    this.#processes.set(tgid, entry);
    this.#size++;
    return entry;
  }

  #find(tgid: number, startNs: number): Entry | undefined {
    let entry = this.#processes.get(tgid);
    if (startNs === 0) return entry;
    while (entry !== undefined && !entry.startedAt(startNs)) entry = entry.older;
    return entry;
  }

  #ancestors(entry: Entry): number[] {
    const found: number[] = [];
    let child: Entry | undefined = entry;
    while (child?.parent && found.length < MAX_ANCESTORS && !found.includes(child.parent)) {
      found.push(child.parent);
      child = this.#parentOf(child);
    }
    return found;
  }

  *#all(): Generator<Entry> {
    for (const newest of this.#processes.values()) {
      for (let entry: Entry | undefined = newest; entry !== undefined; entry = entry.older) yield entry;
    }
  }

  #makeRoom(): void {
    this.evicted++;
    const [oldest] = this.#exited.size > 0 ? this.#exited : this.#processes.values();
    this.#remove(oldest!);
  }

  #remove(entry: Entry): void {
    entry.removed = true;
    this.#exited.delete(entry);
    this.#size--;
    this.#orphans.delete(entry.tgid);
    this.#leave(entry);
    const newest = this.#processes.get(entry.tgid);
    if (newest === entry) {
      if (entry.older === undefined) this.#processes.delete(entry.tgid);
      else this.#processes.set(entry.tgid, entry.older);
      return;
    }
    for (let above = newest; above !== undefined; above = above.older) {
      if (above.older === entry) above.older = entry.older;
    }
  }
}
