import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';

import { USER_HZ } from '../base/user-hz.ts';

/** Of one core: what the agent takes where nothing is idle. */
const LEAST_SHARE = 0.02;
/** CPU time that may be saved up: what comes at once, such as the first requests after the start, need not wait. */
const SAVED_MS = 1000;
/** CPU time that may be owed. */
const OWED_MS = 50;
/** It rests no longer, whatever else this process has used meanwhile: as long as it takes to pay off what may be owed. */
const MAX_REST_MS = OWED_MS / LEAST_SHARE;
/** So much of the limit may be saved up, and owed: a burst need not wait, and one that was taken all the same is paid back. */
const LIMIT_MS = 2000;
/** Between two looks at the machine. With many CPUs /proc/stat takes a millisecond to make. */
const LOOK_EVERY_MS = 100;
const TICK_MS = 1000 / USER_HZ;

/** Milliseconds since some start. */
export interface CpuClocks {
  readonly cpus: number;
  wall(): number;
  /** CPU time of this process, all threads. */
  own(): number;
  /** Idle time of all CPUs together. */
  idle(): number;
}

/**
 * Keeps the host first: the agent takes 2 % of a core, and of the CPU time that the machine has idle all where half of the machine is idle, a quarter
 * where a quarter is, next to nothing where a tenth is. Beyond that it rests. A low priority does not do that. A thread that always
 * has something to do, however low its priority, crowds the programs of the machine onto the other CPUs and makes each of their wake-ups
 * dearer: even one that the kernel runs in idle time only (SCHED_IDLE) cost a web server a fifth of its throughput. Whatever is idle, it takes no more
 * than `limit` in the long run.
 */
export class CpuBudget {
  /** Of one core: what this process may take. */
  limit: number;
  readonly #clocks: CpuClocks;
  #savedMs = SAVED_MS;
  #ofLimitMs: number;
  #allowedAt: number;
  #wall: number;
  #own: number;
  #idle: number;
  #lookedAt: number;

  constructor(clocks: CpuClocks, limit: number) {
    this.#clocks = clocks;
    this.limit = limit;
    this.#ofLimitMs = limit * LIMIT_MS;
    this.#wall = clocks.wall();
    this.#own = clocks.own();
    this.#idle = clocks.idle();
    this.#lookedAt = this.#allowedAt = this.#wall;
  }

  /** Whether the agent may go on working. Cheap, and hardly more than that while little is used. */
  allows(): boolean {
    const wall = this.#clocks.wall();
    const own = this.#clocks.own();
    const [passed, took] = [wall - this.#wall, own - this.#own];
    this.#save(LEAST_SHARE * passed - took);
    const most = this.limit * LIMIT_MS;
    this.#ofLimitMs = Math.max(-most, Math.min(most, this.#ofLimitMs + this.limit * passed - took));
    this.#wall = wall;
    this.#own = own;
    if (this.#savedMs < 0 && wall >= this.#lookedAt + LOOK_EVERY_MS) {
      const idle = this.#clocks.idle();
      const idleMs = idle - this.#idle;
      const idlePart = idleMs / (this.#clocks.cpus * (wall - this.#lookedAt));
      this.#save(idleMs * Math.min(1, (2 * idlePart) ** 2));
      this.#idle = idle;
      this.#lookedAt = wall;
    }
    const allowed = (this.#savedMs >= 0 && !this.isAtLimit) || wall - this.#allowedAt >= MAX_REST_MS;
    if (allowed) this.#allowedAt = wall;
    return allowed;
  }

  /** The limit alone makes it rest. */
  get isAtLimit(): boolean {
    return this.#ofLimitMs < 0;
  }

  #save(ms: number): void {
    this.#savedMs = Math.max(-OWED_MS, Math.min(SAVED_MS, this.#savedMs + ms));
  }
}

/** The clocks of this process and machine (proc_stat(5)). */
export function cpuClocks(procRoot = '/proc'): CpuClocks {
  return {
    cpus: cpus().length,
    wall: () => performance.now(),
    own: () => {
      const { user, system } = process.cpuUsage();
      return (user + system) / 1e3;
    },
    idle: () => {
      const [, , , , idle, ioWait] = readFileSync(`${procRoot}/stat`, 'latin1').split(/ +/, 7).map(Number);
      return (idle! + ioWait!) * TICK_MS;
    },
  };
}
