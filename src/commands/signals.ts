import { isatty } from 'node:tty';

/** A promise for the end of a run. */
export interface Stopped extends Promise<void> {
  /** Ends it without a signal. */
  stop(): void;
}

/** Resolves on the first SIGINT or SIGTERM, or after `durationMs`; the second signal ends the process at once. */
export function untilStopped(durationMs?: number): Stopped {
  let resolve: () => void = () => undefined;
  const promise = new Promise<void>((done) => (resolve = done));
  let signals = 0;
  const onSignal = (signal: NodeJS.Signals): void => {
    signals++;
    if (signals > 1) process.exit(signal === 'SIGINT' ? 130 : 143);
    resolve();
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  if (durationMs !== undefined) setTimeout(resolve, durationMs);
  return Object.assign(promise, { stop: () => resolve() });
}

/**
 * Calls `reload` on SIGHUP, which services are told so to read their configuration again. A process that was started on a terminal gets the same signal
 * when that is closed: then `stop`, since nobody is there any more to end it.
 */
export function onHangup({ reload, stop }: { reload: () => void; stop: () => void }): void {
  process.on('SIGHUP', () => (terminalIsGone() ? stop : reload)());
}

const TERMINALS = [0, 1, 2].filter((descriptor) => isatty(descriptor));

/** Whether the terminal that this process was started on has been closed. */
function terminalIsGone(): boolean {
  return TERMINALS.length > 0 && !TERMINALS.some((descriptor) => isatty(descriptor));
}

/**
 * Ends a process whose work is done as one without a hang-up handler ends: by the signal. Node, which puts a terminal back in order at its exit, aborts
 * where there is none any more. Returns where the terminal is there, or never was.
 */
export function endIfHungUp(): void {
  if (!terminalIsGone()) return;
  process.removeAllListeners('SIGHUP');
  process.kill(process.pid, 'SIGHUP');
}
