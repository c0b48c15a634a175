import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';

import { BenchAgent } from './agent.ts';
import { endWithUs } from './children.ts';
import { BareHooks } from './hooks.ts';
import { type Row, median } from './statistics.ts';

/** Runs of the load's own whose figures are shown. */
const RUNS = 3;
/** Windows of time for each state, from which the change is told. */
const ROUNDS = 200;
const WINDOW_MS = 250;
const SETTLE_MS = 50;
const WARM_WINDOWS = 5;
const FLOOR = 0.85;
const NGINX_PORT = 18_088;
const REDIS_PORT = 18_379;

export interface Sample {
  perSecond: number;
  p99Ms: number;
}

/** A server of ours on loopback; resolves when it accepts. */
export async function startServer(
  command: string,
  args: string[],
  port: number,
): Promise<() => Promise<void>> {
  const child = endWithUs(spawn(command, args, { stdio: 'ignore' }));
  while (child.exitCode === null) {
    const socket = connect(port, '127.0.0.1');
    const up = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    });
    socket.destroy();
    if (up) break;
    await setTimeout(20);
  }
  if (child.exitCode !== null) throw new Error(`${command} ended with code ${child.exitCode}`);
  return async () => {
    child.kill('SIGTERM');
    if (child.exitCode === null) await once(child, 'exit');
  };
}

/** nginx with one worker: `/status` counts its requests, `/x` is 11 bytes from memory, `/file` 600 bytes from a file, with a line in an access log. */
export async function startNginx(port: number): Promise<() => Promise<void>> {
  const directory = mkdtempSync(join(tmpdir(), 'bench-nginx-'));
  const file = join(directory, 'nginx.conf');
  writeFileSync(join(directory, 'file'), 'x'.repeat(600));
  writeFileSync(
    file,
    `worker_processes 1; daemon off; master_process off; pid ${directory}/pid; error_log /dev/null;
events { worker_connections 2048; }
http {
  access_log off; keepalive_requests 1000000000; sendfile on;
  server {
    listen 127.0.0.1:${port};
    location /status { stub_status; }
    location /x { return 200 "hello world"; }
    location /file { root ${directory}; access_log ${directory}/access.log; }
  }
}
`,
  );
  const stop = await startServer('nginx', ['-c', file, '-p', directory], port);
  return async () => {
    await stop();
    rmSync(directory, { recursive: true });
  };
}

/** A server and those who ask it. */
interface Load {
  readonly what: string;
  /** Asks for some seconds. */
  measure(): Sample;
  /** Asks without end. */
  begin(): ChildProcess;
  /** How many requests have been answered so far. */
  answered(): Promise<number>;
}

type State = 'off' | 'on' | 'hooks';
const ORDERS: readonly State[][] = [
  ['off', 'on', 'hooks'],
  ['hooks', 'off', 'on'],
  ['on', 'hooks', 'off'],
  ['hooks', 'on', 'off'],
  ['off', 'hooks', 'on'],
  ['on', 'off', 'hooks'],
];

/** What is on the tracepoints of all system calls: nothing, the agent's programs, or bare hooks. */
class Switched {
  readonly #agent: BenchAgent;
  #state: State = 'on';
  #hooks: BareHooks | undefined;

  constructor(agent: BenchAgent) {
    this.#agent = agent;
  }

