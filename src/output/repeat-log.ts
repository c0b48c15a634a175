import type { Timers } from './exporter.ts';
import type { QueueLog } from './queue-stats.ts';

const LOG_EVERY_MS = 60_000;

/** Warnings of one queue: each message at most once a minute, with how often it was kept back since. */
export class RepeatLog {
  readonly #timers: Timers;
  readonly #log: QueueLog | undefined;
  readonly #who: object;
  readonly #said = new Map<string, { at: number; kept: number }>();

  constructor(timers: Timers, log: QueueLog | undefined, who: object) {
    this.#timers = timers;
    this.#log = log;
    this.#who = who;
  }

  /** True if it was written. */
  warn(fields: object, message: string): boolean {
    const now = this.#timers.now();
    const said = this.#said.get(message);
    if (said && now - said.at < LOG_EVERY_MS) {
      said.kept++;
      return false;
    }
    this.#said.set(message, { at: now, kept: 0 });
    const repeated = said ? { repeated: said.kept } : {};
    this.#log?.warn({ ...this.#who, ...fields, ...repeated }, message);
    return true;
  }

  info(fields: object, message: string): void {
    this.#log?.info({ ...this.#who, ...fields }, message);
  }
}
