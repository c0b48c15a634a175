import type { HrTime } from './span.ts';

const SECOND = 1_000_000_000;

/** One instant on the monotonic and the real-time clock. Never changed once made, so that a span can keep the pair it was seen under. */
export interface ClockPair {
  readonly monotonicNs: number;
  readonly realtimeS: number;
  readonly realtimeNs: number;
  readonly boottimeNs: number;
}

/**
 * Kernel monotonic time to Unix time, by the latest `clock` record.
 *
 * Both ends of a span are put on Unix time with one pair, so that its duration stays what the monotonic clock measured when the real-time
 * clock is stepped in between. After a suspend, during which the monotonic clock stands still, the next pair has the new offset: what ended
 * later is right, and a span across the suspend has the right end and the duration of the time awake.
 */
export class UnixClock {
  /** The latest pair; undefined before the first `clock` record. */
  pair: ClockPair | undefined;

  update(monotonicNs: number, realtimeS: number, realtimeNs: number, boottimeNs: number): void {
    this.pair = { monotonicNs, realtimeS, realtimeNs, boottimeNs };
  }
}

/** Unix time of a monotonic instant. Whole seconds and nanoseconds are kept apart: a JavaScript number cannot hold Unix nanoseconds. */
export function toHrTime(pair: ClockPair, monotonicNs: number): HrTime {
  const ns = pair.realtimeNs + (monotonicNs - pair.monotonicNs);
  const seconds = Math.floor(ns / SECOND);
  return [pair.realtimeS + seconds, ns - seconds * SECOND];
}

/** `instant` plus a duration. */
export function addNs(instant: HrTime, durationNs: number): HrTime {
  const ns = instant[1] + durationNs;
  const seconds = Math.floor(ns / SECOND);
  return [instant[0] + seconds, ns - seconds * SECOND];
}
