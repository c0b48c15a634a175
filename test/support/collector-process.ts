/** A process of a program that is made of the Collector's parts, as Jaeger is, too: started, ready, stopped. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

const START_MS = 20_000;

export class CollectorProcess {
  readonly #title: string;
  readonly #child: ChildProcess;

  private constructor(title: string, child: ChildProcess) {
    this.#title = title;
    this.#child = child;
  }

  /** With the configuration in `file`, which may name variables of `env`; resolves when it says that it is ready. */
  static async start(
    title: string,
    binary: string,
    file: string,
    env: Readonly<Record<string, string>> = {},
  ): Promise<CollectorProcess> {
    const child = spawn(binary, ['--config', file], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, ...env },
    });
    const started = new CollectorProcess(title, child);
    await started.#ready();
    return started;
  }

  async #ready(): Promise<void> {
    const child = this.#child;
    let log = '';
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => {
        child.kill('SIGKILL');
        reject(new Error(`${this.#title} is not ready after ${START_MS} ms:\n${log}`));
      }, START_MS);
      child.stderr!.setEncoding('utf8').on('data', (text: string) => {
        log += text;
        if (log.includes('Everything is ready')) {
          clearTimeout(timer);
          log = '';
          resolve();
        }
      });
      child.on('error', reject);
      child.on('exit', (code) => {
        clearTimeout(timer);
        reject(new Error(`${this.#title} ended with ${code}:\n${log}`));
      });
    });
  }

  async stop(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    const child = this.#child;
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill(signal);
    await exited;
  }

  /** Stops it where it stands (SIGSTOP): connections stay open and nothing is answered. */
  freeze(): void {
    this.#child.kill('SIGSTOP');
  }

  thaw(): void {
    this.#child.kill('SIGCONT');
  }
}
