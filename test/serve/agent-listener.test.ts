import assert from 'node:assert/strict';
import { request } from 'node:http';
import { text as readText } from 'node:stream/consumers';
import type { LogLevel } from '../../src/base/settings.ts';
import { createAgentListener, type Readiness } from '../../src/serve/agent-listener.ts';
import { createHealthCheck } from '../../src/serve/health-check.ts';
import type { HttpListener } from '../../src/serve/http-listener.ts';
import { collectLog } from './collect-log.ts';
import { makeStatus, makeWhy } from './make-status.ts';

describe('serve/agent-listener', () => {
  const { log, lines } = collectLog();
  let readiness: Readiness;
  let level: LogLevel;
  let listener: HttpListener;
  let rendered: boolean[];
  const asked: object[] = [];

  beforeEach(async () => {
    readiness = { ready: true };
    level = 'info';
    rendered = [];
    listener = createAgentListener({
      endpoint: { host: 'localhost', port: 0 },
      log,
      metrics: async (openMetrics) => {
        rendered.push(openMetrics);
        await new Promise((resolve) => setTimeout(resolve, 20));
        return 'a 1\n';
      },
      readiness: () => readiness,
      status: () => makeStatus({ balanced: false }),
      why: (what) => {
        asked.push(what);
        return makeWhy();
      },
      logLevel: { get: () => level, set: (wanted) => (level = wanted) },
    });
    await listener.start();
  });
  afterEach(() => listener.close());

  const get = (path: string, init?: RequestInit): Promise<Response> =>
    fetch(`http://127.0.0.1:${listener.port}${path}`, init);

  /** fetch does not let a test choose the Host. */
  function getAs(host: string, path: string): Promise<{ status: number; body: string }> {
    return new Promise((resolve, reject) => {
      request({ host: '127.0.0.1', port: listener.port, path, headers: { host } }, (response) => {
        readText(response).then((body) => resolve({ status: response.statusCode!, body }), reject);
      })
        .on('error', reject)
        .end();
    });
  }

  it('serves metrics in the format that is asked for', async () => {
    const plain = await get('/metrics');
    assert.equal(plain.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8');
    const open = await get('/metrics', {
      headers: { accept: 'application/openmetrics-text;version=1.0.0,text/plain;q=0.5' },
    });
    assert.match(open.headers.get('content-type')!, /^application\/openmetrics-text; version=1\.0\.0/);
    assert.deepEqual(rendered, [false, true]);
  });

  it('renders once for scrapers that come together', async () => {
    const pages = await Promise.all(Array.from({ length: 10 }, () => get('/metrics')));
    assert.ok(pages.every(({ status }) => status === 200));
    assert.ok(rendered.length < 10, String(rendered.length));
  });

  it('is alive whatever the books say, and ready when it is', async () => {
    assert.equal((await get('/healthz')).status, 200);
    assert.equal((await get('/readyz')).status, 200);
    readiness = { ready: false, reason: 'not attached' };
    assert.equal((await get('/healthz')).status, 200);
    const answer = await get('/readyz');
    assert.equal(answer.status, 503);
    assert.deepEqual(await answer.json(), { status: 'not ready', reason: 'not attached' });
  });

  it('tells the status and why', async () => {
    assert.deepEqual(await (await get('/status')).json(), makeStatus({ balanced: false }));
    assert.deepEqual(await (await get('/why?pid=12')).json(), makeWhy());
    assert.equal((await get('/why?port=80')).status, 200);
    assert.deepEqual(asked, [{ pid: 12 }, { port: 80 }]);
    for (const query of ['', '?pid=1&port=2', '?pid=x', '?port=-1', '?pid=99999999999']) {
      assert.equal((await get(`/why${query}`)).status, 400, query);
    }
  });

  it('shows and changes the log level', async () => {
    assert.equal(await (await get('/loglevel')).text(), 'info\n');
    assert.equal((await get('/loglevel', { method: 'PUT', body: 'DEBUG\n' })).status, 200);
    assert.equal(level, 'debug');
    assert.match(lines.at(-1)!.message, /log level changed/);
    assert.equal((await get('/loglevel', { method: 'PUT', body: 'loud' })).status, 400);
    assert.equal(level, 'debug');
  });

  it('knows its paths and methods', async () => {
    assert.match(await (await get('/')).text(), /\/metrics \/healthz \/readyz/);
    assert.equal((await get('/nothing')).status, 404);
    assert.equal((await get('/constructor')).status, 404);
    const post = await get('/status', { method: 'POST' });
    assert.equal(post.status, 405);
    assert.equal(post.headers.get('allow'), 'GET, HEAD');
  });

  it('tells nothing of processes to a page that comes under a foreign name', async () => {
    assert.equal((await getAs('evil.example:9464', '/status')).status, 403);
    assert.equal((await getAs('evil.example', '/why?pid=1')).status, 403);
    for (const host of ['localhost:9464', '127.0.0.1', '[::1]:9464', '10.0.0.1']) {
      assert.equal((await getAs(host, '/status')).status, 200, host);
    }
    assert.equal((await getAs('agent.svc:9464', '/metrics')).status, 200);
  });
});

describe('serve/health-check', () => {
  it("answers in the Collector's words at its path", async () => {
    let ready = true;
    const startedAt = new Date(Date.now() - 5000);
    const check = createHealthCheck({
      settings: { host: '127.0.0.1', port: 0, path: '/up' },
      log: collectLog().log,
      readiness: () => ({ ready }),
      startedAt,
    });
    await check.start();
    try {
      const at = `http://127.0.0.1:${check.port}`;
      const good = await fetch(`${at}/up`);
      assert.equal(good.status, 200);
      const body = (await good.json()) as Record<string, string>;
      assert.equal(body.status, 'Server available');
      assert.equal(body.upSince, startedAt.toISOString());
      assert.match(body.uptime!, /^\d+\.\d{3}s$/);
      ready = false;
      const bad = await fetch(`${at}/up`);
      assert.equal(bad.status, 503);
      assert.equal(((await bad.json()) as Record<string, string>).status, 'Server not available');
      assert.equal((await fetch(`${at}/`)).status, 404);
    } finally {
      await check.close();
    }
  });
});
