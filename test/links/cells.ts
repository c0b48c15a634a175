/** The services of the laboratory, and the arrangements of them that are measured. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { compiledPrograms, findCommand, inCheckout } from '../support/programs.ts';

/** What a service needs of the machine: a command, a file, or a compiled language. */
interface Needs {
  command?: string;
  file?: string;
  compiled?: 'c' | 'go' | 'java';
}

export interface Service {
  readonly name: string;
  readonly needs: Needs;
  /** Before the arguments: the truth file, then the ports of its back ends. */
  readonly command: () => string[];
  /** Letters of the back ends that it calls for every request. */
  readonly calls: string;
  /** Nothing in the agent was tuned on it. */
  readonly unseen?: boolean;
}

const ALL = 'abcd';
const source = (...parts: string[]): string => inCheckout('test', 'links', 'services', ...parts);
const compiled = (name: string): string => path.join(compiledPrograms().folder, name);

const node = (name: string): Service => ({
  name: `node-${name}`,
  needs: {},
  command: () => [process.execPath, source('node', `${name}.mjs`)],
  calls: ALL,
});

/** `module`: what it imports of Debian's packages. */
const python = (name: string, module?: string): Service => ({
  name: `python-${name.replaceAll('_', '-')}`,
  needs: { file: module === undefined ? '/usr/bin/python3' : `/usr/lib/python3/dist-packages/${module}` },
  // Debian's own interpreter: it has the packages. Nothing is written beside the sources.
  command: () => ['/usr/bin/python3', '-B', source('python', `${name}.py`)],
  calls: ALL,
});

const java = (name: string, main: string): Service => ({
  name: `java-${name}`,
  needs: { command: 'java', compiled: 'java' },
  command: () => ['java', '-XX:TieredStopAtLevel=1', '-cp', compiled('links-java'), main],
  calls: ALL,
});

const proxy = (name: string): Service => ({
  name: `${name}-proxy`,
  needs: { command: name },
  command: () => [process.execPath, source('proxy', `${name}.mjs`)],
  calls: 'a',
});

const SERVICES: readonly Service[] = [
  ...[
    'async-await',
    'pooled-fetch',
    'files-between',
    'exhausted-agent',
    'timers-between',
    'worker-threads',
  ].map(node),
  python('flask_threaded', 'flask'),
  python('flask_executor', 'flask'),
  { ...python('http_server_map'), unseen: true },
  python('asyncio_aiohttp', 'aiohttp'),
  python('uvloop_aiohttp', 'uvloop'),
  java('thread-per-request', 'ThreadPerRequest'),
  java('executor-pool', 'ExecutorPool'),
  { ...java('invoke-all-pool', 'InvokeAllPool'), unseen: true },
  java('async-client', 'AsyncClient'),
  {
    name: 'go-net-http',
    needs: { compiled: 'go' },
    command: () => [compiled('links-net-http')],
    calls: ALL,
  },
  {
    name: 'c-thread-per-request',
    needs: { compiled: 'c' },
    command: () => [compiled('links-thread-per-request')],
    calls: ALL,
  },
  proxy('nginx'),
  proxy('haproxy'),
];

/** Services in a row: each calls the back ends, and the next one as its last. */
export interface Cell {
  readonly name: string;
  readonly chain: readonly Service[];
}

const chainOf = (name: string, ...services: string[]): Cell => ({
  name,
  chain: services.map((service) => SERVICES.find((each) => each.name === service)!),
});

export const CELLS: readonly Cell[] = [
  ...SERVICES.map((service) => ({ name: service.name, chain: [service] })),
  chainOf(
    'chain-of-four',
    'node-async-await',
    'python-flask-threaded',
    'node-async-await',
    'c-thread-per-request',
  ),
];

/** Inner links of one request of the load. */
export function linksPerRequest({ chain }: Cell): number {
  return chain.reduce((sum, { calls }) => sum + calls.length, 0);
}

/** Why the cell cannot be measured on this machine, or undefined. */
export function lackOf(cell: Cell): string | undefined {
  const { missing } = compiledPrograms();
  const lacks = cell.chain.flatMap(({ needs }): string[] => [
    ...(needs.command && !findCommand(needs.command) ? [`${needs.command} is not installed`] : []),
    ...(needs.file && !existsSync(needs.file) ? [`${needs.file} is not there`] : []),
    ...(needs.compiled && missing[needs.compiled] ? [missing[needs.compiled]!] : []),
  ]);
  // The load and the back ends.
  return missing.c ?? lacks[0];
}
