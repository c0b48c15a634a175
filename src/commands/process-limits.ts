import { readdirSync } from 'node:fs';
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

const NICE = constants.priority.PRIORITY_BELOW_NORMAL;

/** Starts the agent anew, as the same process, with a heap that stays small. */
export function limitProcess(): void {
  restartWith(AGENT_FLAGS);
}

/**
 * Lowers the priority of all threads that there are, and of those that they make: the host comes first (see also capture/cpu-budget). Not before the
 * agent has started, which takes ten times as long at this priority where others want all of the CPU. Throws where it is refused.
 */
export function yieldToHost(): void {
  for (const name of readdirSync('/proc/self/task')) {
    const thread = Number(name);
    try {
      if (getPriority(thread) < NICE) setPriority(thread, NICE);
    } catch (error) {
      if ((error as { info?: { code?: string } }).info?.code !== 'ESRCH') throw error; // it has ended
    }
  }
}

export function makeRoom(): void {
  restartWith(REPLAY_FLAGS);
}

/** V8 reads such flags at its start alone. Returns where it has them, or where the addon cannot be loaded, of which the command itself tells. */
function restartWith(flags: readonly string[]): void {
  if (flags.every((flag) => process.execArgv.includes(flag))) return;
  let native;
  try {
    native = loadNative();
  } catch {
    return;
  }
  native.replaceProcess([process.execPath, ...flags, ...process.execArgv, ...process.argv.slice(1)]);
}
