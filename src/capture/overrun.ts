import { readFileSync } from 'node:fs';

import type { Log } from '../base/log-shape.ts';
import type { Tracer } from './native.ts';

/** Of one core: what the agent takes where nothing is idle. */
const LEAST_SHARE = 0.05;
/** Of the idle CPU time of the machine. */
const IDLE_SHARE = 0.5;
const LOOK_EVERY_MS = 50;
/** USER_HZ, the unit of /proc/stat. */
const TICK_MS = 10;

/** Milliseconds since some start: of the clock, of this process's CPU time, and idle of all CPUs together. */
export interface CpuTimes {
  wall: number;
  own: number;
  idle: number;
}

/**
 * What happens after the ring filled up, when the kernel only counts data calls. An agent that cannot keep up does not see more by working more: it
 * works off what is in the ring, and takes data again only when it has not used more CPU time, since the overrun, than a twentieth of a core or
 * half of what the machine had idle. In between the programs of the machine have it to themselves.
 */
export class Overrun {
  readonly #tracer: Pick<Tracer, 'getGlobal' | 'setGlobal'>;
  readonly #log: Log;
  readonly #cpuTimes: () => CpuTimes;
  readonly #nowMs: () => number;
  #began: CpuTimes | undefined;
  #lookAgainMs = 0;

  constructor(
    tracer: Pick<Tracer, 'getGlobal' | 'setGlobal'>,
    log: Log,
    cpuTimes: () => CpuTimes,
    nowMs = () => performance.now(),
  ) {
    this.#tracer = tracer;
    this.#log = log;
    this.#cpuTimes = cpuTimes;
    this.#nowMs = nowMs;
  }

  /** The kernel only counts. */
  get lasts(): boolean {
    return this.#began !== undefined;
  }

  /** After a drain. `emptied`: it left next to nothing in the ring. */
  check(emptied: boolean): void {
    if (this.#tracer.getGlobal('shedding') === 0n) return;
    if (this.#began === undefined) {
      this.#began = this.#cpuTimes();
      this.#log.warn(
        {},
        'the ring buffer was full: data calls are lost until there is room again (ring_full)',
      );
    }
    if (!emptied || this.#nowMs() < this.#lookAgainMs) return;
    const now = this.#cpuTimes();
    const wall = now.wall - this.#began.wall;
    const idle = now.idle - this.#began.idle;
    this.#lookAgainMs = this.#nowMs() + LOOK_EVERY_MS;
    if (now.own - this.#began.own > Math.max(LEAST_SHARE * wall, IDLE_SHARE * idle)) return;
    this.#began = undefined;
    this.#lookAgainMs = 0;
    this.#tracer.setGlobal('shedding', 0);
  }
}

/** CPU time of this process with all its threads, and of the machine (proc_stat(5)). */
export function readCpuTimes(procRoot = '/proc'): CpuTimes {
  const { user, system } = process.cpuUsage();
  const [, , , , idle, ioWait] = readFileSync(`${procRoot}/stat`, 'latin1').split(/ +/, 7).map(Number);
  return { wall: performance.now(), own: (user + system) / 1e3, idle: (idle! + ioWait!) * TICK_MS };
}
