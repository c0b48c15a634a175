/** The clients and servers of test/workload/ as the live tests run them. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { inCheckout, needCommand, needCompiled } from './programs.ts';
import { environment } from './running-program.ts';

export type Mode = 'keepalive' | 'close' | 'pipeline';

/** One program: how it is started and what it can do. `service` is the OTEL_SERVICE_NAME it runs under. */
export interface Program {
  readonly name: string;
  readonly command: (context: Mocha.Context) => string[];
  /** After the positional arguments of README.md. */
  readonly options?: readonly string[];
  readonly modes?: readonly Mode[];
  readonly unix: boolean;
  /** Can send a request body in chunks (client), can answer in chunks (server). */
  readonly chunked: boolean;
  /** A server that does not read the body before it answers: the client may then give up sending it. */
  readonly answersEarly?: boolean;
  /** Can send the two methods that HttpURLConnection and urllib do not know. */
  readonly modeShare?: Partial<Record<Mode, number>>;
}

const script = (...parts: string[]): string => inCheckout('test', 'workload', ...parts);
const node = (file: string) => (): string[] => [process.execPath, script(...file.split('/'))];
const python =
  (file: string) =>
  (context: Mocha.Context): string[] => [
    // Debian's own interpreter: its packages have `requests`.
    needCommand(context, 'python3', 'Python is one of the traced programs').replace(/.*/, '/usr/bin/python3'),
    script('python', file),
  ];
const java =
  (main: string, ...options: string[]) =>
  (context: Mocha.Context): string[] => [
    needCommand(context, 'java', 'Java is one of the traced programs'),
    '-XX:TieredStopAtLevel=1',
    ...options,
    '-cp',
    needCompiled(context, 'java', 'java'),
    main,
  ];

export const SERVERS: readonly Program[] = [
  {
    name: 'nginx',
    command: (context) => {
      needCommand(context, 'nginx', 'nginx is one of the traced programs');
      return node('nginx/server.mjs')();
    },
    unix: true,
    chunked: false,
    answersEarly: true,
  },
  { name: 'node', command: node('node/server.mjs'), unix: true, chunked: true },
  { name: 'python', command: python('server.py'), unix: true, chunked: true },
  { name: 'go', command: (context) => [needCompiled(context, 'go', 'go-server')], unix: true, chunked: true },
  {
    name: 'java',
    // Without this property every response waits for a delayed acknowledgement.
    command: java('Server', '-Dsun.net.httpserver.nodelay=true'),
    unix: false,
    chunked: true,
  },
  { name: 'c', command: (context) => [needCompiled(context, 'c', 'c-server')], unix: true, chunked: true },
];

const BOTH: readonly Mode[] = ['keepalive', 'close'];

export const CLIENTS: readonly Program[] = [
  {
    name: 'curl',
    command: (context) => {
      needCommand(context, 'curl', 'curl is one of the traced programs');
      return node('curl/client.mjs')();
    },
    modes: BOTH,
    unix: true,
    chunked: true,
    modeShare: { close: 0.02 }, // a process a request
  },
  { name: 'node-http', command: node('node/client.mjs'), modes: BOTH, unix: true, chunked: true },
  {
    name: 'node-fetch',
    command: node('node/client.mjs'),
    options: ['--api=fetch'],
    modes: BOTH,
    unix: false,
    chunked: false,
  },
  {
    name: 'node-raw',
    command: node('node/client.mjs'),
    options: ['--api=raw'],
    modes: ['pipeline'],
    unix: true,
    chunked: true,
  },
  { name: 'python-http.client', command: python('client.py'), modes: BOTH, unix: true, chunked: false },
  {
    name: 'python-urllib',
    command: python('client.py'),
    options: ['--api=urllib'],
    modes: ['close'],
    unix: false,
    chunked: false,
  },
  {
    name: 'python-requests',
    command: python('client.py'),
    options: ['--api=requests'],
    modes: BOTH,
    unix: false,
    chunked: false,
  },
  {
    name: 'go',
    command: (context) => [needCompiled(context, 'go', 'go-client')],
    modes: BOTH,
    unix: true,
    chunked: true,
  },
  {
    name: 'java-HttpClient',
    command: java('Client'),
    modes: BOTH,
    unix: false,
    chunked: false,
    modeShare: { close: 0.05 },
  },
  {
    name: 'java-HttpURLConnection',
    command: java('Client'),
    options: ['--api=urlconnection'],
    modes: BOTH,
    unix: false,
    chunked: false,
  },
  {
    name: 'c',
    command: (context) => [needCompiled(context, 'c', 'c-client')],
    modes: [...BOTH, 'pipeline'],
    unix: true,
    chunked: true,
  },
];

export const byName = (programs: readonly Program[], name: string): Program =>
  programs.find((p) => p.name === name)!;
/** The quickest ones, for tests that are not about clients and servers. */
export const C_CLIENT = byName(CLIENTS, 'c');
export const C_SERVER = byName(SERVERS, 'c');
export const NODE_SERVER = byName(SERVERS, 'node');

/** One planned request and what it must come to. */
export interface Planned {
  method: string;
  /** Path without the query: unique in the run. */
  path: string;
  target: string;
  requestBytes: number;
  status: number;
  responseBytes: number;
  chunked: boolean;
  /** The client may leave the body unsent, whose size is then not known. */
  abandoned: boolean;
}

/** One line of a client's log; times in nanoseconds of CLOCK_MONOTONIC. */
export interface LogLine {
  method: string;
  target: string;
  status: number;
  sent: number;
  received: number;
  startNs: number;
  endNs: number;
  durationNs?: number;
  local?: string;
  peer?: string;
  error?: string;
}

