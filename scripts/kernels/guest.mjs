// Runs inside a guest (and on the host): one agent, real HTTP conversations, and the spans they must become. The last line on stdout is
// `RESULT pass` or `RESULT fail: <why>`.
//
//   node guest.mjs CHECKOUT BUSYBOX
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { connect } from 'node:net';
import { release, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const [checkout, busybox] = process.argv.slice(2);
const isGuest = checkout === '/agent';
const scratch = mkdtempSync(join(tmpdir(), 'undertrace-guest-'));
const spansFile = join(scratch, 'spans.jsonl');
const REQUESTS = 20;
const LISTENER = 19464;
// Emulated machines are slow.
const PATIENCE_MS = 120_000;
const CLIENT = 3;
const SERVER = 2;

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const children = [];

function start(command, args, options = {}) {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'], ...options });
  children.push(child);
  return child;
}

async function until(what, probe) {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    const result = await probe();
    if (result) return result;
    if (Date.now() > deadline) throw new Error(`${what}: not within ${PATIENCE_MS} ms`);
    await sleep(100);
  }
}

function answers(port, path) {
  return new Promise((resolve) => {
    http
      .get({ host: '127.0.0.1', port, path, agent: false }, (response) => {
        response.resume();
        resolve(response.statusCode === 200);
      })
      .on('error', () => resolve(false));
  });
}

function accepts(port) {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port }, () => resolve(true)).on('error', () =>
      resolve(false),
    );
    socket.on('connect', () => socket.destroy());
  });
}

/** What `doctor` finds wrong, with the end of the verifier's log where there is one. */
function sayWhy() {
  const { stdout } = spawnSync(process.execPath, [join(checkout, 'dist/main.js'), 'doctor', '--json'], {
    encoding: 'utf8',
  });
  for (const { name, status, detail, log } of JSON.parse(stdout)) {
    if (status !== 'fail') continue;
    console.log(`${name}: ${detail}`);
    if (log) console.log(log.split('\n').slice(-40).join('\n'));
  }
}

/** The text of a page of the agent's. */
async function pageOf(path) {
  const response = await fetch(`http://127.0.0.1:${LISTENER}${path}`);
  return response.text();
}

/** The programs of the host's object that the kernel should take: all but those whose tracepoint came later, which are off by name. */
async function checkHostProbes() {
  const { off, probes } = JSON.parse(await pageOf('/status'));
  const told = JSON.stringify({ off, probes });
  assert.ok(
    off.every(({ why }) => why.startsWith('this kernel has no ')),
    told,
  );
  const page = await pageOf('/metrics');
  const figure = (name) =>
    [...page.matchAll(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, 'gm'))].reduce(
      (sum, [, value]) => sum + Number(value),
      0,
    );
  const figures = [
    'system_cpu_run_queue_duration_seconds_count',
    'system_cpu_run_queue_duration_seconds_sum',
    'system_cpu_on_cpu_time_seconds_total',
    'system_network_connection_opened_total',
    'system_network_connection_accepted_total',
    'system_network_connection_io_bytes_total',
  ];
  for (const name of figures) {
    console.log(`${name} ${figure(name)}`);
    assert.ok(figure(name) > 0, `${name}: ${told}`);
  }
}

async function startAgent() {
  const config = {
    // An emulated machine takes many times as long for everything, so that the agent would soon be above its limits.
    receivers: { undertrace: { limits: { cpu: 100 } } },
    exporters: { file: { path: spansFile }, prometheus: { endpoint: `127.0.0.1:${LISTENER}` } },
    service: { pipelines: { traces: { exporters: ['file'] }, metrics: { exporters: ['prometheus'] } } },
  };
  const agent = start(process.execPath, [
    join(checkout, 'dist/main.js'),
    'run',
    '--config',
    `yaml:${JSON.stringify(config)}`,
  ]);
  agent.stdout.pipe(process.stdout);
  await Promise.race([
    until('agent ready', () => answers(LISTENER, '/readyz')),
    once(agent, 'exit').then(([code]) => {
      sayWhy();
      assert.fail(`the agent ended with ${code}`);
    }),
  ]);
  return agent;
}

/** Node to Node over IPv4, IPv6 and a unix socket; gives back the planned requests. */
async function converseNode(run) {
  const program = (name) => join(checkout, 'test/workload/node', `${name}.mjs`);
  const socket = join(scratch, 'socket');
  const env = (service) => ({ env: { ...process.env, OTEL_SERVICE_NAME: service } });
  const addresses = ['127.0.0.1:0', '[::]:0', `unix:${socket}`];
  const server = start(process.execPath, [program('server'), ...addresses], env('guest-server'));
  const [line] = await once(createInterface({ input: server.stdout }), 'line');
  const [v4, v6] = JSON.parse(line).listening;
  const bases = { v4: `http://${v4}`, v6: `http://${v6.replace('[::]', '[::1]')}`, unix: `unix:${socket}` };
  const planned = [];
  for (const [kind, base] of Object.entries(bases)) {
    const plan = Array.from({ length: REQUESTS }, (_, n) => ({
      path: `/w/${run}/${kind}/${n}`,
      size: 100 * n,
      status: n % 4 ? 200 : 404,
    }));
    const planFile = join(scratch, 'plan');
    writeFileSync(
      planFile,
      plan.map(({ path, size, status }) => `POST ${path}?status=${status}&size=${size} 50\n`).join(''),
    );
    const mode = kind === 'v6' ? 'close' : 'keepalive';
    const client = start(
      process.execPath,
      [program('client'), base, planFile, join(scratch, 'log'), mode],
      env('guest-client'),
    );
    const [code] = await once(client, 'exit');
    assert.equal(code, 0, `the client over ${kind}`);
    planned.push(...plan);
  }
  return planned;
}

