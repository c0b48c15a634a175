/**
 * A real server of a protocol, its clients, and the spans that they must give: test/protocols/<name>/scenario.ts exports a `scenario`, or `scenarios`,
 * one for each server by its name, which are run one after the other.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type { ProtocolName } from '../../src/base/settings.ts';
import { findCommand, inCheckout, lacking } from './programs.ts';
import { environment } from './running-program.ts';

/** Where scripts/protocol-packages.mjs has put what packages.json names. Programs find it through NODE_PATH, PYTHONPATH and CLASSPATH. */
export interface InstalledPackages {
  /** A node_modules. */
  node?: string;
  python?: string;
  classpath?: string;
  /** Folder of the program that was built from Go. */
  go?: string;
}

export interface Place {
  host: string;
  port: number;
  /** For data and logs; empty, removed afterwards. */
  folder: string;
  packages: InstalledPackages;
}

export interface ExpectedSpans {
  /** Name of the span. */
  name: string;
  /** The same at the server's end, or the one that gets a message, where it is another one. */
  servingName?: string;
  count: number;
  /** `error.type`; undefined: there is none. */
  errorType?: string;
  /** The same at the server's end, where it is another one; null: none. */
  servingErrorType?: string | null;
  /** What all of them have at the client's end. */
  attributes?: Record<string, unknown>;
  /** What all of them have at the server's end. */
  servingAttributes?: Record<string, unknown>;
}

export interface ScenarioClient {
  name: string;
  /** Does the scripted operations `count` times and checks their results itself; exits with 0 if all is right. */
  command(at: {
    host: string;
    port: number;
    count: number;
    /** That of the server. */
    folder: string;
    packages: InstalledPackages;
  }): string[];
  /** Spans of each of both ends. */
  expects(count: number): ExpectedSpans[];
  /** Names of spans that may come in any number: heartbeats, refreshes. */
  tolerates?: readonly string[];
  /** Rounds; 100 unless it says so. */
  count?: number;
  /**
   * Of a client that sends much at once, more than is captured of a connection while the agent does not know what it is: spans of each of both ends
   * before that. When they are there its standard input ends, for which it waits. On a busy machine the agent may be far behind.
   */
  before?(count: number): number;
}

export interface Scenario {
  protocol: ProtocolName;
  /** Where the server must listen; else on 127.0.0.1 and a free port. */
  at?: { host: string; port: number };
  /** Resolves when the server takes requests. */
  start(place: Place): Promise<{ stop(): Promise<void> }>;
  clients: readonly ScenarioClient[];
}

const SCENARIOS = inCheckout('test', 'protocols');

export function scenarioNames(): string[] {
  return readdirSync(SCENARIOS).filter((name) => existsSync(`${SCENARIOS}/${name}/scenario.ts`));
}

/** By their servers' names. */
export async function loadScenarios(name: string): Promise<Readonly<Record<string, Scenario>>> {
  const file = pathToFileURL(path.join(SCENARIOS, name, 'scenario.ts')).href;
  const { scenario, scenarios } = (await import(file)) as {
    scenario?: Scenario;
    scenarios?: Readonly<Record<string, Scenario>>;
  };
  return scenarios ?? { [name]: scenario! };
}

/** With one of its servers, the first. */
export async function loadFirstScenario(name: string): Promise<Scenario> {
  const [first] = Object.values(await loadScenarios(name));
  return first!;
}

interface AptNeed {
  command?: string;
  file?: string;
  packages: string[];
}

/** Path of a file in the scenario's folder, and a client that is a program there and takes HOST PORT COUNT and what else it is given. */
export function programsOf(name: string): {
  program: (file: string) => string;
  runs: (interpreter: string, file: string, ...more: string[]) => ScenarioClient['command'];
} {
  const program = (file: string): string => path.join(SCENARIOS, name, file);
  return {
    program,
    runs:
      (interpreter, file, ...more) =>
      ({ host, port, count }) => [interpreter, program(file), host, String(port), String(count), ...more],
  };
}

/** What scripts/protocol-packages.mjs has installed, by scenario, or installs; its arguments. Throws where that failed. */
export function protocolPackages(...args: string[]): Record<string, InstalledPackages> {
  const { status, stdout } = spawnSync(
    process.execPath,
    [inCheckout('scripts', 'protocol-packages.mjs'), ...args],
    { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] },
  );
  if (status !== 0) throw new Error(`protocol-packages.mjs ${args.join(' ')} ended with ${status}`);
  return JSON.parse(stdout) as Record<string, InstalledPackages>;
}

