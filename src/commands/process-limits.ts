import { constants, getPriority, setPriority } from 'node:os';

import { loadNative } from '../capture/native.ts';

/**
 * Half of a young generation of 8 MiB, from the start, so that memory does not creep up to it for minutes; and from one full collection to the next half
 * as much again as was alive. Left alone V8 lets a small heap grow fourfold and the young generation to 48 MiB: half of the agent's memory, for
 * nothing, since what is not short-lived here is small. With half of this young generation spans begin to outlive it, and moving them
 * costs more than is saved.
 */
const FLAGS = ['--min-semi-space-size=8', '--max-semi-space-size=8', '--heap-growing-percent=50'];

/** Of all threads: the host comes first (see also capture/cpu-budget). */
export const NICE = constants.priority.PRIORITY_BELOW_NORMAL;

/**
 * Starts this program anew, as the same process, at a low priority, which only threads made later take over, and with limits that V8 reads at its
 * start alone. Returns where it has both, or where the addon cannot be loaded, of which the command itself tells. Where the priority is refused
 * it stays as it was.
 */
export function limitProcess(): void {
  if (FLAGS.every((flag) => process.execArgv.includes(flag))) return;
  let native;
  try {
    native = loadNative();
  } catch {
    return;
  }
  try {
    if (getPriority() < NICE) setPriority(NICE);
  } catch {
    // `run` looks at what came of it, and can log.
  }
  native.replaceProcess([process.execPath, ...FLAGS, ...process.execArgv, ...process.argv.slice(1)]);
}
