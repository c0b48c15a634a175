import type { HostFiles } from '../host-files.ts';
import { parseKeyed } from './tables.ts';

/** In one reading; to read one takes some 15 µs. */
const MAX_THREADS = 1024;

/** Context switches of a process, Unix milliseconds since when. */
export interface Switches {
  voluntary: number;
  involuntary: number;
  readonly sinceMs: number;
}

interface Known extends Switches {
  readonly startS: number;
  /** What each thread had counted when it was read last. */
  threads: Map<string, readonly [voluntary: number, involuntary: number]>;
}

/**
 * The kernel counts context switches by thread, and forgets them with it, so that the sum over the threads of a process may fall. Here what each thread
 * counts on is added up.
 */
export class ThreadSwitches {
  #before = new Map<number, Known>();
  #now = new Map<number, Known>();
  #room = MAX_THREADS;

  begin(): void {
    this.#now = new Map();
    this.#room = MAX_THREADS;
  }

  /** Undefined of a process that has more threads than may still be read. */
  read(files: HostFiles, pid: number, startS: number, threads: number): Switches | undefined {
    if (threads > this.#room) return undefined;
    const before = this.#before.get(pid);
    const known: Known =
      before?.startS === startS
        ? before
        : { startS, voluntary: 0, involuntary: 0, sinceMs: Date.now(), threads: new Map() };
    const found: Known['threads'] = new Map();
    for (const thread of files.list(`/proc/${pid}/task`).slice(0, this.#room)) {
      const status = files.text(`/proc/${pid}/task/${thread}/status`);
      if (status === undefined) continue; // it has ended meanwhile
      const counts = parseKeyed(status);
      const now = [
        counts.get('voluntary_ctxt_switches')!,
        counts.get('nonvoluntary_ctxt_switches')!,
      ] as const;
      const last = known.threads.get(thread);
      // A number that is used again counts anew.
      const [voluntary, involuntary] =
        last !== undefined && last[0] <= now[0] && last[1] <= now[1] ? last : [0, 0];
      known.voluntary += now[0] - voluntary;
      known.involuntary += now[1] - involuntary;
      found.set(thread, now);
    }
    this.#room -= found.size;
    known.threads = found;
    this.#now.set(pid, known);
    return known;
  }

  /** What was not read is forgotten. */
  end(): void {
    this.#before = this.#now;
  }
}
