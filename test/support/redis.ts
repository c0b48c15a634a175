/** A Redis of the tests' own, on a port of its own, that can be killed and brought back. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { freePorts } from './collector.ts';
import { needCommand } from './programs.ts';

const PASSWORD = 'hunter2';

export class RedisServer {
  readonly port: number;
  readonly #command: string;
  #child: ChildProcess | undefined;

  private constructor(command: string, port: number) {
    this.#command = command;
    this.port = port;
  }

  /** Resolves when it takes connections. */
  static async start(context: Mocha.Context): Promise<RedisServer> {
    const command = needCommand(context, 'redis-server', 'the directory of several hosts is one');
    const [port] = await freePorts(1);
    const server = new RedisServer(command, port!);
    await server.start();
    return server;
  }

  get url(): string {
    return `redis://:${PASSWORD}@127.0.0.1:${this.port}/1`;
  }

  async start(): Promise<void> {
    const args = ['--port', String(this.port), '--bind', '127.0.0.1', '--requirepass', PASSWORD];
    const child = spawn(this.#command, [...args, '--save', '', '--appendonly', 'no'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.#child = child;
    const ready = (async () => {
      for await (const line of createInterface({ input: child.stdout }))
        if (line.includes('Ready to accept connections')) return;
      throw new Error(`redis-server on port ${this.port} ended before it was ready`);
    })();
    await ready;
    child.stdout.resume();
  }

  /** As a crash would end it, or a network: connections are cut, and nothing listens. */
  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined) return;
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  }

  /** Takes connections and commands, and answers nothing; until `resume`. */
  hang(): void {
    this.#child?.kill('SIGSTOP');
  }

  resume(): void {
    this.#child?.kill('SIGCONT');
  }
}
