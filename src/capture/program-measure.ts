import { messageOf } from '../base/errors.ts';
import type { Log } from '../base/log-shape.ts';
import type { Tracer } from './native.ts';

const PERIOD_MS = 10_000;
const SAMPLE_MS = 100;

/**
 * Switches the kernel's BPF statistics on for a part of the time: they add two clock reads to every run of every program of the machine, which
 * is as much as an empty program costs.
 *
 * Only CAP_SYS_ADMIN may switch them on (BPF_ENABLE_STATS). Where that is refused it is said once, and nothing is measured.
 */
export class ProgramMeasure {
  readonly #tracer: Pick<Tracer, 'holdStats'>;
  readonly #log: Pick<Log, 'warn'>;
  readonly #sampleMs: number;
  readonly #period: NodeJS.Timeout;
  #end: NodeJS.Timeout | undefined;
  #sinceMs = 0;
  #measuredMs = 0;

  constructor(
    tracer: Pick<Tracer, 'holdStats'>,
    log: Pick<Log, 'warn'>,
    periodMs = PERIOD_MS,
    sampleMs = SAMPLE_MS,
  ) {
    this.#tracer = tracer;
    this.#log = log;
    this.#sampleMs = sampleMs;
    this.#period = setInterval(() => this.#begin(), periodMs);
    this.#period.unref();
  }

  /** How long programs were measured so far. */
  get seconds(): number {
    const running = this.#end === undefined ? 0 : performance.now() - this.#sinceMs;
    return (this.#measuredMs + running) / 1000;
  }

  /** Before the Tracer is closed. */
  stop(): void {
    clearInterval(this.#period);
    if (this.#end !== undefined) this.#finish();
  }

  #begin(): void {
    if (this.#end !== undefined) return;
    try {
      this.#tracer.holdStats(true);
    } catch (error) {
      clearInterval(this.#period);
      this.#log.warn(
        { error: messageOf(error) },
        'what the programs in the kernel cost is not measured: that takes CAP_SYS_ADMIN',
      );
      return;
    }
    this.#sinceMs = performance.now();
    this.#end = setTimeout(() => this.#finish(), this.#sampleMs);
    this.#end.unref();
  }

  #finish(): void {
    clearTimeout(this.#end);
    this.#end = undefined;
    this.#tracer.holdStats(false);
    this.#measuredMs += performance.now() - this.#sinceMs;
  }
}