/** Spans of the statements that a client has sent while it was in a database, and of those that failed with a code. */
export function statementSpans(system: string, namespace: string) {
  const asked = (name: string, count: number, attributes: Record<string, unknown> = {}): ExpectedSpans => ({
    name,
    count,
    attributes: { 'db.system.name': system, 'db.namespace': namespace, ...attributes },
  });
  const failed = (name: string, count: number, code: string): ExpectedSpans => ({
    ...asked(name, count, { 'db.response.status_code': code }),
    errorType: code,
  });
  return { asked, failed };
}

/** What the scenario needs of the machine; skips the test, or fails it under CI, where that is not there. */
export function needPackages(context: Mocha.Context, name: string): InstalledPackages {
  const wanted = JSON.parse(readFileSync(`${SCENARIOS}/${name}/packages.json`, 'utf8')) as {
    apt?: AptNeed[];
  };
  for (const { command, file, packages } of wanted.apt ?? [])
    if (command === undefined ? !existsSync(file!) : findCommand(command) === undefined)
      lacking(context, `${packages.join(' ')} is not installed`);
  return (
    protocolPackages('--check', name)[name] ??
    lacking(context, `the clients of test/protocols/${name} are not installed`)
  );
}

/** Environment of a server or client of a scenario. */
export function withPackages(
  service: string,
  { node, python, classpath }: InstalledPackages,
): NodeJS.ProcessEnv {
  return {
    ...environment(service),
    ...(node === undefined ? {} : { NODE_PATH: node }),
    ...(python === undefined ? {} : { PYTHONPATH: python }),
    ...(classpath === undefined ? {} : { CLASSPATH: classpath }),
  };
}

/** Runs a client to its end. Throws with its output where it did not end well. Its standard input ends after `gate`. */
export async function runScenarioClient(
  service: string,
  [command, ...args]: readonly string[],
  packages: InstalledPackages,
  gate?: Promise<unknown>,
): Promise<void> {
  const child = spawn(command!, args, {
    stdio: [gate ? 'pipe' : 'ignore', 'pipe', 'pipe'],
    env: withPackages(service, packages),
  });
  void gate?.then(() => child.stdin!.end());
  // Apart, since what it says of an error may come before much else.
  const output = [child.stdout!, child.stderr!].map((stream) => {
    const said = { text: '' };
    stream.setEncoding('utf8').on('data', (text: string) => (said.text = (said.text + text).slice(-4000)));
    return said;
  });
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
  const texts = output.map(({ text }) => text).join('\n');
  if (code !== 0) throw new Error(`${service}: ${command} ended with ${code ?? signal}:\n${texts}`);
}

/** A server as a child process that is ready once its port takes connections (and, where asked, its output says so). */
export class ScenarioServer {
  readonly #child: ReturnType<typeof spawn>;
  readonly #name: string;

  private constructor(name: string, child: ReturnType<typeof spawn>) {
    this.#name = name;
    this.#child = child;
  }

  /** `ready`: what the output must say first. */
  static async start(
    [command, ...args]: readonly string[],
    { host, port, folder, packages }: Place,
    options: { ready?: RegExp; env?: NodeJS.ProcessEnv; timeoutMs?: number } = {},
  ): Promise<ScenarioServer> {
    const env = { ...withPackages('server', packages), ...options.env };
    const child = spawn(command!, args, { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    const said = new Promise<void>((resolve) => {
      for (const stream of [child.stdout, child.stderr])
        stream.setEncoding('utf8').on('data', (text: string) => {
          output = (output + text).slice(-16_000);
          if (options.ready?.test(output)) resolve();
        });
    });
    const ended = once(child, 'exit').then(([code]) => {
      throw new Error(`${command} ended with ${code}:\n${output}`);
    });
    const timeoutMs = options.timeoutMs ?? 60_000;
    const late = new Promise<never>((_, reject) => {
      setTimeout(
        () => reject(new Error(`${command} is not ready after ${timeoutMs} ms:\n${output}`)),
        timeoutMs,
      ).unref();
    });
    try {
      if (options.ready) await Promise.race([said, ended, late]);
      await Promise.race([listening(host, port), ended, late]);
    } catch (error) {
      child.kill('SIGKILL');
      throw error;
    }
    ended.catch(() => undefined); // it may end whenever it likes from here on
    return new ScenarioServer(command!, child);
  }

  get pid(): number {
    return this.#child.pid!;
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const child = this.#child;
    if (child.exitCode !== null || child.signalCode !== null)
      throw new Error(`${this.#name} had ended: ${child.exitCode ?? child.signalCode}`);
    const exited = once(child, 'exit');
    child.kill(signal);
    await exited;
  }
}

/** Resolves when something takes connections there. */
async function listening(host: string, port: number): Promise<void> {
  for (;;) {
    const socket = connect(port, host);
    const outcome = await Promise.race([
      once(socket, 'connect').then(() => true),
      once(socket, 'error').then(() => false),
    ]).catch(() => false);
    socket.destroy();
    if (outcome) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
