import type { ConnectionRecord, DataRecord, WakeRecord } from '../capture/records.gen.ts';

/**
 * Bytes that a thread received: until it receives others, or waits for any, what it does may be because of them.
 *
 * Kept by the thread's entry and by what was sent because of it, until that is known to belong to an exchange.
 */
export class Reading {
  /** Whose end of a connection the bytes came from. */
  readonly connection: unknown;
  /** The exchange that the bytes belong to: a request at a server, a response at a client. An array where they are several; undefined where they are none. */
  exchange: unknown = undefined;
  /** Requests and responses that were sent because of it. */
  sends = 0;
  /** The bytes are of no known protocol, on a connection where this reading had been the reason to ask. */
  readonly askedBy: Reading | undefined;

  constructor(connection: unknown, askedBy: Reading | undefined) {
    this.connection = connection;
    this.askedBy = askedBy;
  }
}

/** What is remembered of a connection on which nothing has been an exchange: who asked, so that the answer can be given to him. */
export interface Asking {
  asker: Reading | undefined;
  /** Something was sent since the last answer. */
  asked: boolean;
  /** Two asked before either was answered: answers cannot be told apart any more. */
  shared: boolean;
}

interface Thread {
  last: Reading | undefined;
  turn: number;
  step: number;
  /** When it received last, or did something because of that. */
  usedNs: number;
}

/** Of one process. */
interface Process {
  readonly startNs: number;
  readonly threads: Map<number, Thread>;
}

const MAX_THREADS = 16_384;

/**
 * What every thread received last. Records of one thread come in the order of its calls, and the kernel numbers what may turn a thread to
 * something else (`turn`, `step`), so that what was lost, or is not seen, leaves a thread without a reason rather than with a wrong one.
 */
export class ThreadTable {
  readonly #processes = new Map<number, Process>();
  #size = 0;
  #lastTid = 0;
  #lastStartNs = 0;
  #last: Thread | undefined = undefined;

  /** A thread received something. */
  received(record: DataRecord, connection: unknown, askedBy: Reading | undefined): Reading {
    const thread = this.#threadOf(record);
    const reading = new Reading(connection, askedBy);
    thread.last = reading;
    thread.turn = record.turn;
    thread.step = record.step;
    thread.usedNs = record.timeNs;
    return reading;
  }

  /** What the thread of a record that tells of a send, a connect or a wake-up received last, if that may be why. */
  reason(record: DataRecord | ConnectionRecord | WakeRecord): Reading | undefined {
    const thread = this.#find(record.tgid, record.tid, record.startNs);
    if (thread === undefined || thread.turn !== record.turn || thread.step !== record.step) return undefined;
    thread.usedNs = record.timeNs;
    return thread.last;
  }

  onProcessExit(tgid: number): void {
    const process = this.#processes.get(tgid);
    if (process === undefined) return;
    this.#processes.delete(tgid);
    this.#size -= process.threads.size;
    this.#last = undefined;
  }

  /**
   * Forgets threads that have not been used since `beforeNs`. Most of them have ended, which the kernel tells of processes only: a server may have a thread
   * for each connection, and what a thread received last holds on to its exchange.
   */
  forget(beforeNs: number): void {
    for (const [tgid, { threads }] of this.#processes) {
      const before = threads.size;
      for (const [tid, { usedNs }] of threads) if (usedNs < beforeNs) threads.delete(tid);
      this.#size -= before - threads.size;
      if (threads.size === 0) this.#processes.delete(tgid);
    }
    this.#last = undefined;
  }

  /** Threads that are remembered. */
  get size(): number {
    return this.#size;
  }

  #find(tgid: number, tid: number, startNs: number): Thread | undefined {
    if (this.#last !== undefined && this.#lastTid === tid && this.#lastStartNs === startNs) return this.#last;
    const process = this.#processes.get(tgid);
    if (process === undefined || process.startNs !== startNs) return undefined;
    const thread = process.threads.get(tid);
    if (thread !== undefined) this.#remember(tid, startNs, thread);
    return thread;
  }

  #threadOf({ tgid, tid, startNs }: DataRecord): Thread {
    const known = this.#find(tgid, tid, startNs);
    if (known !== undefined) return known;
    if (this.#size >= MAX_THREADS) this.#makeRoom();
    let process = this.#processes.get(tgid);
    if (process?.startNs !== startNs) {
      this.onProcessExit(tgid); // of the number before
      process = { startNs, threads: new Map() };
      this.#processes.set(tgid, process);
    }
    const thread: Thread = { last: undefined, turn: 0, step: 0, usedNs: 0 };
    process.threads.set(tid, thread);
    this.#size++;
    this.#remember(tid, startNs, thread);
    return thread;
  }

  /** Forgets the half that has been idle for longest. All that is lost is why they do what they do until they receive something again. */
  #makeRoom(): void {
    const used: number[] = [];
    for (const { threads } of this.#processes.values())
      for (const { usedNs } of threads.values()) used.push(usedNs);
    used.sort((a, b) => a - b);
    this.forget(used[used.length >> 1]! + 1);
  }

  #remember(tid: number, startNs: number, thread: Thread): void {
    this.#lastTid = tid;
    this.#lastStartNs = startNs;
    this.#last = thread;
  }
}

/** Something is sent on a connection where nothing has been an exchange. */
export function ask(asking: Asking, reason: Reading | undefined): void {
  const asker = reason?.askedBy ?? reason;
  if (asking.asked && asking.asker !== asker) asking.shared = true;
  asking.asked = true;
  asking.asker = asking.shared ? undefined : asker;
}
