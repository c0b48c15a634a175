/**
 * Finished traces on the terminal, see trace-tree.ts.
 *
 * A terminal that is stopped (Ctrl-S), slow, or a pipe that nobody reads must not stop the agent: Node writes to terminals and pipes
 * synchronously, so such an output is opened a second time without blocking. What it does not take in time waits in the queue, which is
 * small, drops the oldest and counts them (`queue_full`).
 */
import { closeSync, constants, fstatSync, openSync, write } from 'node:fs';
import { messageOf } from '../../base/errors.ts';
import type { Span } from '../../link/span.ts';
import type { Exporter, Outcome } from '../exporter.ts';
import type { PartialQueueSettings } from '../queue-options.ts';
import { renderTrace, type TreeStyle } from '../trace-tree.ts';

export interface DebugSettings extends PartialQueueSettings {
  /** `basic` and `normal`: the tree. `detailed`: every attribute as well. */
  verbosity?: 'basic' | 'normal' | 'detailed';
}

/** Where the text goes. */
export interface TextSink {
  /** Resolves when the whole text is written; stops early when the signal is aborted. */
  write(text: string, signal: AbortSignal): Promise<void>;
  close(): void;
}

const RETRY_WRITE_MS = 10;

export function createDebugExporter(
  id: string,
  settings: DebugSettings,
  sink: TextSink = openTerminal(process.stdout.fd),
  style: Omit<TreeStyle, 'detailed'> = terminalStyle(process.stdout.isTTY, process.env),
): Exporter {
  const treeStyle: TreeStyle = { ...style, detailed: settings.verbosity === 'detailed' };
  return {
    id,
    destination: 'this terminal',
    wantsTraces: true,
    maxInFlight: 1,
    async send(batch: readonly Span[], signal: AbortSignal): Promise<Outcome> {
      const text = splitTraces(batch)
        .map((trace) => renderTrace(trace, treeStyle))
        .join('');
      try {
        await sink.write(text, signal);
      } catch (error) {
        const reason = messageOf(error);
        if (signal.aborted) return { result: 'retry', error: reason };
        // Nobody reads any more (EPIPE): the lines are gone.
        return { result: 'done', accepted: 0, rejected: batch.length, bytes: 0, error: reason };
      }
      const bytes = Buffer.byteLength(text);
      return { result: 'done', accepted: batch.length, rejected: 0, bytes };
    },
    close() {
      sink.close();
      return Promise.resolve();
    },
  };
}

/** A batch holds whole traces one after another: a new trace id starts the next. */
function splitTraces(batch: readonly Span[]): Span[][] {
  const traces: Span[][] = [];
  let last: string | undefined;
  for (const span of batch) {
    if (span.traceId !== last) traces.push([]);
    traces.at(-1)!.push(span);
    last = span.traceId;
  }
  return traces;
}

/** NO_COLOR (no-color.org) and FORCE_COLOR decide, then whether it is a terminal; text beyond ASCII where the locale is UTF-8 or unknown. */
export function terminalStyle(isTty: boolean, env: NodeJS.ProcessEnv): Omit<TreeStyle, 'detailed'> {
  const force = env.FORCE_COLOR;
  const locale = env.LC_ALL || env.LC_CTYPE || env.LANG || '';
  return {
    colour:
      force !== undefined && force !== ''
        ? force !== '0' && force !== 'false'
        : isTty && !env.NO_COLOR && env.TERM !== 'dumb',
    unicode: locale === '' || /utf-?8/i.test(locale),
  };
}

/** Writes to what `descriptor` points to without ever blocking on a terminal or a pipe. */
export function openTerminal(descriptor: number): TextSink {
  const own = reopen(descriptor);
  const target = own ?? descriptor;
  return {
    async write(text, signal) {
      const bytes = Buffer.from(text);
      for (let at = 0; at < bytes.length;) {
        if (signal.aborted) throw new Error('stopped before the terminal took the text');
        const written = await writeSome(target, bytes, at);
        at += written;
        if (written === 0) await new Promise((resolve) => setTimeout(resolve, RETRY_WRITE_MS));
      }
    },
    close() {
      if (own !== undefined) closeSync(own);
    },
  };
}

/** Only terminals and pipes block, and a regular file opened again would have a position of its own. Undefined: use the descriptor itself. */
function reopen(descriptor: number): number | undefined {
  try {
    const kind = fstatSync(descriptor);
    if (!kind.isCharacterDevice() && !kind.isFIFO()) return undefined;
    const flags = constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY;
    return openSync(`/proc/self/fd/${descriptor}`, flags);
  } catch {
    return undefined; // no /proc, or a terminal of another user (su): written to as it is, on libuv's pool
  }
}

/** Bytes written; 0 where the other side takes nothing now. Runs on libuv's pool, so the event loop goes on whatever the descriptor does. */
function writeSome(descriptor: number, bytes: Buffer, from: number): Promise<number> {
  return new Promise((resolve, reject) => {
    write(descriptor, bytes, from, bytes.length - from, null, (error, written) => {
      if (!error) resolve(written);
      else if (error.code === 'EAGAIN' || error.code === 'EINTR') resolve(0);
      else reject(error);
    });
  });
}
