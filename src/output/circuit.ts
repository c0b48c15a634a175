import type { Timers } from './exporter.ts';
import type { RetrySettings } from './queue-options.ts';

/** A destination that asks for more patience than this is asked again anyway. */
export const MAX_RETRY_AFTER_MS = 300_000;

/**
 * Whether a destination may be asked now.
 *
 * Closed: as often as one likes. A failure opens it: then a single request at a time goes out, each after a wait that grows from
 * `initial_interval` by `multiplier` to `max_interval`, with jitter. A probe without an answer does not hold the next one back. The
 * first success of a request that started after the last failure closes it.
 */
export class Circuit {
  readonly #timers: Timers;
  readonly #retry: RetrySettings;
  #failures = 0;
  /** Which failures a request knows of that starts now: those that start together fail together, and that is one failure. */
  #generation = 0;
  #notBefore = 0;
  #openedAt = 0;

  constructor(timers: Timers, retry: RetrySettings) {
    this.#timers = timers;
    this.#retry = retry;
  }

  get open(): boolean {
    return this.#failures > 0;
  }

  /** Milliseconds since the circuit opened; 0 when closed. */
  get openMs(): number {
    return this.open ? this.#timers.now() - this.#openedAt : 0;
  }

  /** Milliseconds until a request may start; 0 is now. */
  waitMs(): number {
    return Math.max(0, this.#notBefore - this.#timers.now());
  }

  /** A request starts; gives back what `failed` or `answered` wants to know of it. */
  started(): number {
    if (this.open) this.#notBefore = this.#timers.now() + this.intervalMs(this.#failures + 1);
    return this.#generation;
  }

  /** A request failed in a way that may pass. True if that opened the circuit. */
  failed(generation: number, retryAfterMs: number): boolean {
    const now = this.#timers.now();
    const opened = !this.open;
    if (opened) this.#openedAt = now;
    if (opened || generation === this.#generation) {
      this.#failures++;
      this.#generation++;
      this.#notBefore = Math.max(this.#notBefore, now + this.intervalMs(this.#failures));
    }
    if (retryAfterMs > 0) {
      const patience = Math.min(retryAfterMs, MAX_RETRY_AFTER_MS);
      this.#notBefore = Math.max(this.#notBefore, now + patience);
    }
    return opened;
  }

  /** A request was answered for good. True if that closed the circuit: answers to requests older than the last failure do not. */
  answered(generation: number): boolean {
    if (!this.open || generation !== this.#generation) return false;
    this.#failures = 0;
    this.#notBefore = 0;
    return true;
  }

  /** Lets the next request start at once; used when the agent stops. */
  hurry(): void {
    this.#notBefore = 0;
  }

  /** The wait after the nth failure in a row, 1 being the first. */
  intervalMs(failures: number): number {
    const { initial_interval, multiplier, max_interval, randomization_factor } = this.#retry;
    const grown = Math.min(initial_interval * multiplier ** (failures - 1), max_interval);
    const jitter = 1 + randomization_factor * (2 * this.#timers.random() - 1);
    return Math.min(grown * jitter, max_interval);
  }
}
