import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { VERSION } from '../../src/base/version.ts';
import { HttpListener } from '../../src/serve/http-listener.ts';
import { collectLog } from '../serve/collect-log.ts';
import { makeStatus, makeWhy } from '../serve/make-status.ts';

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));

interface Ended {
  code: number | null;
  out: string;
  err: string;
}

function undertrace(
  args: string[],
  env: Record<string, string> = {},
  nodeArgs: string[] = [],
): Promise<Ended> {
  const child = spawn(process.execPath, ['--import', 'tsx', ...nodeArgs, MAIN, ...args], {
    env: { PATH: process.env.PATH, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [out, err] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, out, err }));
  });
}

describe('commands/main', function () {
  this.timeout(60_000);
  let folder: string;

  before(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'undertrace-main-'));
  });
  after(() => rmSync(folder, { recursive: true }));

  it('prints its version, and help for every command', async () => {
    assert.deepEqual(await undertrace(['--version']), { code: 0, out: `undertrace ${VERSION}\n`, err: '' });
    const { out, code } = await undertrace(['--help']);
    assert.equal(code, 0);
    const commands = [
      'run',
      'status',
      'why',
      'validate',
      'print-config',
      'components',
      'doctor',
      'record',
      'replay',
    ];
    for (const command of commands) assert.match(out, new RegExp(`^  ${command} `, 'm'));
    const helps = await Promise.all(commands.map((command) => undertrace([command, '--help'])));
    helps.forEach((help, index) => {
      assert.equal(help.code, 0);
      assert.match(help.out, new RegExp(`^Usage: undertrace ${commands[index]}`));
      assert.match(help.out, /--config <source>/);
    });
  });

  const mistakes: Array<[args: string[], message: RegExp]> = [
    [['statsu'], /^error: there is no command "statsu"; did you mean status\?\n$/],
    [['--confg', 'x'], /^error: unknown option '--confg'\n\(Did you mean --config\?\)\n$/],
    [['validate', 'x'], /^error: too many arguments for 'validate'/],
    [['record'], /^error: missing required argument 'file'\n$/],
    [['why'], /^error: ask about one process or one port/],
    [['why', '--pid', 'abc'], /whole number from 1/],
    [['status', '--endpoint', 'x'], /^error: --endpoint "x" is not host:port/],
    [['status', '--endpoint', '127.0.0.1:1'], /^error: no agent answers at http:\/\/127\.0\.0\.1:1 /],
    [['validate', '--config', '/nonexistent'], /cannot read \/nonexistent/],
    [['run', '--set', 'receivers.undertrace.backend=magic'], /must be one of auto, syscalls/],
    [
      ['validate', '--set', 'exporters.otlp_http={endpoint: "https://a", tls: {ca_file: /none}}'],
      /cannot read \/none/,
    ],
  ];
  for (const [args, message] of mistakes) {
    it(`says what is wrong with "${args.join(' ')}", without a stack trace`, async () => {
      const { code, err } = await undertrace(args);
      assert.equal(code, 1);
      assert.match(err, message);
      assert.ok(!/^\s+at /m.test(err), err);
    });
  }

  it('asks for a report of an error that nobody foresaw, with a stack trace at the debug level only', async () => {
    const broken = 'data:text/javascript,process.stdout.write=()=>{throw new Error("out of ink")}';
    const plain = await undertrace(['components'], {}, ['--import', broken]);
    assert.equal(plain.code, 1);
    assert.match(plain.err, /^error: out of ink\nThis is a defect of undertrace .* Please report it/);
    assert.ok(!/^\s+at /m.test(plain.err), plain.err);
    const debug = await undertrace(['components'], { OTEL_LOG_LEVEL: 'debug' }, ['--import', broken]);
    assert.match(debug.err, /^\s+at /m);
  });

  it('validates: 0 and what is valid, 1 and every problem', async () => {
    const good = path.join(folder, 'good.yaml');
    writeFileSync(good, 'exporters: {file: {path: /nowhere/spans.jsonl}}\n');
    assert.deepEqual(await undertrace(['validate', '--config', good]), {
      code: 0,
      out: `valid: ${good}\n`,
      err: '',
    });
    const bad = path.join(folder, 'bad.yaml');
    writeFileSync(bad, 'receivers:\n  undertrace:\n    scan: 3\n    nope: 1\n');
    const { code, err } = await undertrace(['--config', bad, 'validate']);
    assert.equal(code, 1);
    assert.equal(err.split('\n').length, 4);
    assert.ok(err.includes(`${bad}:4: receivers.undertrace.nope: unknown key`));
  });

  it('prints the configuration and the components', async () => {
    const json = await undertrace(['print-config', '--json'], { OTEL_LOG_LEVEL: 'warn' });
    const rows = JSON.parse(json.out) as Array<{ key: string; value: unknown; origin: string }>;
    assert.deepEqual(
      rows.find(({ key }) => key === 'service.telemetry.logs.level'),
      {
        key: 'service.telemetry.logs.level',
        value: 'warn',
        origin: 'environment OTEL_LOG_LEVEL',
        source: 'environment',
      },
    );
    const { out } = await undertrace(['components']);
    for (const part of [
      /backends: +syscalls/,
      /protocols: +http/,
      /otlp_grpc +OTLP over gRPC/,
      /health_check/,
    ]) {
      assert.match(out, part);
    }
  });

  const capture = fileURLToPath(new URL('../fixtures/packets/ipv6.pcap', import.meta.url));

  it('replays a packet capture to lines of JSON, with nothing else on standard output', async () => {
    const { code, out, err } = await undertrace(['replay', '--json', capture]);
    assert.equal(code, 0);
    const spans = out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    assert.deepEqual(
      spans.map(({ service, kind, name, status }) => [service, kind, name, status]),
      ['/one', '/two'].map((path) => ['[fd09::2]:8080', 'SERVER', `GET ${path}`, 'UNSET']),
    );
    const { traceId, spanId, start, durationNs, attributes, resource } = spans[0]!;
    assert.match(`${String(traceId)} ${String(spanId)}`, /^[0-9a-f]{32} [0-9a-f]{16}$/);
    assert.match(String(start), /^2026-11-29T21:16:\d\d\.\d{9}Z$/);
    assert.ok(Number(durationNs) > 0);
    assert.equal((attributes as Record<string, unknown>)['http.response.status_code'], 200);
    assert.equal((resource as Record<string, unknown>)['undertrace.service.name.source'], 'address');
    assert.match(err, /^13 packets, 13 used\n2 spans in /);
  });

  it('replays a packet capture to the exporters that are configured', async () => {
    const file = path.join(folder, 'spans.jsonl');
    const config = `yaml:${JSON.stringify({ exporters: { file: { path: file } } })}`;
    const { code, out } = await undertrace(['replay', '--config', config, capture]);
    assert.deepEqual([code, out], [0, '']);
    const text = readFileSync(file, 'utf8');
    assert.equal(text.match(/"spanId":/g)!.length, 2);
    assert.match(text, /"\[fd09::2\]:8080"/);
  });

  it('says of a file that it cannot replay what it could', async () => {
    const { code, err } = await undertrace(['replay', MAIN]);
    assert.equal(code, 1);
    assert.match(
      err,
      /^error: .*main\.ts is not a recording made by `undertrace record`, or a packet capture/,
    );
    assert.match(
      (await undertrace(['replay', '/nonexistent'])).err,
      /^error: cannot read \/nonexistent: ENOENT/,
    );
  });

  it('asks the running agent', async () => {
    const paths: string[] = [];
    const agent = new HttpListener({
      endpoint: { host: '127.0.0.1', port: 0 },
      log: collectLog().log,
      handler({ path: target, query }) {
        paths.push(`${target}?${query.toString()}`);
        const body = target === '/status' ? makeStatus() : makeWhy();
        return { status: 200, type: 'application/json', body: JSON.stringify(body) };
      },
    });
    await agent.start();
    try {
      const endpoint = ['--endpoint', `127.0.0.1:${agent.port}`];
      const status = await undertrace(['status', ...endpoint]);
      assert.match(status.out, /^undertrace 1\.2\.3, pid 77/);
      const json = await undertrace(['status', '--json', ...endpoint]);
      assert.deepEqual(JSON.parse(json.out), makeStatus());
      const configured = ['--set', `exporters.prometheus.endpoint=:${agent.port}`];
      const why = await undertrace(['why', '--port', '80', ...configured]);
      assert.match(why.out, /2 spans were made/);
      assert.deepEqual(paths, ['/status?', '/status?', '/why?port=80']);
    } finally {
      await agent.close();
    }
  });

  it('tells where something else listens', async () => {
    const other: Server = createServer((_request, response) => response.end('<html>')).listen(0, '127.0.0.1');
    await new Promise((resolve) => other.once('listening', resolve));
    const { port } = other.address() as AddressInfo;
    const { code, err } = await undertrace(['status', '--endpoint', `127.0.0.1:${port}`]);
    other.close();
    assert.equal(code, 1);
    assert.match(err, /is not an Undertrace agent/);
  });

  it('warns of what it ignores', async () => {
    const { code, err } = await undertrace(['validate'], { OTEL_BSP_SCHEDULE_DELAY: 'soon' });
    assert.equal(code, 0);
    assert.match(err, /warn {2}OTEL_BSP_SCHEDULE_DELAY is ignored/);
  });
});
