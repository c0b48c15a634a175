/** The servers of one test, each on a port of its own, which end together. */
import { type Program, RunningServer } from './workload.ts';

export interface Server {
  pid: number;
  /** Base URL. */
  base: string;
}

export class Servers {
  readonly #running: RunningServer[] = [];

  async start(context: Mocha.Context, program: Program, service: string): Promise<Server> {
    const server = await RunningServer.start(context, program, ['127.0.0.1:0'], { service });
    this.#running.push(server);
    return { pid: server.pid, base: `http://${server.listening[0]}` };
  }

  async stop(): Promise<void> {
    for (const server of this.#running.splice(0)) await server.stop();
  }
}
