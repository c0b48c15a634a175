/** Takes the CPU from everybody else: loops that do nothing, until they are stopped or their time is over. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

export const LOOPS = 2;
const MAX_MS = 600_000;
const SOURCE = `const end = Date.now() + ${MAX_MS}; while (Date.now() < end);`;

export class BusyLoops {
  readonly #children: readonly ChildProcess[];

  constructor() {
    this.#children = Array.from({ length: LOOPS }, () =>
      spawn(process.execPath, ['-e', SOURCE], { stdio: ['ignore', 'ignore', 'inherit'] }),
    );
  }

  /** Throws where a loop had ended before: the CPU was not busy all the time. */
  async stop(): Promise<void> {
    const early = this.#children.some((child) => child.exitCode !== null || child.signalCode !== null);
    for (const child of this.#children) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
    }
    if (early) throw new Error('a busy loop ended too early');
  }
}
