/** A program that serves until it is told to end, and says in its first line of output, as JSON, that it is ready and where. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** Java's own code for an end by SIGTERM, after which its shutdown hooks have run. */
const ENDED_BY_SIGTERM = 143;

/** Environment of a traced program: its service name, and nothing of the agent's own settings. */
export function environment(service: string | undefined): NodeJS.ProcessEnv {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('OTEL_')));
  return service === undefined ? env : { ...env, OTEL_SERVICE_NAME: service };
}

export class RunningProgram<Ready> {
  readonly #name: string;
  readonly #child: ChildProcess;
  readonly ready: Ready;

  private constructor(name: string, child: ChildProcess, ready: Ready) {
    this.#name = name;
    this.#child = child;
    this.ready = ready;
  }

  get pid(): number {
    return this.#child.pid!;
  }

  static async start<Ready>(
    name: string,
    [command, ...args]: readonly string[],
    service?: string,
  ): Promise<RunningProgram<Ready>> {
    const child = spawn(command!, args, { stdio: ['ignore', 'pipe', 'inherit'], env: environment(service) });
    const ended = once(child, 'exit').then(([code]) => {
      throw new Error(`${name} ended with ${code} before it was ready`);
    });
    const line = once(createInterface({ input: child.stdout }), 'line') as Promise<[string]>;
    const [text] = await Promise.race([line, ended]);
    ended.catch(() => undefined); // it may end whenever it likes from here on
    return new RunningProgram(name, child, JSON.parse(text) as Ready);
  }

  /** Resolves when it has ended. Throws where it ended by itself or with an error. */
  async stop(): Promise<void> {
    const exited =
      this.#child.exitCode === null && this.#child.signalCode === null
        ? once(this.#child, 'exit')
        : undefined;
    if (!exited)
      throw new Error(`${this.#name} had ended: ${this.#child.exitCode ?? this.#child.signalCode}`);
    this.#child.kill('SIGTERM');
    await exited;
    const { exitCode, signalCode } = this.#child;
    if (![0, ENDED_BY_SIGTERM].includes(exitCode ?? 0) || ![null, 'SIGTERM'].includes(signalCode))
      throw new Error(`${this.#name} ended with ${exitCode ?? signalCode}`);
  }
}
