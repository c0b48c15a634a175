// Runs nginx as one of the servers. Usage and query: ../README.md; answers are limited to the statuses and sizes below, never chunked.
// Options: --workers N; --proxy BASE: nothing is answered here, every request is passed on to BASE.
// nginx runs in the foreground as a child and ends with this program.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

const SIZES = [0, 1, 100, 2000, 20000, 100000];
const STATUSES = [201, 204, 304, 400, 401, 404, 500, 503];
// A word of nginx's configuration holds 4 KiB at most, so longer bodies are put together from a variable.
const PIECE = 2000;

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { workers: { type: 'string', default: '2' }, proxy: { type: 'string' } },
});

/** A port that was free a moment ago: nginx cannot tell which one it got for port 0. */
function freePort(host) {
  return new Promise((resolve, reject) => {
    const probe = createServer().on('error', reject);
    probe.listen(0, host, () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}

async function resolveAddress(address) {
  if (!address.endsWith(':0')) return address;
  const host = address.slice(0, -2);
  return `${host}:${await freePort(host.replace(/^\[|\]$/g, ''))}`;
}

function answering(proxy) {
  if (proxy !== undefined) return `proxy_pass ${proxy};`;
  return `${STATUSES.map((s) => `if ($arg_status = ${s}) { return ${s} $body; }`).join('\n      ')}
      return 200 $body;`;
}

function configuration(folder, addresses, { workers, proxy }) {
  const body = (size) => (size < PIECE ? 'x'.repeat(size) : '${piece}'.repeat(size / PIECE));
  const listen = addresses
    .map((a) => `listen ${a}${a.startsWith('[') ? ' ipv6only=off' : ''};`)
    .join('\n    ');
  return `
worker_processes ${workers};
daemon off;
pid ${folder}/pid;
error_log ${folder}/error.log;
${process.getuid() === 0 ? 'user root;' : ''}
events { worker_connections 20000; }
http {
  access_log off;
  keepalive_requests 10000000;
  keepalive_timeout 300s;
  client_max_body_size 0;
  ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((n) => `${n}_temp_path ${folder}/${n};`).join(' ')}
  map $arg_size $piece { default "${'x'.repeat(PIECE)}"; }
  map $arg_size $body { ${SIZES.map((size) => `${size} "${body(size)}";`).join('\n    ')} }
  server {
    ${listen}
    location /w/ {
      ${answering(proxy)}
    }
  }
}
`;
}

/** Resolves once something accepts at the address. */
async function accepting(address) {
  const path = address.match(/^unix:(.+)$/)?.[1];
  const [, host, port] = address.match(/^\[?(.*?)\]?:(\d+)$/) ?? [];
  for (let tries = 0; tries < 200; tries++) {
    const open = await new Promise((resolve) => {
      const socket = connect(path ? { path } : { host: host === '::' ? '::1' : host, port: Number(port) });
      socket.on('connect', () => {
        socket.destroy();
        resolve(true);
      });
      socket.on('error', () => resolve(false));
    });
    if (open) return;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error(`nginx does not accept at ${address}`);
}

const folder = mkdtempSync(join(tmpdir(), 'undertrace-nginx-'));
const listening = await Promise.all(positionals.map(resolveAddress));
for (const address of listening) {
  if (address.startsWith('unix:')) rmSync(address.slice(5), { force: true });
}
writeFileSync(join(folder, 'nginx.conf'), configuration(folder, listening, values));
const nginx = spawn('nginx', ['-c', join(folder, 'nginx.conf'), '-e', join(folder, 'error.log')], {
  stdio: 'inherit',
});
process.on('SIGTERM', () => nginx.kill('SIGQUIT'));
setTimeout(() => undefined, 2 ** 30);
nginx.on('exit', (code) => {
  if (code) process.stderr.write(readFileSync(join(folder, 'error.log')));
  rmSync(folder, { recursive: true, force: true });
  process.exit(code ?? 1);
});
await Promise.all(listening.map(accepting));
console.log(JSON.stringify({ listening }));