/** busybox: a small C server that forks, and a client that says little. */
async function converseBusybox() {
  const root = join(scratch, 'www');
  mkdirSync(join(root, 'w'), { recursive: true });
  writeFileSync(join(root, 'w', 'page'), 'x'.repeat(1234));
  const port = 18080;
  start(busybox, ['httpd', '-f', '-p', `127.0.0.1:${port}`, '-h', root]);
  await until('httpd', () => accepts(port));
  const got = spawnSync(busybox, ['wget', '-q', '-O', '/dev/null', `http://127.0.0.1:${port}/w/page`]);
  assert.equal(got.status, 0, `wget: ${String(got.stderr)}`);
}

function readSpans() {
  return readFileSync(spansFile, 'utf8')
    .split('\n')
    .slice(0, -1)
    .flatMap((line) => JSON.parse(line).resourceSpans)
    .flatMap(({ resource, scopeSpans }) =>
      scopeSpans.flatMap(({ spans }) =>
        spans.map((span) => ({ ...flat(span), service: flat(resource)['service.name'] })),
      ),
    );
}

/** Attributes next to the fields of a span or resource. */
function flat({ attributes, ...rest }) {
  const values = attributes.map(({ key, value }) => [key, Object.values(value)[0]]);
  return { ...rest, ...Object.fromEntries(values) };
}

const pathOf = (span) => span['url.path'] ?? new URL(span['url.full']).pathname;

function check(planned) {
  checkRequests(planned);
  const page = readSpans().filter((span) => pathOf(span) === '/w/page');
  assert.deepEqual(page.map(({ kind }) => kind).sort(), [SERVER, CLIENT], JSON.stringify(page));
}

function checkRequests(planned) {
  const spans = readSpans();
  for (const { path, size, status } of planned) {
    const [client, server, ...more] = spans
      .filter((span) => pathOf(span) === path)
      .sort((a, b) => b.kind - a.kind);
    const told = JSON.stringify([client, server]);
    assert.ok(
      client?.kind === CLIENT && server?.kind === SERVER && more.length === 0,
      `${path}: ${more.length} more than ${told}`,
    );
    for (const span of [client, server]) {
      assert.equal(Number(span['http.response.status_code']), status, told);
      assert.equal(Number(span['http.response.body.size'] ?? 0), size, told);
      assert.equal(Number(span['http.request.body.size']), 50, told);
    }
    assert.deepEqual([client.service, server.service], ['guest-client', 'guest-server'], told);
    assert.deepEqual([server.traceId, server.parentSpanId], [client.traceId, client.spanId], told);
    assert.ok(BigInt(server.startTimeUnixNano) >= BigInt(client.startTimeUnixNano), told);
  }
}

/** Sets the clock an hour forward: only in a guest, whose clock is nobody else's. Times of spans follow it, and none runs backwards. */
async function stepClock() {
  const stepped = Math.floor(Date.now() / 1000) + 3600;
  assert.equal(spawnSync(busybox, ['date', '-s', `@${stepped}`]).status, 0, 'date -s');
  await sleep(1000);
  const before = Date.now();
  const planned = await converseNode('stepped');
  return { planned, before, after: Date.now() };
}

function checkStepped({ planned, before, after }) {
  const paths = new Set(planned.map(({ path }) => path));
  for (const span of readSpans().filter((span) => paths.has(pathOf(span)))) {
    const [start, end] = [span.startTimeUnixNano, span.endTimeUnixNano].map((ns) =>
      Number(BigInt(ns) / 1_000_000n),
    );
    const told = `${pathOf(span)}: ${start} to ${end}, the clock went from ${before} to ${after}`;
    assert.ok(start >= before - 5 && end <= after + 5 && end >= start, told);
  }
}

async function main() {
  console.log(`guest: Linux ${release()}`);
  const doctor = spawnSync(process.execPath, [join(checkout, 'dist/main.js'), 'doctor'], {
    encoding: 'utf8',
  });
  console.log(doctor.stdout);
  const agent = await startAgent();
  const planned = await converseNode('guest');
  await converseBusybox();
  await checkHostProbes();
  const stepped = isGuest ? await stepClock() : undefined;
  await sleep(1500); // longer than a span waits for its trace
  const exited = once(agent, 'exit');
  agent.kill('SIGTERM');
  const [code, signal] = await exited;
  assert.deepEqual([code, signal], [0, null], 'how the agent ended');
  check(planned);
  if (stepped) {
    checkRequests(stepped.planned);
    checkStepped(stepped);
  }
}

let result = 'pass';
try {
  await main();
} catch (error) {
  result = `fail: ${error.stack}`;
}
for (const child of children) child.kill('SIGKILL');
console.log(`RESULT ${result.replaceAll('\n', ' | ')}`);
process.exit(result === 'pass' ? 0 : 1);
