/** A client that asks when it is told, over one connection: test/workload/node/asker.mjs. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { inCheckout } from './programs.ts';
import { environment } from './running-program.ts';

export class Asker {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #lines: AsyncIterator<string>;

  /** `wrap` is put in front of the command (a network namespace). */
  constructor(base: string, service: string, wrap: readonly string[] = []) {
    const script = inCheckout('test', 'workload', 'node', 'asker.mjs');
    const [command, ...args] = [...wrap, process.execPath, script, base];
    this.#child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'], env: environment(service) });
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  /** Resolves to the status or the code of the error. */
  async ask(target: string, patienceMs = 0): Promise<string> {
    this.#child.stdin.write(`${target} ${patienceMs}\n`);
    return String((await this.#lines.next()).value);
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    await exited;
  }
}
