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
