import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { messageOf } from '../base/errors.ts';
import type { Log } from '../base/log-shape.ts';
import type { Endpoint } from '../base/settings.ts';

export interface Answer {
  status: number;
  type: string;
  body: string;
  headers?: Record<string, string>;
}

export interface Request {
  method: string;
  path: string;
  query: URLSearchParams;
  accept: string;
  /** The Host header, with its port. */
  host: string;
  /** At most `MAX_BODY_BYTES` of it. */
  body: string;
}

export type Handler = (request: Request) => Answer | Promise<Answer>;

export interface ListenerOptions {
  endpoint: Endpoint;
  handler: Handler;
  log: Log;
  retryMs?: number;
  /** A client has so long to send its request, to take the answer, and between two requests. */
  patienceMs?: number;
}

const RETRY_MS = 30_000;
const MAX_CONNECTIONS = 64;
const MAX_HEADER_BYTES = 8 * 1024;
const MAX_BODY_BYTES = 1024;
const PATIENCE_MS = 10_000;
const LOOPBACK = ['127.0.0.1', '::1'];

/**
 * One small HTTP server on one endpoint; `localhost` means 127.0.0.1 and ::1. An address that is taken is logged and tried again in the
 * background: what listens is of less weight than what traces. Everything a client can hold is bounded in number, size and time.
 */
export class HttpListener {
  readonly #options: ListenerOptions;
  readonly #servers = new Map<string, Server>();
  readonly #retries = new Map<string, NodeJS.Timeout>();
  #port: number;
  #closed = false;

  constructor(options: ListenerOptions) {
    this.#options = options;
    this.#port = options.endpoint.port;
  }

  /** Resolves when every address was tried once; never rejects. */
  async start(): Promise<void> {
    const { host } = this.#options.endpoint;
    const addresses = host === 'localhost' ? LOOPBACK : [host];
    // One after the other: port 0 is chosen by the first.
    for (const address of addresses) await this.#open(address, true);
  }

  /** Where it listens at this moment, as `host:port`. */
  get listening(): string[] {
    return [...this.#servers.keys()].map(
      (host) => `${host.includes(':') ? `[${host}]` : host}:${this.#port}`,
    );
  }

  /** The port, once `start` has resolved; the kernel's choice where 0 was asked for. */
  get port(): number {
    return this.#port;
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const timer of this.#retries.values()) clearTimeout(timer);
    this.#retries.clear();
    const servers = [...this.#servers.values()];
    this.#servers.clear();
    await Promise.all(servers.map((server) => closeServer(server)));
  }

  async #open(address: string, first: boolean): Promise<void> {
    const { log, handler } = this.#options;
    const server = createBoundedServer(handler, log, this.#options.patienceMs ?? PATIENCE_MS);
    try {
      await listen(server, address, this.#port);
    } catch (error) {
      this.#refused(address, error as NodeJS.ErrnoException, first);
      return;
    }
    if (this.#closed) return closeServer(server);
    this.#port = (server.address() as { port: number }).port;
    this.#servers.set(address, server);
    server.on('error', (error) => log.warn({ error: messageOf(error) }, 'listener error'));
    if (!first) log.info({ address, port: this.#port }, 'the port is free now; listening');
  }

  #refused(address: string, error: NodeJS.ErrnoException, first: boolean): void {
    const { log, endpoint, retryMs = RETRY_MS } = this.#options;
    // A machine without IPv6 has no ::1, and will not get it.
    if (error.code === 'EADDRNOTAVAIL' && endpoint.host === 'localhost' && address === '::1') return;
    if (this.#closed) return;
    if (first) {
      const port = this.#port;
      const fields = { address, port, error: error.code ?? error.message };
      log.warn(fields, 'cannot listen; tracing goes on, and the port is tried again in the background');
    }
    const timer = setTimeout(() => {
      this.#retries.delete(address);
      void this.#open(address, false);
    }, retryMs);
    timer.unref();
    this.#retries.set(address, timer);
  }
}

function createBoundedServer(handler: Handler, log: Log, patienceMs: number): Server {
  const server = createServer(
    {
      maxHeaderSize: MAX_HEADER_BYTES,
      headersTimeout: patienceMs,
      requestTimeout: patienceMs,
      keepAliveTimeout: patienceMs,
      connectionsCheckingInterval: patienceMs / 5,
    },
    (request, response) => {
      void respond(handler, request, response, log);
    },
  );
  server.maxConnections = MAX_CONNECTIONS;
  // Neither reading the answer nor sending the next request: gone.
  server.setTimeout(patienceMs, (socket) => socket.destroy());
  // Nothing here keeps a process alive that is done.
  server.unref();
  return server;
}

async function respond(
  handler: Handler,
  incoming: IncomingMessage,
  response: ServerResponse,
  log: Log,
): Promise<void> {
  let answer: Answer;
  try {
    const body = await readBody(incoming);
    if (body === undefined) {
      answer = { status: 413, type: 'text/plain; charset=utf-8', body: 'The body is too large.\n' };
      response.setHeader('connection', 'close');
    } else answer = await handler(requestOf(incoming, body));
  } catch (error) {
    if (incoming.destroyed && !incoming.complete) return;
    log.error({ path: incoming.url, error: messageOf(error) }, 'a request could not be answered');
    answer = { status: 500, type: 'text/plain; charset=utf-8', body: 'Internal error; see the log.\n' };
  }
  const bytes = Buffer.from(answer.body);
  response.writeHead(answer.status, {
    'content-type': answer.type,
    'content-length': bytes.length,
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...answer.headers,
  });
  response.end(incoming.method === 'HEAD' ? undefined : bytes);
}

function requestOf(incoming: IncomingMessage, body: string): Request {
  const target = incoming.url ?? '/';
  const question = target.indexOf('?');
  return {
    method: incoming.method ?? 'GET',
    path: question < 0 ? target : target.slice(0, question),
    query: new URLSearchParams(question < 0 ? '' : target.slice(question + 1)),
    accept: incoming.headers.accept ?? '',
    host: incoming.headers.host ?? '',
    body,
  };
}

/** Undefined where it is too large. */
async function readBody(incoming: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BODY_BYTES) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    // An empty host is every interface, IPv4 and IPv6. Without ipv6Only, `::` would take IPv4's port too.
    server.listen(host === '' ? { port } : { port, host, ipv6Only: host === '::1' }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
