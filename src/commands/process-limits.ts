import { constants, getPriority, setPriority } from 'node:os';

import { loadNative } from '../capture/native.ts';

/**
 * Where most of what a piece of code has made outlives a collection once, as spans that wait for their request do, V8 makes it among the old objects from
 * then on, for good: all spans and their attributes then die in full collections alone, which come four times as often.
 */
const SHARED_FLAGS = ['--no-allocation-site-pretenuring'];
/**
 * Half of a young generation of 8 MiB, from the start, so that memory does not creep up to it for minutes; and from one full collection to the next half
 * as much again as was alive. Left alone V8 lets a small heap grow fourfold and the young generation to 48 MiB: half of the agent's memory, for
 * nothing, since what is not short-lived here is small. With half of this young generation spans begin to outlive it, and moving them
 * costs more than is saved.
 */
const AGENT_FLAGS = [
  ...SHARED_FLAGS,
  '--min-semi-space-size=8',
  '--max-semi-space-size=8',
  '--heap-growing-percent=50',
];
/** A replay is alone with the machine's memory: spans that wait for their traces are not to be moved again and again. */
const REPLAY_FLAGS = [...SHARED_FLAGS, '--max-semi-space-size=64'];

/** Of all threads: the host comes first (see also capture/cpu-budget). */
export const NICE = constants.priority.PRIORITY_BELOW_NORMAL;

/** Starts the agent anew, as the same process, at a low priority, which only threads made later take over. Where that is refused it stays as it was. */
export function limitProcess(): void {
  restartWith(AGENT_FLAGS, () => {
    try {
      if (getPriority() < NICE) setPriority(NICE);
    } catch {
      // `run` looks at what came of it, and can log.
    }
  });
}

export function makeRoom(): void {
  restartWith(REPLAY_FLAGS);
}

/** V8 reads such flags at its start alone. Returns where it has them, or where the addon cannot be loaded, of which the command itself tells. */
function restartWith(flags: readonly string[], first?: () => void): void {
  if (flags.every((flag) => process.execArgv.includes(flag))) return;
  let native;
  try {
    native = loadNative();
  } catch {
    return;
  }
  first?.();
  native.replaceProcess([process.execPath, ...flags, ...process.execArgv, ...process.argv.slice(1)]);
}