  async to(state: State): Promise<void> {
    if (state === this.#state) return;
    if (this.#state === 'on') await this.#agent.switchOff();
    this.#hooks?.detach();
    this.#hooks = state === 'hooks' ? BareHooks.attach() : undefined;
    if (state === 'on') await this.#agent.switchOn();
    this.#state = state;
  }
}

/** Requests a second of a load that is running, over one window. */
async function rateOf(load: Load): Promise<number> {
  await setTimeout(SETTLE_MS);
  const [from, before] = [performance.now(), await load.answered()];
  await setTimeout(WINDOW_MS);
  const [to, after] = [performance.now(), await load.answered()];
  return ((after - before) * 1000) / (to - from);
}

async function compare(load: Load): Promise<Row> {
  // What is measured with Redis is a protocol that is not decoded.
  const agent = await BenchAgent.start(undefined, { protocols: { off: ['redis'] } });
  const switched = new Switched(agent);
  const samples: Record<State, Sample[]> = { off: [], on: [], hooks: [] };
  const rates: Record<State, number> = { off: 0, on: 0, hooks: 0 };
  load.measure(); // warm up
  for (let run = 0; run < RUNS; run++) {
    for (const state of ['off', 'on'] as const) {
      await switched.to(state);
      samples[state].push(load.measure());
    }
  }
  const asking = endWithUs(load.begin());
  for (let i = 0; i < WARM_WINDOWS; i++) await rateOf(load);
  for (let round = 0; round < ROUNDS; round++) {
    for (const state of ORDERS[round % ORDERS.length]!) {
      await switched.to(state);
      rates[state] += await rateOf(load);
    }
  }
  asking.kill('SIGKILL');
  await switched.to('on');
  await agent.stop();
  const ratio = rates.on / rates.off;
  return {
    what: load.what,
    without: showSamples(samples.off),
    with: showSamples(samples.on),
    change: `${(ratio * 100).toFixed(1)} %`,
    hooks: `${((rates.hooks / rates.off) * 100).toFixed(1)} %`,
    bound: `≥ ${FLOOR * 100} %`,
    met: ratio >= FLOOR,
  };
}

export function showSamples(samples: readonly Sample[]): string {
  return `${median(samples.map((s) => s.perSecond)).toFixed(0)}/s, p99 ${median(samples.map((s) => s.p99Ms)).toFixed(2)} ms`;
}

export function sumOf(samples: readonly Sample[]): number {
  return samples.reduce((total, { perSecond }) => total + perSecond, 0);
}

export function runWrk(url: string): Sample {
  const text = execFileSync('wrk', ['-t1', '-c16', '-d2s', '--latency', url], { encoding: 'utf8' });
  const [, p99, unit] = /99%\s+([\d.]+)(us|ms|s)/.exec(text)!;
  const scale = { us: 1e-3, ms: 1, s: 1e3 }[unit as 'us' | 'ms' | 's'];
  return { perSecond: Number(/Requests\/sec:\s+([\d.]+)/.exec(text)![1]), p99Ms: Number(p99) * scale };
}

function nginxLoad(path: string, what: string): Load {
  const base = `http://127.0.0.1:${NGINX_PORT}`;
  return {
    what: `nginx, keep-alive, 16 connections: ${what}`,
    measure: () => runWrk(`${base}/${path}`),
    begin: () => spawn('wrk', ['-t1', '-c16', '-d24h', `${base}/${path}`], { stdio: 'ignore' }),
    answered: async () => Number(/(\d+) \nReading/.exec(await (await fetch(`${base}/status`)).text())![1]),
  };
}

async function redisLoad(): Promise<Load & { end(): void }> {
  const socket = connect(REDIS_PORT, '127.0.0.1').setEncoding('utf8').setNoDelay(true);
  await once(socket, 'connect');
  const args = ['-p', `${REDIS_PORT}`, '-t', 'get'];
  return {
    what: 'redis-benchmark GET, 50 connections',
    measure() {
      const text = execFileSync('redis-benchmark', [...args, '-n', '150000', '--csv'], { encoding: 'utf8' });
      const fields = text.trim().split('\n').at(-1)!.replaceAll('"', '').split(',').map(Number);
      return { perSecond: fields[1]!, p99Ms: fields[6]! };
    },
    begin: () => spawn('redis-benchmark', [...args, '-n', '2000000000'], { stdio: 'ignore' }),
    async answered() {
      socket.write('INFO stats\r\n');
      let text = '';
      for (;;) {
        text += (await once(socket, 'data'))[0] as string;
        const [head, length] = /^\$(\d+)\r\n/.exec(text) ?? [];
        if (head === undefined || text.length < head.length + Number(length) + 2) continue;
        return Number(/total_commands_processed:(\d+)/.exec(text)![1]);
      }
    },
    end: () => socket.destroy(),
  };
}

/** Requests a second with and without the agent. */
export async function benchThroughput(): Promise<Row[]> {
  const stopNginx = await startNginx(NGINX_PORT);
  const rows = [
    await compare(nginxLoad('x', '11 bytes from memory')),
    await compare(nginxLoad('file', 'a file, and an access log')),
  ];
  await stopNginx();
  const stopRedis = await startServer('redis-server', ['--port', `${REDIS_PORT}`, '--save', ''], REDIS_PORT);
  const redis = await redisLoad();
  rows.push(await compare(redis));
  redis.end();
  await stopRedis();
  return rows;
}
