/** Where the monotonic clock stands at the first packet: earlier time stamps, a little out of order, are not before its beginning. */
const FIRST_NS = 3_600_000_000_000;
/** Packets of several interfaces or CPUs are out of order by less; what is further back is a clock that was set, or another capture behind the first. */
const STEP_NS = 1_000_000_000;
const SECOND = 1_000_000_000;

/**
 * Unix time of packets to a monotonic clock, which begins with the first one and moves with them. Where time stamps jump back the monotonic clock
 * goes on, and Unix time is stepped, as on a host whose clock is set.
 */
export class CaptureClock {
  /** The latest instant. */
  nowNs = 0;
  /** -1: no packet had a time stamp yet. */
  #epochS = -1;
  /** Monotonic time minus Unix time since the epoch. */
  #shiftNs = FIRST_NS;

  /** The packet's time on the monotonic clock, which moves on to it. `seconds` -1: no time stamp, so that of the packet before. */
  at(seconds: number, nanoseconds: number): number {
    if (this.nowNs === 0) this.nowNs = FIRST_NS;
    if (seconds < 0) return this.nowNs;
    if (this.#epochS < 0) {
      this.#epochS = seconds;
      this.#shiftNs = this.nowNs;
    }
    let timeNs = (seconds - this.#epochS) * SECOND + nanoseconds + this.#shiftNs;
    if (timeNs < this.nowNs - STEP_NS) {
      this.#shiftNs += this.nowNs - timeNs;
      timeNs = this.nowNs;
    }
    if (timeNs > this.nowNs) this.nowNs = timeNs;
    return timeNs;
  }

  /** The fields of a clock record of an instant. */
  record(timeNs: number): Record<'time_ns' | 'boottime_ns' | 'realtime_s' | 'realtime_ns', number> {
    const sinceNs = timeNs - this.#shiftNs;
    const seconds = Math.floor(sinceNs / SECOND);
    return {
      time_ns: timeNs,
      boottime_ns: timeNs,
      realtime_s: Math.max(0, this.#epochS) + seconds,
      realtime_ns: sinceNs - seconds * SECOND,
    };
  }
}
