/** The trace contexts that requests carry: the spans of both ends are in the trace that they name, and a proxy that passes them on is in it, too. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import { Agent } from '../support/agent.ts';
import { balancedBooks } from '../support/books.ts';
import { CLIENT, SERVER } from '../support/check-spans.ts';
import type { ReceivedSpan } from '../support/otlp-proto.ts';
import { needCommand, needRoot } from '../support/programs.ts';
import { byName, NODE_SERVER, type Program, RunningServer, SERVERS } from '../support/workload.ts';

const NGINX = byName(SERVERS, 'nginx');

/** Header lines that name a span of a trace; the ids are in hexadecimal. */
const FORMATS: Readonly<Record<string, (trace: string, span: string) => string[]>> = {
  traceparent: (trace, span) => [
    `traceparent: 00-${trace}-${span}-01`,
    'tracestate: rojo=1',
    'tracestate: congo=2',
  ],
  b3: (trace, span) => [`b3: ${trace}-${span}-1`],
  'X-B3': (trace, span) => [`X-B3-TraceId: ${trace}`, `X-B3-SpanId: ${span}`, 'X-B3-Sampled: 1'],
  'uber-trace-id': (trace, span) => [`uber-trace-id: ${trace}:${span}:0:1`],
  sw8: (trace, span) => {
    // The halves of a segment id, one over the other, are the span id: docs/ids.md.
    const ids = [trace, `${span}${'0'.repeat(16)}`].map((id) => Buffer.from(id).toString('base64'));
    return [`sw8: 1-${ids.join('-')}-0-c2hvcA==-MQ==-Lw==-cGVlcg==`];
  },
  'x-amzn-trace-id': (trace, span) => [
    `X-Amzn-Trace-Id: Root=1-${trace.slice(0, 8)}-${trace.slice(8)};Parent=${span};Sampled=1`,
  ],
};

/** Decisions not to sample, of a trace that is not named and of one that is. */
const DENIALS: ReadonlyArray<(trace: string, span: string) => string[]> = [
  () => ['b3: 0'],
  () => ['X-B3-Sampled: 0'],
  (trace, span) => [`traceparent: 00-${trace}-${span}-00`],
  (trace, span) => [`b3: ${trace}-${span}-0`],
  (trace, span) => [`uber-trace-id: ${trace}:${span}:0:0`],
  (trace, span) => FORMATS.sw8!(trace, span).map((line) => line.replace('sw8: 1', 'sw8: 0')),
  (trace, span) =>
    FORMATS['x-amzn-trace-id']!(trace, span).map((line) => line.replace('Sampled=1', 'Sampled=0')),
];

const newTrace = (): string => randomBytes(16).toString('hex').replace(/^./, '4');
const newSpan = (): string => randomBytes(8).toString('hex').replace(/^./, '4');

let serial = 0;

