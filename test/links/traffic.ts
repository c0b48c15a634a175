/** One run of a cell: its services and back ends are started, the load is sent through, and they tell the truth when they are stopped. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { compiledPrograms } from '../support/programs.ts';
import { environment, RunningProgram } from '../support/running-program.ts';
import { type Cell, linksPerRequest } from './cells.ts';
import { parseTruth, type Truth } from './truth.ts';

/** A load that takes longer than this hangs: the slowest cell needs 25 ms a request, one at a time. */
const LOAD_MS = 600_000;
const ROOTS = 'roots';

export interface RunOptions {
  clients: number;
  /** Requests of the load. */
  requests: number;
  /** Part of every path of the run, `/w/<run>/…`: tells the spans of runs apart, and is the same in all requests. */
  run: string;
  /** Where the truth is written. */
  folder: string;
  /** Called when the load has been started. */
  meanwhile?: () => Promise<void>;
}

export interface Traffic {
  /** Spans of both ends of every request, hops included. */
  readonly expectedSpans: number;
  readonly requestsPerSecond: number;
  /** Ends the services, and reads what they wrote down. */
  stop(): Promise<Truth>;
}

/** Resolves when the load has had all its responses. Whoever measures is to be listening before. */
export async function makeTraffic(cell: Cell, options: RunOptions): Promise<Traffic> {
  const { clients, requests, run, folder } = options;
  const running: Array<RunningProgram<unknown>> = [];
  // The front first, so that nobody loses a back end while it works. All are stopped, whatever one of them says.
  const stopAll = async (): Promise<void> => {
    const failures: unknown[] = [];
    for (const program of running.splice(0)) await program.stop().catch((error) => failures.push(error));
    if (failures.length > 0) throw new AggregateError(failures, failures.map(String).join('\n'));
  };
  try {
    const port = await startServices(cell, folder, running);
    const [{ seconds }] = await Promise.all([
      sendLoad(port, clients, requests, `/w/${run}/front/`, path.join(folder, ROOTS)),
      options.meanwhile?.(),
    ]);
    return {
      expectedSpans: 2 * requests * (1 + linksPerRequest(cell)),
      requestsPerSecond: requests / seconds,
      stop: async () => {
        await stopAll();
        return readTruth(cell, folder);
      },
    };
  } catch (error) {
    // A service that failed is often why: both are said.
    await stopAll().catch((also: unknown) => {
      throw new AggregateError([error, also], `${String(error)}\n${String(also)}`);
    });
    throw error;
  }
}

/** Back ends first, then the chain from its end; gives back the port of its front. */
async function startServices(
  cell: Cell,
  folder: string,
  running: Array<RunningProgram<unknown>>,
): Promise<number> {
  const command = [path.join(compiledPrograms().folder, 'links-back-end')];
  const backEnds = await RunningProgram.start<{ ports: number[] }>('the back ends', command, 'back-ends');
  running.unshift(backEnds);
  const { ports } = backEnds.ready;
  let next: number | undefined;
  for (const [place, service] of [...cell.chain.entries()].reverse()) {
    const called: number[] = [...service.calls].map((letter) => ports['abcd'.indexOf(letter)]!);
    if (next !== undefined) called[called.length - 1] = next;
    const program = await RunningProgram.start<{ port: number }>(
      service.name,
      [...service.command(), truthFile(folder, place), ...called.map(String)],
      cell.chain.length === 1 ? service.name : `${service.name}-${place + 1}`,
    );
    running.unshift(program);
    next = program.ready.port;
  }
  return next!;
}

async function sendLoad(
  port: number,
  clients: number,
  requests: number,
  prefix: string,
  rootsFile: string,
): Promise<{ seconds: number }> {
  const args = [port, prefix, clients, requests, rootsFile].map(String);
  const child = spawn(path.join(compiledPrograms().folder, 'links-load'), args, {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: environment('load'),
    timeout: LOAD_MS,
    killSignal: 'SIGKILL',
  });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (piece: string) => (text += piece));
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
  if (code !== 0) throw new Error(`the load ended with ${code ?? signal}`);
  return JSON.parse(text) as { seconds: number };
}

const truthFile = (folder: string, place: number): string => path.join(folder, `truth-${place}`);

export function readTruth(cell: Cell, folder: string): Truth {
  const read = (file: string): string => readFileSync(file, 'utf8');
  const truth = parseTruth(
    read(path.join(folder, ROOTS)),
    cell.chain.map((_, place) => read(truthFile(folder, place))),
  );
  const links = [...truth.calls.values()].reduce((sum, calls) => sum + calls.length, 0);
  const expected = truth.roots.length * linksPerRequest(cell);
  if (links !== expected) throw new Error(`${cell.name}: the truth has ${links} links, not ${expected}`);
  return truth;
}
