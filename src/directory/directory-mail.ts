import { messageOf } from '../base/errors.ts';
import { Fifo } from '../base/fifo.ts';
import type { ComponentLog } from '../base/log.ts';
import type { Directory, DirectoryEntry, DirectoryFigures } from './directory.ts';

export interface DirectoryMailOptions {
  directory: Directory;
  /** Found entries; called once a batch that found any. */
  onAnswers: (entries: readonly DirectoryEntry[]) => void;
  log: ComponentLog;
  intervalMs?: number;
  /** A key that is not there is asked for again after so long, so many times. */
  againMs?: number;
  maxTimes?: number;
  timeoutMs?: number;
  /** Entries, and keys, that may wait. */
  maxWaiting?: number;
  /** Entries, and keys, of one batch. */
  maxBatch?: number;
}

const INTERVAL_MS = 25;
/** The other agent may be as busy as its host lets it be: its entry comes when it comes. */
const AGAIN_MS = 100;
const MAX_TIMES = 5;
/** An answer that takes longer comes too late for its span. */
const TIMEOUT_MS = 300;
const MAX_WAITING = 16_384;
/** Some ten milliseconds of this thread. */
const MAX_BATCH = 2048;

interface Question {
  key: string;
  times: number;
  dueMs: number;
}

/**
 * What the linker has to say and to ask, in batches: one on its way at a time, so that a directory that is slow or away costs links, and
 * neither memory nor time. Of what waits for longer than there is room the oldest goes.
 */
export class DirectoryMail {
  readonly figures: DirectoryFigures = {
    ...{ published: 0, lookedUp: 0, found: 0, missed: 0 },
    failed: { publish: 0, lookUp: 0 },
    dropped: { publish: 0, lookUp: 0 },
  };
  readonly #options: Required<DirectoryMailOptions>;
  #entries: DirectoryEntry[] = [];
  #questions: Question[] = [];
  /** Those that were answered with no, in the order in which they are asked again. */
  readonly #again = new Fifo<Question>();
  #againSize = 0;
  #timer: NodeJS.Timeout | undefined;
  /** Settles when the directory is done with the last batch, which may be long after it was given up. */
  #underWay: Promise<void> | undefined;
  #closed = false;

  constructor(options: DirectoryMailOptions) {
    this.#options = {
      ...{ intervalMs: INTERVAL_MS, timeoutMs: TIMEOUT_MS, againMs: AGAIN_MS, maxTimes: MAX_TIMES },
      ...{ maxWaiting: MAX_WAITING, maxBatch: MAX_BATCH },
      ...options,
    };
  }

  /** Entries and keys that wait. */
  get waiting(): number {
    return this.#entries.length + this.#questions.length + this.#againSize;
  }

  publish(entry: DirectoryEntry): void {
    this.#entries.push(entry);
    this.#arrange();
  }

  lookUp(key: string): void {
    this.#questions.push({ key, times: 0, dueMs: 0 });
    this.#arrange();
  }

  /** What waits is published, for so long; then the connection is closed. What is asked would be answered to nobody. */
  async close(deadlineMs: number): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.figures.dropped.lookUp += this.#questions.splice(0).length;
    const { directory } = this.#options;
    if (this.#entries.length > 0)
      await this.#within(this.#publishLast(), deadlineMs).catch((error: unknown) => this.#warn(error));
    this.figures.dropped.publish += this.#entries.splice(0).length;
    directory.close();
  }

  #arrange(): void {
    if (this.#closed || this.#timer !== undefined || this.#underWay !== undefined) return this.#makeRoom();
    this.#timer = setTimeout(() => this.#send(), this.#options.intervalMs).unref();
  }

  /** In bulk: to take one from the front of a long array for each that comes would be quadratic. */
  #makeRoom(): void {
    const { maxWaiting } = this.#options;
    const { dropped } = this.figures;
    if (this.#entries.length > maxWaiting)
      dropped.publish += this.#entries.splice(0, Math.ceil(maxWaiting / 4)).length;
    if (this.#questions.length > maxWaiting)
      dropped.lookUp += this.#questions.splice(0, Math.ceil(maxWaiting / 4)).length;
  }

  #send(): void {
    this.#timer = undefined;
    this.#takeAgain();
    const entries = this.#take();
    const questions = this.#questions.splice(0, this.#options.maxBatch);
    // Both are written before either is answered: one round trip.
    const calls = [
      ...(entries.length > 0 ? [this.#publish(entries)] : []),
      ...(questions.length > 0 ? [this.#lookUp(questions)] : []),
    ];
    this.#underWay = Promise.all(calls).then(() => {
      this.#underWay = undefined;
      if (!this.#closed && this.waiting > 0) this.#arrange();
    });
  }

  async #publishLast(): Promise<void> {
    await this.#underWay;
    while (this.#entries.length > 0) await this.#publish(this.#take());
  }

  #take(): DirectoryEntry[] {
    return this.#entries.splice(0, this.#options.maxBatch);
  }

  async #publish(entries: readonly DirectoryEntry[]): Promise<void> {
    const call = this.#options.directory.publish(entries);
    try {
      await this.#within(call, this.#options.timeoutMs);
      this.figures.published += entries.length;
    } catch (error) {
      this.figures.failed.publish += entries.length;
      this.#warn(error);
    }
    await settled(call);
  }

  async #lookUp(questions: readonly Question[]): Promise<void> {
    const { figures } = this;
    const call = this.#options.directory.lookUp(questions.map(({ key }) => key));
    try {
      const found = await this.#within(call, this.#options.timeoutMs);
      figures.lookedUp += questions.length;
      figures.found += found.length;
      figures.missed += questions.length - found.length;
      const known = new Set(found.map(({ key }) => key));
      this.#askAgain(questions.filter(({ key }) => !known.has(key)));
      if (found.length > 0 && !this.#closed) this.#options.onAnswers(found);
    } catch (error) {
      figures.failed.lookUp += questions.length;
      this.#askAgain(questions);
      this.#warn(error);
    }
    await settled(call);
  }

  #askAgain(questions: readonly Question[]): void {
    const { againMs, maxTimes, maxWaiting } = this.#options;
    const dueMs = performance.now() + againMs;
    for (const { key, times } of questions) {
      if (times + 1 >= maxTimes) continue;
      if (this.#againSize >= maxWaiting) this.figures.dropped.lookUp++;
      else {
        this.#again.push({ key, times: times + 1, dueMs });
        this.#againSize++;
      }
    }
  }

  #takeAgain(): void {
    const now = performance.now();
    for (let next = this.#again.first; next !== undefined && next.dueMs <= now; next = this.#again.first) {
      this.#again.shift();
      this.#againSize--;
      this.#questions.push(next);
    }
  }

  async #within<T>(call: Promise<T>, ms: number): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      // Where this process itself was kept waiting, the answer may have arrived meanwhile: it is read before the immediate.
      const giveUp = (): void => reject(new Error(`no answer within ${ms} ms`));
      timer = setTimeout(() => setImmediate(giveUp), ms);
    });
    try {
      return await Promise.race([call, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  #warn(error: unknown): void {
    this.#options.log.repeated(
      'warn',
      'failed',
      { error: messageOf(error) },
      'the directory does not answer: requests between hosts are not joined meanwhile',
    );
  }
}

/** What came of the call has been counted; this is about its end. */
function settled(call: Promise<unknown>): Promise<void> {
  return call.then(
    () => undefined,
    () => undefined,
  );
}
