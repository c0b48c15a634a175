/** What is given up above the limits, step by step; each includes those before. docs/governor.md explains them. */
export const SHED_STEPS = ['nothing', 'payload', 'traces', 'connections', 'pause'] as const;
export type ShedStep = (typeof SHED_STEPS)[number];

const CONNECTIONS = SHED_STEPS.indexOf('connections');
const PAUSE = SHED_STEPS.indexOf('pause');

/** It is taken back below this part of the limits. */
const CALM = 0.8;
/** How long the limit has to be exceeded, and a step to have been taken, before the next one: what it brings shows after that. */
const RISE_MS = 2000;
/** The same of memory, which is given back late. */
const RISE_MEMORY_MS = 10_000;
/** How long it has to be calm before a step is taken back; twice as long each time when it had to be taken again soon. */
const FALL_MS = 3000;
const MAX_FALL_MS = 300_000;
/** Within so many times the wait a step that is taken again was taken back too early. */
const TOO_EARLY = 2;

/** What the agent takes, as parts of its limits. */
export interface Load {
  /** Of the process and its eBPF programs, and of these alone. */
  readonly cpu: number;
  readonly programs: number;
  readonly memory: number;
  /** The drain had to rest because of the limit, and is behind: what is taken does not say what would be. */
  readonly held: boolean;
}

/** Decides when the agent gives up more, and when less. Pure: time and load are told. */
export class GovernorPolicy {
  #level = 0;
  #changedMs = -Infinity;
  #overMs: number | undefined;
  #calmMs: number | undefined;
  /** By level: how long it has to be calm there, and when it was left downwards. */
  readonly #fallMs = SHED_STEPS.map(() => FALL_MS);
  readonly #leftMs = SHED_STEPS.map(() => -Infinity);

  /** Index in SHED_STEPS. */
  get level(): number {
    return this.#level;
  }

  /** Looks at the load of the time since the last call. Returns by how much the level has changed: -1, 0 or 1. */
  step(nowMs: number, load: Load): number {
    const { cpu, memory, held } = load;
    const over = cpu > 1 || held || memory > 1;
    const calm = cpu < CALM && !held && memory < CALM;
    this.#overMs = over ? (this.#overMs ?? nowMs) : undefined;
    this.#calmMs = calm ? (this.#calmMs ?? nowMs) : undefined;
    if (over && this.#mayRise(nowMs, load)) return this.#to(this.#level + 1, nowMs);
    const since = Math.max(this.#calmMs ?? Infinity, this.#changedMs);
    if (this.#level > 0 && nowMs - since >= this.#fallMs[this.#level]!)
      return this.#to(this.#level - 1, nowMs);
    return 0;
  }

  #mayRise(nowMs: number, { cpu, programs, held }: Load): boolean {
    const isMemory = cpu <= 1 && !held;
    // A pause gives no memory back that the other steps do not.
    if (this.#level >= (isMemory ? CONNECTIONS : PAUSE)) return false;
    // The process cannot make up for it, whatever it leaves.
    if (programs > 1) return true;
    const since = Math.max(this.#overMs!, this.#changedMs);
    return nowMs - since >= (isMemory ? RISE_MEMORY_MS : RISE_MS);
  }

  #to(level: number, nowMs: number): number {
    const by = level - this.#level;
    if (by < 0) {
      this.#leftMs[this.#level] = nowMs;
    } else {
      const wait = this.#fallMs[level]!;
      const early = nowMs - this.#leftMs[level]! < TOO_EARLY * wait;
      this.#fallMs[level] = early ? Math.min(2 * wait, MAX_FALL_MS) : FALL_MS;
    }
    this.#level = level;
    this.#changedMs = nowMs;
    this.#overMs = this.#calmMs = undefined;
    return by;
  }
}
