/** An application that traces itself with the OpenTelemetry SDK, between a client and a server that do not: nothing is told twice unless it is asked for. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { WhyReport } from '../../src/serve/status.ts';
import { Agent, sleep } from '../support/agent.ts';
import { balancedBooks } from '../support/books.ts';
import { CLIENT } from '../support/check-spans.ts';
import type { ReceivedSpan } from '../support/otlp-proto.ts';
import { inCheckout, needCommand, needPythonSdk, needRoot } from '../support/programs.ts';
import { C_SERVER, type Program, RunningServer } from '../support/workload.ts';

const REQUESTS = 5;
const KNOWN_MS = 10_000;
/** Of the spans that the application makes itself. */
const SDK_SCOPE = 'instrumented@';

/** How the same application starts in each language. */
const APPLICATIONS: Readonly<Record<string, (context: Mocha.Context) => string[]>> = {
  Node: () => [process.execPath, inCheckout('test', 'workload', 'node', 'instrumented.mjs')],
  Python: (context) => [
    ...needPythonSdk(context),
    inCheckout('test', 'workload', 'python', 'instrumented.py'),
  ],
};

let serial = 0;
const newRun = (): string => `/w/instrumented-${process.pid}-${serial++}/`;

/** The chains of spans from each that has no parent to those that are nobody's: who made a span, of which service it is, and how its parent was found. */
function chains(spans: readonly ReceivedSpan[]): string[] {
  const byId = new Map(spans.map((span) => [span.spanId, span]));
  const parents = new Set(spans.map(({ parentSpanId }) => parentSpanId));
  const told = (span: ReceivedSpan): string => {
    const kind = span.kind === CLIENT ? 'client' : 'server';
    if (span.scope === SDK_SCOPE) return `SDK ${kind}`;
    const method = span.attributes['undertrace.link.method'] as string | undefined;
    return `${String(span.resource['service.name'])} ${kind}${method === undefined ? '' : ` by ${method}`}`;
  };
  const chainOf = (span: ReceivedSpan): string => {
    const parent = byId.get(span.parentSpanId);
    if (parent === undefined) {
      assert.equal(span.parentSpanId, '', `a parent that nobody made: ${JSON.stringify(span)}`);
      return told(span);
    }
    assert.equal(span.traceId, parent.traceId);
    return `${chainOf(parent)} > ${told(span)}`;
  };
  return spans
    .filter(({ spanId }) => !parents.has(spanId))
    .map(chainOf)
    .sort();
}

describe('an application with an SDK', function () {
  this.timeout(60_000);
  const servers: RunningServer[] = [];
  let agent: Agent | undefined;
  let curl: string;

  before(function () {
    needRoot(this);
    curl = needCommand(this, 'curl', 'curl is one of the traced programs');
  });

  afterEach(async function () {
    if (this.currentTest?.state === 'failed' && agent) {
      process.stderr.write(`${JSON.stringify((await agent.status()).books)}\n`);
    }
    for (const server of servers.splice(0)) await server.stop();
    await agent?.stop();
    agent = undefined;
  });

  /** What is right is asked here, not how much load a ring bears: other work on the machine must not matter. */
  async function startAgent(link: Record<string, unknown> = {}): Promise<Agent> {
    return (agent = await Agent.start({ receiver: { ring_size: '64MiB', link } }));
  }

  async function start(
    context: Mocha.Context,
    program: Program,
    service: string,
  ): Promise<{ pid: number; base: string }> {
    const server = await RunningServer.start(context, program, ['127.0.0.1:0'], { service });
    servers.push(server);
    return { pid: server.pid, base: `http://${server.listening[0]}` };
  }

  /** The application, and the server that it asks. */
  async function startBoth(
    context: Mocha.Context,
    command: (context: Mocha.Context) => string[],
  ): Promise<{ pid: number; base: string }> {
    const store = await start(context, C_SERVER, 'store');
    const application: Program = {
      ...{ name: 'instrumented', unix: false, chunked: false },
      command: (mocha) => [...command(mocha), store.base, agent!.collector],
    };
    return start(context, application, 'shop');
  }

  async function ask(base: string, target: string): Promise<void> {
    const { stdout } = await promisify(execFile)(curl, [
      ...['-q', '-s', '-o', '/dev/null', '-w', '%{response_code}', '--noproxy', '*', base + target],
    ]);
    assert.equal(stdout, '200');
  }

  async function why(pid: number): Promise<WhyReport> {
    return (await (await agent!.get(`/why?pid=${pid}`)).json()) as WhyReport;
  }

  /** Its own spans of a first request have arrived. */
  async function askFirst(base: string): Promise<void> {
    await ask(base, `${newRun()}first`);
    await agent!.sink.waitFor(({ spans }) => spans.filter(({ scope }) => scope === SDK_SCOPE).length === 2);
  }

  for (const [language, command] of Object.entries(APPLICATIONS)) {
    it(`is told of by its own spans alone, which its neighbours hang on (${language})`, async function () {
      const agent = await startAgent();
      const { pid, base } = await startBoth(this, command);
      await askFirst(base);
      const deadline = Date.now() + KNOWN_MS;
      while (!(await why(pid)).processes[0]?.suppressed) {
        assert.ok(Date.now() < deadline, `its export was not seen: ${JSON.stringify(await why(pid))}`);
        await sleep(20);
      }
      const before = (await why(pid)).totals;
      for (let n = 0; n < REQUESTS; n++) {
        const run = newRun();
        await ask(base, `${run}1`);
        assert.deepEqual(chains(await agent.spans(run, 4)), [
          'SDK server > SDK client > store server by header',
          'curl client',
        ]);
      }
      const after = (await why(pid)).totals;
      assert.equal(after.spans, before.spans);
      assert.equal((after.lost.instrumented ?? 0) - (before.lost.instrumented ?? 0), 2 * REQUESTS);
      await balancedBooks(agent);
    });

    it(`is told of by both kinds of spans where that is asked for (${language})`, async function () {
      const agent = await startAgent({ instrumented: 'nest' });
      const { pid, base } = await startBoth(this, command);
      await askFirst(base);
      for (let n = 0; n < REQUESTS; n++) {
        const run = newRun();
        await ask(base, `${run}1`);
        assert.deepEqual(chains(await agent.spans(run, 6)), [
          'SDK server > SDK client > shop client by header > store server by hop',
          'curl client > shop server by hop',
        ]);
      }
      assert.equal((await why(pid)).totals.lost.instrumented, undefined);
      await balancedBooks(agent);
    });
  }
});
