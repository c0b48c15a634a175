import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, connect, type AddressInfo, type Socket } from 'node:net';
import type { Endpoint } from '../../src/base/settings.ts';
import { HttpListener, type Handler } from '../../src/serve/http-listener.ts';
import { collectLog } from './collect-log.ts';

const hello: Handler = () => ({ status: 200, type: 'text/plain', body: 'hello' });

describe('serve/http-listener', () => {
  const open: HttpListener[] = [];
  const { log, lines } = collectLog();

  async function listen(endpoint: Partial<Endpoint> = {}, handler: Handler = hello): Promise<HttpListener> {
    const listener = new HttpListener({
      endpoint: { host: 'localhost', port: 0, ...endpoint },
      handler,
      log,
      retryMs: 20,
    });
    open.push(listener);
    await listener.start();
    return listener;
  }

  afterEach(async () => {
    await Promise.all(open.splice(0).map((listener) => listener.close()));
    lines.splice(0);
  });

  /** Sends raw bytes and resolves to all that comes back until the server closes. */
  async function raw(port: number, text: string): Promise<string> {
    const socket = connect(port, '127.0.0.1');
    socket.end(text);
    return readAll(socket);
  }

  async function readAll(socket: Socket): Promise<string> {
    let received = '';
    socket.setEncoding('latin1').on('data', (chunk: string) => (received += chunk));
    await once(socket, 'close');
    return received;
  }

  it('listens on both addresses of localhost, on one port', async () => {
    const listener = await listen();
    assert.ok(listener.listening.includes(`127.0.0.1:${listener.port}`));
    for (const address of listener.listening) {
      assert.equal(await (await fetch(`http://${address}/`)).text(), 'hello');
    }
  });

  it('logs a busy port once, goes on, and takes the port when it is free', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    const listener = await listen({ host: '127.0.0.1', port });
    assert.deepEqual(listener.listening, []);
    // Several attempts in vain.
    await new Promise((resolve) => setTimeout(resolve, 100));
    assert.equal(lines.filter(({ level }) => level === 'warn').length, 1);
    assert.match(lines[0]!.message, /tracing goes on/);
    other.close();
    while (listener.listening.length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
    assert.equal(await (await fetch(`http://127.0.0.1:${port}/`)).text(), 'hello');
  });

  it('gives up a busy port when it is closed', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    const listener = await listen({ host: '127.0.0.1', port });
    await listener.close();
    other.close();
    await once(other, 'close');
    await new Promise((resolve) => setTimeout(resolve, 60));
    await assert.rejects(fetch(`http://127.0.0.1:${port}/`));
  });

  it('answers 500 and logs where a handler fails, and goes on', async () => {
    const listener = await listen({}, ({ path }) => {
      if (path === '/bad') throw new Error('broken');
      return { status: 200, type: 'text/plain', body: path };
    });
    const bad = await fetch(`http://127.0.0.1:${listener.port}/bad`);
    assert.equal(bad.status, 500);
    assert.ok(!(await bad.text()).includes('broken'));
    assert.match(JSON.stringify(lines), /broken/);
    assert.equal((await fetch(`http://127.0.0.1:${listener.port}/good?x=1`)).status, 200);
  });

  it('refuses what is too large', async () => {
    const { port } = await listen();
    const large = await fetch(`http://127.0.0.1:${port}/`, { method: 'PUT', body: 'x'.repeat(5000) });
    assert.equal(large.status, 413);
    assert.match(
      await raw(port, `GET / HTTP/1.1\r\nhost: a\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`),
      /^HTTP\/1\.1 431 /,
    );
    assert.match(await raw(port, 'nonsense\r\n\r\n'), /^HTTP\/1\.1 400 /);
  });

  it('holds a bounded number of connections, idle ones included', async () => {
    const { port } = await listen();
    const sockets = Array.from({ length: 100 }, () => connect(port, '127.0.0.1'));
    sockets.forEach((socket) => socket.on('error', () => undefined));
    const closed = new Set<Socket>();
    await new Promise<void>((resolve) => {
      for (const socket of sockets) {
        socket.resume();
        socket.on('close', () => {
          closed.add(socket);
          if (closed.size === 36) resolve();
        });
      }
    });
    // Those that are held do not keep a later one out for good.
    sockets.forEach((socket) => socket.destroy());
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.equal((await fetch(`http://127.0.0.1:${port}/`)).status, 200);
  });

  it('parts with clients that send slowly or take no answer', async () => {
    const listener = new HttpListener({
      endpoint: { host: '127.0.0.1', port: 0 },
      handler: () => ({ status: 200, type: 'text/plain', body: 'x'.repeat(8 << 20) }),
      log,
      patienceMs: 100,
    });
    open.push(listener);
    await listener.start();
    const dripping = connect(listener.port, '127.0.0.1');
    const drip = setInterval(() => dripping.write('x'), 20);
    dripping.on('error', () => undefined).write('GET / HTTP/1.1\r\nhost: ');
    dripping.resume();
    const greedy = connect(listener.port, '127.0.0.1');
    greedy.on('error', () => undefined).write('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
    await once(dripping, 'close');
    clearInterval(drip);
    // It reads nothing, so it learns of the end only when it does.
    await new Promise((resolve) => setTimeout(resolve, 300));
    assert.ok((await readAll(greedy)).length < 8 << 20);
  });

  it('sends no body to HEAD', async () => {
    const { port } = await listen();
    const answer = await raw(port, 'HEAD / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n');
    assert.match(answer, /content-length: 5\r\n/i);
    assert.ok(answer.endsWith('\r\n\r\n'));
  });
});
