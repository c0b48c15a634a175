import type { ProcessFacts } from '../capture/facts.ts';
import { runtimeOf, wantedFiles } from '../capture/launch.ts';
import type { ServiceResource } from './resource.ts';

/** What filters and `why` ask of a process. */
export interface ProcessView {
  readonly tgid: number;
  /** Parent, grandparent and so on, as far as they are known. */
  readonly ancestors: readonly number[];
  /** Name as `ps -o comm` has it. */
  readonly command: string | undefined;
  readonly executable: string | undefined;
  readonly cgroup: string | undefined;
  readonly containerId: string | undefined;
  readonly netns: number | undefined;
  readonly agent: boolean;
}

/** One service instance: a process image, and the processes that were forked from it without an exec. */
export class Identity {
  facts: ProcessFacts;
  /** Whose pid the resource shows. */
  leader: Entry;
  readonly members = new Set<Entry>();
  resource: ServiceResource | undefined;
  /** False for a process that was met before any fact about it. */
  known: boolean;
  /** A file is to be read and the answer has not come. */
  awaitsFiles: boolean;
  /** From when on facts are waited for: where nothing is known from when it was met, else from when somebody asks; 0: nobody has. */
  sinceNs: number;
  /** They were waited for in vain. */
  guessed = false;

  constructor(leader: Entry, facts: ProcessFacts, known: boolean, nowNs: number) {
    this.leader = leader;
    this.facts = facts;
    this.known = known;
    this.sinceNs = known ? 0 : nowNs;
    this.awaitsFiles = known && facts.files === undefined && wantedFiles(facts).length > 0;
    this.members.add(leader);
  }

  /** What it is called may change. */
  get isIncomplete(): boolean {
    return !this.known || this.awaitsFiles;
  }
}

/** `exports` those of its own, or `relays` those of others, too: then it is no application that traces itself, as far as can be told. */
export type Traces = 'exports' | 'relays';

/** What a start found in /proc is a multiple of: a clock tick. */
const NS_PER_TICK = 10_000_000;

/**
 * One process: a number and a start. The kernel's records tell the start to the nanosecond, /proc to the tick, so both kinds are compared: a
 * number may be used again within a tick.
 */
export class Entry {
  readonly tgid: number;
  readonly startTick: number;
  /** 0 while only the tick is known. */
  #startNs: number;
  parent: number | undefined;
  /** When the parent started, where a fork record told. */
  parentStartNs: number | undefined;
  identity!: Identity;
  exitedNs = 0;
  removed = false;
  /** What its program does with traces, as far as it was seen. */
  traces: Traces | undefined;
  /** An earlier process of the same number. */
  older: Entry | undefined;
  /** What filters were shown, of which facts, at which generation of the table. */
  view: ProcessView | undefined;
  viewOf: ProcessFacts | undefined;
  viewedAt = -1;

  constructor(tgid: number, startNs: number) {
    this.tgid = tgid;
    this.startTick = Math.floor(startNs / NS_PER_TICK);
    this.#startNs = exactStart(startNs);
  }

  /** Whether this process is the one that started then. An exact start is kept, so that a later process of the same tick is another one. */
  startedAt(startNs: number): boolean {
    if (this.startTick !== Math.floor(startNs / NS_PER_TICK)) return false;
    const exact = exactStart(startNs);
    if (exact === 0) return true;
    if (this.#startNs === 0) this.#startNs = exact;
    return this.#startNs === exact;
  }
}

function exactStart(startNs: number): number {
  return startNs % NS_PER_TICK === 0 ? 0 : startNs;
}

/** Facts out of files, over what is known. */
export function mergeLate(identity: Identity, facts: ProcessFacts): void {
  const files = { ...identity.facts.files, ...facts.files };
  const { source } = identity.facts;
  const changed = Object.entries(facts.files ?? {}).some(
    ([key, value]) => identity.facts.files?.[key] !== value,
  );
  identity.facts = { ...identity.facts, ...facts, files, source };
  identity.awaitsFiles = false;
  if (changed) identity.resource = undefined;
}

/**
 * Whether a process found by a scan was forked by its parent without an exec since. The kernel does not say; it is taken to be so where both
 * run the same file and either show the same arguments or a title written over them (`nginx: worker process`).
 */
export function isWorker(child: ProcessFacts, parent: ProcessFacts): boolean {
  if (child.exe === undefined || child.exe !== parent.exe) return false;
  const arguments_ = child.argv?.join('\0');
  if (arguments_ === parent.argv?.join('\0')) return runtimeOf(child) !== 'shell';
  const title = /^([\w./+-]+)(?:\[\d+\])?: (.*)$/.exec(child.argv?.[0] ?? '');
  // A pool of its own is a service of its own.
  return title !== null && !/^pool (?!www$)/.test(title[2]!);
}
