import { execFile } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { fileURLToPath } from 'node:url';
import { freePorts } from '../../test/support/collector.ts';
import { loadFirstScenario, protocolPackages, type InstalledPackages } from '../../test/support/scenario.ts';
import { BenchAgent, METRICS_PORT } from './agent.ts';
import { lossesIn, type Row } from './statistics.ts';
import { startServer } from './throughput.ts';

const SECONDS = 60;
/** Of each of the eight protocols. */
const PER_SECOND = 1250;
/** Whose servers the live tests start, too. */
const SERVERS = ['redis', 'memcached', 'mqtt', 'nats', 'dns', 'postgresql'] as const;
const CLIENT = fileURLToPath(new URL('mixed-client.cjs', import.meta.url));
const run = promisify(execFile);

type Ports = Record<(typeof SERVERS)[number] | 'http' | 'http2', number>;
interface PortStatus {
  port: number;
  protocol: string;
  exchanges: number;
}

/** Both protocols of HTTP without encryption, each at a port. */
async function startNginx(folder: string, { http, http2 }: Ports): Promise<() => Promise<void>> {
  const file = path.join(folder, 'nginx.conf');
  writeFileSync(
    file,
    `worker_processes 1; daemon off; master_process off; pid ${folder}/pid; error_log /dev/null; events {}
http {
  access_log off; keepalive_requests 1000000000;
  server { listen 127.0.0.1:${http}; return 200 "hello world"; }
  server { listen 127.0.0.1:${http2} http2; return 200 "hello world"; }
}
`,
  );
  return startServer('nginx', ['-c', file, '-p', folder], http);
}

/** Everything that asks, at once. Resolves with how often each protocol was asked. */
async function ask(ports: Ports, folder: string, packages: Record<string, InstalledPackages>) {
  const modules = SERVERS.map((name) => packages[name]?.node).filter((found) => found !== undefined);
  const rates = Object.fromEntries(SERVERS.map((name) => [name, PER_SECOND]));
  const plan = { seconds: SECONDS, rates, ports, dns: '127.0.0.53' };
  const statement = path.join(folder, 'statement.sql');
  writeFileSync(statement, 'SELECT 1 AS one;\n');
  const h2load = (port: number, ...args: string[]): Promise<{ stdout: string }> =>
    run(
      'h2load',
      ['-t', '1', '-c', '10', '--rps', `${PER_SECOND / 10}`, '-D', `${SECONDS}`, ...args].concat(
        `http://127.0.0.1:${port}/x`,
      ),
    );
  const [paced, http, http2, postgresql] = await Promise.all([
    run(process.execPath, [CLIENT, JSON.stringify(plan)], {
      env: { ...process.env, NODE_PATH: modules.join(path.delimiter) },
    }),
    h2load(ports.http, '--h1'),
    h2load(ports.http2),
    run(
      'pgbench',
      [
        ...[
          '-h',
          '127.0.0.1',
          '-p',
          `${ports.postgresql}`,
          '-U',
          'shop',
          '-n',
          '-f',
          statement,
          '-M',
          'prepared',
        ],
        ...['-c', '4', '-R', `${PER_SECOND}`, '-T', `${SECONDS}`, 'shop'],
      ],
      { env: { ...process.env, PGPASSWORD: 'secret' } },
    ),
  ]);
  const total = ({ stdout }: { stdout: string }): number => Number(/requests: (\d+) total/.exec(stdout)![1]);
  return {
    ...(JSON.parse(paced.stdout) as Record<string, number>),
    http: total(http),
    http2: total(http2),
    postgresql: Number(/transactions actually processed: (\d+)/.exec(postgresql.stdout)![1]),
  };
}

/** What is wrong with what the agent says of the servers. */
function faults(asked: Record<string, number>, ports: Ports, seen: readonly PortStatus[]): string[] {
  return Object.entries(ports).flatMap(([protocol, port]) => {
    const at = seen.filter((each) => each.port === port);
    const others = at.filter((each) => each.protocol !== protocol).map((each) => each.protocol);
    const exchanges = at.find((each) => each.protocol === protocol)?.exchanges ?? 0;
    return [
      ...others.map((other) => `${protocol}: taken for ${other}`),
      ...(exchanges < asked[protocol]! ? [`${protocol}: ${exchanges} of ${asked[protocol]}`] : []),
    ];
  });
}

/** nginx and the servers of the live tests. Resolves with what ends them. */
async function startServers(
  folder: string,
  ports: Ports,
  packages: Record<string, InstalledPackages>,
): Promise<Array<() => Promise<void>>> {
  const stops = [await startNginx(folder, ports)];
  for (const name of SERVERS) {
    const scenario = await loadFirstScenario(name);
    const own = mkdtempSync(path.join(folder, `${name}-`));
    const at = { host: '127.0.0.1', port: ports[name], ...scenario.at };
    const server = await scenario.start({ ...at, folder: own, packages: packages[name] ?? {} });
    stops.push(() => server.stop());
  }
  return stops;
}

/** Eight protocols at once for a minute, between real servers and clients: nothing lost, no protocol taken for another one. */
export async function benchMixed(): Promise<Row[]> {
  const packages = protocolPackages(...SERVERS);
  const folder = mkdtempSync(path.join(tmpdir(), 'bench-mixed-'));
  chmodSync(folder, 0o755); // PostgreSQL is another user
  const names = [...SERVERS, 'http', 'http2'] as const;
  const free = await freePorts(names.length);
  const ports = Object.fromEntries(names.map((name, i) => [name, free[i]!])) as Ports;
  ports.dns = 53; // where getaddrinfo asks
  const stops = await startServers(folder, ports, packages);
  try {
    return await measure(ports, folder, packages);
  } finally {
    for (const stop of stops) await stop();
    rmSync(folder, { recursive: true });
  }
}

async function measure(
  ports: Ports,
  folder: string,
  packages: Record<string, InstalledPackages>,
): Promise<Row[]> {
  const agent = await BenchAgent.start();
  const before = agent.figures();
  const asked = await ask(ports, folder, packages);
  const after = agent.figures();
  const status = await fetch(`http://127.0.0.1:${METRICS_PORT}/status`);
  const { ports: seen } = (await status.json()) as { ports: PortStatus[] };
  const lost = lossesIn(await agent.stop());
  const wrong = faults(asked, ports, seen);
  const total = Object.values(asked).reduce((sum, each) => sum + each, 0);
  const what = `eight protocols, ${(total / SECONDS).toFixed(0)} exchanges/s for ${SECONDS} s`;
  const row = { without: '', change: '', bound: '' };
  const cores = (after.cpuSeconds - before.cpuSeconds) / SECONDS;
  const peak = after.peakRssMb.toFixed(0);
  return [
    { ...row, what: `${what}: lost`, with: lost.join('; ') || '0', bound: '0', met: lost.length === 0 },
    { ...row, what: `${what}: wrong`, with: wrong.join('; ') || '0', bound: '0', met: wrong.length === 0 },
    { ...row, what: `${what}: agent`, with: `${cores.toFixed(2)} cores, ${peak} MB` },
  ];
}
