import type { Log } from '../base/log-shape.ts';
import { messageOf } from '../base/errors.ts';
import type { NativeAddon } from './native.ts';

/** Of one core. */
const SHARE = 0.05;
/** CPU time that may be saved up, or owed. */
const BURST_MS = 50;

/**
 * Keeps the host first: of CPU time that others want, the agent takes a twentieth of a core; what it needs beyond that it takes where a CPU is idle. A low
 * priority alone does not do that: the kernel would crowd the programs of the machine onto the other CPUs while the agent holds one. The lowest
 * priority alone does not either: on a busy machine the agent would see nothing at all.
 */
export class CpuShare {
  readonly #addon: Pick<NativeAddon, 'runInIdleTime'>;
  readonly #log: Log;
  readonly #usedMs: () => number;
  readonly #nowMs: () => number;
  #usable = true;
  #inIdleTime = false;
  #savedMs = BURST_MS;
  #lastUsedMs: number;
  #lastMs: number;

  constructor(
    addon: Pick<NativeAddon, 'runInIdleTime'>,
    log: Log,
    usedMs = ownCpuMs,
    nowMs = () => performance.now(),
  ) {
    this.#addon = addon;
    this.#log = log;
    this.#usedMs = usedMs;
    this.#nowMs = nowMs;
    this.#lastUsedMs = usedMs();
    this.#lastMs = nowMs();
  }

  /** Between two pieces of work. */
  settle(): void {
    if (!this.#usable) return;
    const usedMs = this.#usedMs();
    const nowMs = this.#nowMs();
    const change = SHARE * (nowMs - this.#lastMs) - (usedMs - this.#lastUsedMs);
    this.#savedMs = Math.max(-BURST_MS, Math.min(BURST_MS, this.#savedMs + change));
    this.#lastUsedMs = usedMs;
    this.#lastMs = nowMs;
    const inIdleTime = this.#savedMs < 0;
    if (inIdleTime === this.#inIdleTime) return;
    this.#inIdleTime = inIdleTime;
    try {
      this.#addon.runInIdleTime(inIdleTime);
    } catch (error) {
      this.#usable = false;
      this.#log.warn(
        { error: messageOf(error) },
        'the agent cannot confine itself to idle CPU time: grant CAP_SYS_NICE, or on a busy machine it takes more than a twentieth of a core',
      );
    }
  }
}

/** All threads of this process. */
function ownCpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e3;
}