describe('trace headers', function () {
  this.timeout(60_000);
  const servers: RunningServer[] = [];
  let agent: Agent;
  let curl: string;
  let direct: string;
  let proxy: string;

  before(async function () {
    needRoot(this);
    curl = needCommand(this, 'curl', 'curl is one of the traced programs');
    // First, since nginx overwrites the environment that its service name is read from.
    agent = await Agent.start();
    direct = await start(this, NODE_SERVER, 'shop');
    const passing: Program = {
      ...NGINX,
      command: (context) => [...NGINX.command(context), '--proxy', direct],
    };
    proxy = await start(this, passing, 'proxy');
  });

  after(async () => {
    for (const server of servers) await server.stop();
    if (agent) {
      await balancedBooks(agent);
      await agent.stop();
    }
  });

  async function start(context: Mocha.Context, program: Program, service: string): Promise<string> {
    const server = await RunningServer.start(context, program, ['127.0.0.1:0'], { service });
    servers.push(server);
    return `http://${server.listening[0]}`;
  }

  const newRun = (): string => `/w/headers-${process.pid}-${serial++}/`;

  /** One curl, one request. */
  async function ask(base: string, target: string, lines: readonly string[]): Promise<void> {
    const headers = lines.flatMap((line) => ['-H', line]);
    const { stdout } = await promisify(execFile)(curl, [
      ...['-q', '-s', '-o', '/dev/null', '-w', '%{response_code}', '--noproxy', '*'],
      ...headers,
      base + target,
    ]);
    assert.equal(stdout, '200');
  }

  /** Spans from the outermost inwards; each one's parent is the one before it, and all are in one trace. */
  function chain(spans: readonly ReceivedSpan[], kinds: readonly number[]): ReceivedSpan[] {
    const ids = new Set(spans.map(({ spanId }) => spanId));
    const line = spans.filter(({ parentSpanId }) => !ids.has(parentSpanId));
    assert.equal(line.length, 1, `not one tree: ${JSON.stringify(spans)}`);
    for (let next = line; next.length > 0; line.push(...next)) {
      const { spanId } = line.at(-1)!;
      next = spans.filter(({ parentSpanId }) => parentSpanId === spanId);
    }
    assert.deepEqual(
      line.map(({ kind }) => kind),
      kinds,
    );
    assert.equal(new Set(line.map(({ traceId }) => traceId)).size, 1);
    return line;
  }

  const methods = (spans: readonly ReceivedSpan[]): unknown[] =>
    spans.map(({ attributes }) => attributes['undertrace.link.method']);

  for (const [name, linesOf] of Object.entries(FORMATS)) {
    it(`puts both ends into the trace that ${name} names`, async () => {
      const [run, trace, span] = [newRun(), newTrace(), newSpan()];
      await ask(direct, `${run}1`, linesOf(trace, span));
      const found = chain(await agent.spans(run, 2), [CLIENT, SERVER]);
      assert.equal(found[0]!.traceId, trace);
      assert.equal(found[0]!.parentSpanId, span);
      assert.deepEqual(methods(found), ['header', 'hop']);
      assert.equal(found[0]!.traceState, name === 'traceparent' ? 'rojo=1,congo=2' : '');
    });

    it(`makes one tree of a request that nginx passes on with ${name}`, async () => {
      const [run, trace, span] = [newRun(), newTrace(), newSpan()];
      await ask(proxy, `${run}1`, linesOf(trace, span));
      const found = chain(await agent.spans(run, 4), [CLIENT, SERVER, CLIENT, SERVER]);
      assert.equal(found[0]!.traceId, trace);
      assert.equal(found[0]!.parentSpanId, span);
      assert.deepEqual(methods(found), ['header', 'hop', 'header', 'hop']);
      assert.deepEqual(
        found.slice(1).map(({ resource }) => resource['service.name']),
        ['proxy', 'proxy', 'shop'],
      );
    });
  }

  for (const name of ['X-Request-ID', 'X-Correlation-ID']) {
    it(`makes one tree of a request that nginx passes on with ${name}`, async () => {
      const [run, id] = [newRun(), newTrace()];
      await ask(proxy, `${run}1`, [`${name}: ${id}`]);
      const found = chain(await agent.spans(run, 4), [CLIENT, SERVER, CLIENT, SERVER]);
      assert.equal(found[0]!.parentSpanId, '');
      assert.deepEqual(methods(found), [undefined, 'hop', 'request_id', 'hop']);
      assert.ok(!JSON.stringify(found).includes(id), 'the id is in a span');
    });
  }

  it('keeps requests apart that a proxy passes on at the same time', async () => {
    const run = newRun();
    const requests = Array.from({ length: 8 }, (_, n) => ({
      target: `${run}${n}?delay=300`,
      trace: newTrace(),
    }));
    await Promise.all(
      requests.map(({ target, trace }, n) =>
        ask(proxy, target, n % 2 === 0 ? FORMATS.traceparent!(trace, newSpan()) : [`X-Request-ID: ${trace}`]),
      ),
    );
    const spans = await agent.spans(run, 4 * requests.length);
    requests.forEach((_, n) => {
      const own = spans.filter(({ attributes: { 'url.path': path, 'url.full': url } }) =>
        [path, url].some((text) => typeof text === 'string' && new RegExp(`${run}${n}(\\?|$)`).test(text)),
      );
      const found = chain(own, [CLIENT, SERVER, CLIENT, SERVER]);
      const by = n % 2 === 0 ? ['header', 'hop', 'header', 'hop'] : [undefined, 'hop', 'request_id', 'hop'];
      assert.deepEqual(methods(found), by);
    });
  });

  it('makes no span where the sender decided against it', async () => {
    const run = newRun();
    const lostBefore = await sampledOut();
    for (const [n, linesOf] of DENIALS.entries())
      await ask(direct, `${run}denied-${n}`, linesOf(newTrace(), newSpan()));
    await ask(direct, `${run}decided`, FORMATS.b3!(newTrace(), newSpan()));
    chain(await agent.spans(run, 2), [CLIENT, SERVER]);
    // Others on this machine may have decided so, too.
    assert.ok((await sampledOut()) - lostBefore >= 2 * DENIALS.length);
  });

  it('starts a trace where the header is not valid', async () => {
    const run = newRun();
    await ask(direct, `${run}1`, ['traceparent: 00-0-0-0', 'b3: x', 'sw8: 1', 'uber-trace-id: ::::']);
    const found = chain(await agent.spans(run, 2), [CLIENT, SERVER]);
    assert.equal(found[0]!.parentSpanId, '');
    assert.deepEqual(methods(found), [undefined, 'hop']);
  });

  async function sampledOut(): Promise<number> {
    const stage = (await balancedBooks(agent)).books.find((books) => books.stage === 'spans');
    return stage!.lost.sampled_out ?? 0;
  }
});
