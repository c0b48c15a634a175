import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { BenchAgent } from './agent.ts';
import { endWithUs } from './children.ts';
import { BareHooks } from './hooks.ts';
import { type Row, median } from './statistics.ts';

const ROUNDS = 12;
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
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  if (child.exitCode !== null) throw new Error(`${command} ended with code ${child.exitCode}`);
  return async () => {
    child.kill('SIGTERM');
    if (child.exitCode === null) await once(child, 'exit');
  };
}

/** nginx with one worker: `/x` is 11 bytes from memory, `/file` 600 bytes from a file, with a line in an access log. */
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

async function compare(what: string, measure: () => Sample): Promise<Row> {
  const off: Sample[] = [];
  const on: Sample[] = [];
  const [ratios, hooked]: [number[], number[]] = [[], []];
  measure(); // warm up
  off.push(measure());
  for (let round = 0; round < ROUNDS; round++) {
    const agent = await BenchAgent.start();
    for (let i = 0; i < 2; i++) measure(); // V8 compiles what runs often, and the CPU time that the agent may save up is spent
    const traced = [measure(), measure()];
    await agent.stop();
    off.push(measure());
    on.push(...traced);
    // Of the agent's rounds to those before and after them: machines drift.
    ratios.push(sumOf(traced) / sumOf(off.slice(-2)));
    const hooks = BareHooks.attach();
    const bare = measure();
    hooks.detach();
    hooked.push(bare.perSecond / off.at(-1)!.perSecond);
  }
  const ratio = median(ratios);
  return {
    what,
    without: showSamples(off),
    with: showSamples(on),
    change: `${(ratio * 100).toFixed(1)} %`,
    hooks: `${(median(hooked) * 100).toFixed(1)} %`,
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

/** Requests a second with and without the agent, in turn. */
export async function benchThroughput(): Promise<Row[]> {
  const stopNginx = await startNginx(NGINX_PORT);
  const rows: Row[] = [];
  for (const [path, what] of [
    ['x', '11 bytes from memory'],
    ['file', 'a file, and an access log'],
  ]) {
    const row = await compare(`nginx, keep-alive, 16 connections: ${what}`, () =>
      runWrk(`http://127.0.0.1:${NGINX_PORT}/${path}`),
    );
    rows.push(row);
  }
  await stopNginx();
  const stopRedis = await startServer('redis-server', ['--port', `${REDIS_PORT}`, '--save', ''], REDIS_PORT);
  const redis = await compare('redis-benchmark GET, 50 connections', () => {
    const text = execFileSync(
      'redis-benchmark',
      ['-p', `${REDIS_PORT}`, '-n', '150000', '-t', 'get', '--csv'],
      { encoding: 'utf8' },
    );
    const fields = text
      .trim()
      .split('\n')
      .at(-1)!
      .split(',')
      .map((field) => Number(field.replaceAll('"', '')));
    return { perSecond: fields[1]!, p99Ms: fields[6]! };
  });
  await stopRedis();
  return [...rows, redis];
}