type Mix = ReadonlyArray<
  [method: string, status: number, response: number, request: number, framing?: 'request' | 'response']
>;

/** Methods, statuses and sizes that every server of the folder can answer. */
const MIX: Mix = [
  ['GET', 200, 100, 0],
  ['POST', 201, 2000, 5000],
  ['GET', 404, 1, 0],
  ['HEAD', 200, 100, 0],
  ['GET', 200, 2000, 0, 'response'],
  ['PUT', 500, 20_000, 1],
  ['DELETE', 204, 0, 0],
  ['GET', 304, 0, 0],
  ['POST', 200, 0, 5000, 'request'],
  ['GET', 503, 2000, 0],
  ['POST', 200, 100_000, 100_000],
];

/** What a run of pipelined messages may hold within the payload limit, beyond which heads are not captured: short messages. */
const SHORT_MIX: Mix = [
  ['GET', 200, 100, 0],
  ['POST', 201, 1, 50],
  ['GET', 404, 1, 0],
  ['HEAD', 200, 100, 0],
  ['PUT', 500, 100, 1],
  ['DELETE', 204, 0, 0],
  ['GET', 304, 0, 0],
  ['POST', 200, 0, 100, 'request'],
];

/** A plan of `count` requests below `/w/<run>/`; chunked framing only where both programs can. */
export function makePlan(
  run: string,
  count: number,
  mode: Mode,
  client: Program,
  server: Program,
): Planned[] {
  const mix = mode === 'pipeline' ? SHORT_MIX : MIX;
  return Array.from({ length: count }, (_, n) => {
    const [method, status, size, body, framing] = mix[n % mix.length]!;
    const path = `/w/${run}/${n}`;
    const chunkedResponse = framing === 'response' && server.chunked;
    return {
      method,
      path,
      target: `${path}?status=${status}&size=${size}${chunkedResponse ? '&chunked=1' : ''}`,
      requestBytes: body,
      status,
      responseBytes: method === 'HEAD' || status === 204 || status === 304 ? 0 : size,
      chunked: framing === 'request' && client.chunked,
      abandoned: framing === 'request' && client.chunked && server.answersEarly === true,
    };
  });
}

/** Clients may run at once: each has files of its own. */
let serial = 0;

/** The directory of one test run, removed at the end. */
export class Scratch {
  readonly folder = mkdtempSync(path.join(tmpdir(), 'undertrace-live-'));

  file(name: string): string {
    return path.join(this.folder, name);
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** A server that runs until it is stopped. */
export class RunningServer {
  readonly service: string | undefined;
  readonly listening: readonly string[];
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, listening: readonly string[], service: string | undefined) {
    this.#child = child;
    this.listening = listening;
    this.service = service;
  }

  get pid(): number {
    return this.#child.pid!;
  }

  /** Starts it on addresses of README.md's forms; `wrap` is put in front of the command (a network namespace). */
  static async start(
    context: Mocha.Context,
    program: Program,
    addresses: readonly string[],
    options: { service?: string; wrap?: readonly string[] } = {},
  ): Promise<RunningServer> {
    const [command, ...args] = [...(options.wrap ?? []), ...program.command(context), ...addresses];
    const child = spawn(command!, args, {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: environment(options.service),
    });
    const ended = once(child, 'exit').then(([code]) => {
      throw new Error(`the ${program.name} server ended with ${code} before it listened`);
    });
    const line = once(createInterface({ input: child.stdout }), 'line') as Promise<[string]>;
    const [text] = await Promise.race([line, ended]);
    ended.catch(() => undefined); // it may end whenever it likes from here on
    const { listening } = JSON.parse(text) as { listening: string[] };
    return new RunningServer(child, listening, options.service);
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    await exited;
  }
}

/** Runs a client over a plan and gives back its log. Throws when it fails or its log shows what the plan does not. */
export async function runClient(
  context: Mocha.Context,
  program: Program,
  base: string,
  plan: readonly Planned[],
  mode: Mode,
  options: { scratch: Scratch; service?: string; wrap?: readonly string[]; timeoutMs?: number },
): Promise<LogLine[]> {
  const { scratch } = options;
  const run = serial++;
  const [planFile, logFile] = [scratch.file(`plan-${run}`), scratch.file(`log-${run}`)];
  const lines = plan.map((p) => `${p.method} ${p.target} ${p.requestBytes}${p.chunked ? ' chunked' : ''}\n`);
  writeFileSync(planFile, lines.join(''));
  const [command, ...args] = [
    ...(options.wrap ?? []),
    ...program.command(context),
    base,
    planFile,
    logFile,
    mode,
    ...(program.options ?? []),
  ];
  const child = spawn(command!, args, {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: environment(options.service),
  });
  const timer = setTimeout(() => child.kill('SIGKILL'), options.timeoutMs ?? 120_000);
  const [code, signal] = (await once(child, 'exit')) as [number | null, string | null];
  clearTimeout(timer);
  if (code !== 0) throw new Error(`the ${program.name} client ended with ${code ?? signal}`);
  const log = readFileSync(logFile, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as LogLine);
  const wrong = plan.find((p, i) => log[i]?.status !== p.status || log[i]?.received !== p.responseBytes);
  if (wrong) {
    const found = log.find((line) => line.target === wrong.target);
    throw new Error(
      `${program.name} (${mode}) at ${base}: ${JSON.stringify(wrong)} came to ${JSON.stringify(found)}`,
    );
  }
  return log;
}
