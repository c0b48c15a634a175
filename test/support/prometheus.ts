/** A real Prometheus with the configuration and the rules of config/prometheus/, at other addresses and with shorter times. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { sleep } from './agent.ts';
import { freePorts } from './collector.ts';
import { inCheckout, needCommand } from './programs.ts';

export const SOURCE = inCheckout('config', 'prometheus');
const CONFIG = 'prometheus.yml';
const POLL_MS = 200;
const START_MS = 30_000;
const ASK_MS = 20_000;

export interface PrometheusOptions {
  /** Addresses in the place of those that the stack has, such as `agent:9464`. Targets that are not named here are left out by `null`. */
  targets: Readonly<Record<string, string | null>>;
  /** The `for` of every alert, in the place of its own. */
  alertAfter?: string;
}

export interface Sample {
  metric: Record<string, string>;
  /** The last one; NaN counts as none. */
  value: number;
}

export interface Alert {
  labels: Record<string, string>;
  annotations: Record<string, string>;
  state: 'pending' | 'firing';
}

export interface Exemplar {
  labels: Record<string, string>;
  value: string;
}

/**
 * The stack's own files, changed in three ways and no other: targets have other addresses, intervals are a third, alerts fire sooner. Returns the
 * configuration's path.
 */
export function writeConfig(folder: string, { targets, alertAfter }: PrometheusOptions): string {
  mkdirSync(folder, { recursive: true });
  let config = readFileSync(path.join(SOURCE, CONFIG), 'utf8').replaceAll(/(_interval): 15s/g, '$1: 5s');
  for (const [theirs, ours] of Object.entries(targets)) {
    if (!config.includes(`['${theirs}']`)) throw new Error(`${CONFIG} has no target ${theirs}`);
    config = config.replaceAll(`['${theirs}']`, ours === null ? '[]' : `['${ours}']`);
  }
  for (const name of readdirSync(SOURCE).filter((file) => file.endsWith('.rules.yml'))) {
    const rules = readFileSync(path.join(SOURCE, name), 'utf8');
    const shortened =
      alertAfter === undefined ? rules : rules.replaceAll(/\bfor: \w+/g, `for: ${alertAfter}`);
    writeFileSync(path.join(folder, name), shortened);
  }
  const file = path.join(folder, CONFIG);
  writeFileSync(file, config);
  return file;
}

export class Prometheus {
  readonly url: string;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, port: number) {
    this.#child = child;
    this.url = `http://127.0.0.1:${port}`;
  }

  /** Resolves when it answers queries. */
  static async start(
    context: Mocha.Context,
    folder: string,
    options: PrometheusOptions,
  ): Promise<Prometheus> {
    const command = needCommand(context, 'prometheus', 'it scrapes the agent');
    const [port] = await freePorts(1);
    const config = writeConfig(path.join(folder, 'prometheus'), {
      ...options,
      targets: { 'localhost:9090': `127.0.0.1:${port}`, ...options.targets },
    });
    const child = spawn(
      command,
      [
        `--config.file=${config}`,
        `--storage.tsdb.path=${path.join(folder, 'tsdb')}`,
        `--web.listen-address=127.0.0.1:${port}`,
        '--enable-feature=exemplar-storage',
        '--log.level=warn',
      ],
      { stdio: ['ignore', 'ignore', 'inherit'] },
    );
    const prometheus = new Prometheus(child, port!);
    await prometheus.#ready();
    return prometheus;
  }

  async #ready(): Promise<void> {
    const deadline = Date.now() + START_MS;
    while (this.#child.exitCode === null && Date.now() < deadline) {
      const answer = await fetch(`${this.url}/-/ready`).catch(() => undefined); // not listening yet
      if (answer?.ok) return;
      await sleep(POLL_MS);
    }
    this.#child.kill('SIGKILL');
    throw new Error(`Prometheus is not ready: exit code ${this.#child.exitCode}`);
  }

  /** Samples that are numbers. Rejects with what Prometheus says of the query. */
  async query(expr: string): Promise<Sample[]> {
    const { result } = await this.#ask<{
      result: Array<{ metric: Sample['metric']; value: [number, string] }>;
    }>('query', { query: expr });
    return result
      .map(({ metric, value }) => ({ metric, value: Number(value[1]) }))
      .filter(({ value }) => !Number.isNaN(value));
  }

  /** Series with at least one number within the last `seconds`, with the last one. */
  async queryRange(expr: string, seconds: number): Promise<Sample[]> {
    const end = Date.now() / 1000;
    const { result } = await this.#ask<{
      result: Array<{ metric: Sample['metric']; values: [number, string][] }>;
    }>('query_range', { query: expr, start: String(end - seconds), end: String(end), step: '1' });
    return result.flatMap(({ metric, values }) => {
      const numbers = values.map(([, value]) => Number(value)).filter((value) => !Number.isNaN(value));
      return numbers.length === 0 ? [] : [{ metric, value: numbers.at(-1)! }];
    });
  }

  async exemplars(expr: string, seconds: number): Promise<Exemplar[]> {
    const end = Date.now() / 1000;
    const found = await this.#ask<Array<{ exemplars: Exemplar[] }>>('query_exemplars', {
      query: expr,
      start: String(end - seconds),
      end: String(end),
    });
    return found.flatMap(({ exemplars }) => exemplars);
  }

  async alerts(): Promise<Alert[]> {
    return (await this.#ask<{ alerts: Alert[] }>('alerts', {})).alerts;
  }

  /** Resolves with the first thing that `look` finds; rejects after `timeoutMs`. */
  async until<T>(what: string, look: () => Promise<T | undefined>, timeoutMs = 60_000): Promise<T> {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      const found = await look();
      if (found !== undefined) return found;
      if (Date.now() > deadline) throw new Error(`${what}: not within ${timeoutMs} ms`);
      await sleep(POLL_MS);
    }
  }

  async #ask<T>(endpoint: string, parameters: Record<string, string>): Promise<T> {
    const response = await fetch(
      `${this.url}/api/v1/${endpoint}?${new URLSearchParams(parameters).toString()}`,
      {
        signal: AbortSignal.timeout(ASK_MS),
      },
    );
    const answer = (await response.json()) as { status: string; error?: string; data: T };
    if (answer.status !== 'success') throw new Error(`${answer.error}: ${JSON.stringify(parameters)}`);
    return answer.data;
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    await exited;
  }
}

/** What promtool says on stdout; throws with all that it says where it fails. */
export function promtool(context: Mocha.Context, ...args: string[]): string {
  const command = needCommand(context, 'promtool', 'it checks what Prometheus is given');
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`promtool ${args.join(' ')} ended with ${status}:\n${stdout}${stderr}`);
  return stdout;
}

/** What `promtool check metrics` finds fault with in a scrape, a line each. Throws where it cannot read it. */
export function checkMetrics(context: Mocha.Context, scrape: string): string[] {
  const command = needCommand(context, 'promtool', 'it checks what Prometheus is given');
  const { status, stderr } = spawnSync(command, ['check', 'metrics'], { encoding: 'utf8', input: scrape });
  // 3: it has something to say.
  if (status !== 0 && status !== 3) throw new Error(`promtool check metrics ended with ${status}: ${stderr}`);
  return stderr.split('\n').filter(Boolean);
}
