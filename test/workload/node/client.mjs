// HTTP client on Node: `--api http` (node:http), `fetch`, or `raw` (node:net, the only one that pipelines). Usage: ../README.md.
import http from 'node:http';
import net from 'node:net';
import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { api: { type: 'string', default: 'http' }, 'timeout-ms': { type: 'string', default: '0' } },
});
const [base, planFile, logFile, mode] = positionals;
const socketPath = base.match(/^unix:(.+)$/)?.[1];
const origin = socketPath ? 'http://localhost' : base;
const { hostname, port } = new URL(origin);
const host = hostname.replace(/^\[|\]$/g, '');
const timeoutMs = Number(values['timeout-ms']);
const plan = readFileSync(planFile, 'utf8')
  .trimEnd()
  .split('\n')
  .map((line) => {
    const [method, target, bytes, framing] = line.split(' ');
    return { method, target, bytes: Number(bytes), chunked: framing === 'chunked' };
  });
const log = [];
/** Requests in one write. */
const PIPELINED = 20;

const now = () => Number(process.hrtime.bigint());
const unix = () => `${BigInt(Date.now()) * 1_000_000n}`;
const endpoint = (address, number) => (address ? `${address.replace(/^::ffff:/, '')}:${number}` : undefined);

function entry({ method, target, bytes }) {
  return { method, target, status: 0, sent: bytes, received: 0, unixNs: unix(), startNs: now() };
}

function noteSocket(line, socket) {
  line.local ??= endpoint(socket.localAddress, socket.localPort);
  line.peer ??= endpoint(socket.remoteAddress, socket.remotePort);
}

/** One request with node:http; the agent decides whether the connection is kept. */
function requestHttp(item, agent) {
  return new Promise((resolve) => {
    const line = entry(item);
    const finish = (error) => {
      line.endNs = now();
      if (error) line.error = error.code ?? String(error);
      resolve(line);
    };
    const headers = item.chunked ? {} : item.bytes ? { 'content-length': item.bytes } : {};
    const address = socketPath ? { socketPath } : { host, port };
    const request = http.request({ ...address, agent, method: item.method, path: item.target, headers });
    if (timeoutMs) request.setTimeout(timeoutMs, () => request.destroy(new Error('timeout')));
    request.on('socket', (socket) => {
      if (socket.connecting) socket.once('connect', () => noteSocket(line, socket));
      else noteSocket(line, socket);
    });
    request.on('error', finish);
    request.on('response', (response) => {
      line.status = response.statusCode;
      response.on('data', (chunk) => (line.received += chunk.length));
      response.on('end', () => finish());
      response.on('error', finish);
    });
    if (item.chunked) {
      request.write(Buffer.alloc(item.bytes >> 1, 'y'));
      request.end(Buffer.alloc(item.bytes - (item.bytes >> 1), 'y'));
    } else request.end(Buffer.alloc(item.bytes, 'y'));
  });
}

async function requestFetch(item) {
  const line = entry(item);
  try {
    const response = await fetch(origin + item.target, {
      method: item.method,
      redirect: 'manual',
      body: item.bytes ? Buffer.alloc(item.bytes, 'y') : undefined,
      headers: mode === 'close' ? { connection: 'close' } : {},
      ...(timeoutMs ? { signal: AbortSignal.timeout(timeoutMs) } : {}),
    });
    line.status = response.status;
    line.received = (await response.arrayBuffer()).byteLength;
  } catch (error) {
    line.error = error.cause?.code ?? error.name;
  }
  line.endNs = now();
  return line;
}

function wire({ method, target, bytes, chunked }, last) {
  const connection = last && mode !== 'pipeline' ? 'connection: close\r\n' : '';
  const head = `${method} ${target} HTTP/1.1\r\nhost: ${socketPath ? 'localhost' : `${hostname}:${port}`}\r\n${connection}`;
  const body = Buffer.alloc(bytes, 'y');
  if (!chunked) {
    const length = bytes ? `content-length: ${bytes}\r\n` : '';
    return Buffer.concat([Buffer.from(`${head}${length}\r\n`), body]);
  }
  const size = `${bytes.toString(16)}\r\n`;
  return Buffer.concat([
    Buffer.from(`${head}transfer-encoding: chunked\r\n\r\n${size}`),
    body,
    Buffer.from('\r\n0\r\n\r\n'),
  ]);
}

/** Splits a byte stream into responses; enough of RFC 9112 for the servers of this folder. */
class ResponseReader {
  #buffer = Buffer.alloc(0);

  push(chunk) {
    this.#buffer = Buffer.concat([this.#buffer, chunk]);
  }

  /** The next complete response to a request of this method, or undefined. */
  next(method) {
    const text = this.#buffer;
    const end = text.indexOf('\r\n\r\n');
    if (end < 0) return undefined;
    const head = text.toString('latin1', 0, end);
    const status = Number(head.slice(9, 12));
    const bodiless = method === 'HEAD' || status === 204 || status === 304;
    let at = end + 4;
    let received = 0;
    if (!bodiless && /^transfer-encoding: *chunked/im.test(head)) {
      for (;;) {
        const lineEnd = text.indexOf('\r\n', at);
        if (lineEnd < 0) return undefined;
        const size = parseInt(text.toString('latin1', at, lineEnd), 16);
        at = lineEnd + 2 + size + 2;
        if (at > text.length) return undefined;
        received += size;
        if (size === 0) break;
      }
    } else if (!bodiless) {
      received = Number(head.match(/^content-length: *(\d+)/im)?.[1] ?? 0);
      at += received;
      if (at > text.length) return undefined;
    }
    this.#buffer = text.subarray(at);
    return { status, received };
  }
}

/** All requests of a batch in one write, then all responses in order. */
function pipeline(items) {
  return new Promise((resolve, reject) => {
    const socket = socketPath ? net.connect(socketPath) : net.connect({ host, port: Number(port) });
    const reader = new ResponseReader();
    const lines = [];
    socket.setNoDelay(true);
    socket.on('error', reject);
    let done = 0;
    socket.on('connect', () => {
      for (const item of items) lines.push(entry(item));
      for (const line of lines) if (!socketPath) noteSocket(line, socket);
      socket.write(Buffer.concat(items.map((item) => wire(item, false))));
    });
    socket.on('data', (chunk) => {
      reader.push(chunk);
      for (let found; done < items.length && (found = reader.next(items[done].method)); done++) {
        Object.assign(lines[done], found, { endNs: now() });
      }
      if (done === items.length) socket.end();
    });
    socket.on('close', () => {
      for (const line of lines.slice(done)) Object.assign(line, { endNs: now(), error: 'closed' });
      resolve(lines);
    });
  });
}

if (values.api === 'raw') {
  for (let i = 0; i < plan.length; i += PIPELINED) {
    log.push(...(await pipeline(plan.slice(i, i + PIPELINED))));
  }
} else {
  const agent = new http.Agent({ keepAlive: mode === 'keepalive', maxSockets: 1 });
  for (const item of plan) {
    log.push(await (values.api === 'fetch' ? requestFetch(item) : requestHttp(item, agent)));
  }
  agent.destroy();
}
writeFileSync(logFile, log.map((line) => `${JSON.stringify(line)}\n`).join(''));
process.exit(0);
