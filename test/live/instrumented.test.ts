/** An application that traces itself with the OpenTelemetry SDK, between a client and a server that do not: nothing is told twice unless it is asked for. */
import assert from 'node:assert/strict';
import type { WhyTotals } from '../../src/serve/status.ts';
import { Agent, sleep } from '../support/agent.ts';
import { balancedBooks } from '../support/books.ts';
import {
  ask,
  chains,
  instrumented,
  LANGUAGES,
  SDK_SCOPE,
  waitUntilSuppressed,
  why,
} from '../support/instrumented.ts';
import { needCommand, needRoot } from '../support/programs.ts';
import { type Server, Servers } from '../support/servers.ts';
import { C_SERVER } from '../support/workload.ts';

const REQUESTS = 5;
const POLL_MS = 20;

let serial = 0;
const newRun = (): string => `/w/instrumented-${process.pid}-${serial++}/`;

describe('an application with an SDK', function () {
  this.timeout(60_000);
  const servers = new Servers();
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
    await servers.stop();
    await agent?.stop();
    agent = undefined;
  });

  /** What is right is asked here, not how much load a ring bears: other work on the machine must not matter. */
  async function startAgent(link: Record<string, unknown> = {}): Promise<Agent> {
    return (agent = await Agent.start({ receiver: { ring_size: '64MiB', link } }));
  }

  /** The application, and the server that it asks. */
  async function startBoth(context: Mocha.Context, agent: Agent, language: string): Promise<Server> {
    const store = await servers.start(context, C_SERVER, 'store');
    return servers.start(context, instrumented(language, store.base, agent.collector), 'shop');
  }

  /** Its own spans of a first request have arrived. */
  async function askFirst(agent: Agent, base: string): Promise<void> {
    await ask(curl, `${base}${newRun()}first`);
    await agent.sink.waitFor(({ spans }) => spans.filter(({ scope }) => scope === SDK_SCOPE).length === 2);
  }

  /** What is told of the process when nothing of it is under way: of the first request, too. */
  async function settled(agent: Agent, pid: number): Promise<WhyTotals> {
    for (;;) {
      const { totals } = await why(agent, pid);
      const { exchanges, spans, lost } = totals;
      const { instrumented = 0, filtered = 0 } = lost;
      if (exchanges > 0 && exchanges === spans + instrumented + filtered) return totals;
      await sleep(POLL_MS);
    }
  }

  for (const language of LANGUAGES) {
    it(`is told of by its own spans alone, which its neighbours hang on (${language})`, async function () {
      const agent = await startAgent();
      const { pid, base } = await startBoth(this, agent, language);
      await askFirst(agent, base);
      await waitUntilSuppressed(agent, pid);
      const before = await settled(agent, pid);
      for (let n = 0; n < REQUESTS; n++) {
        const run = newRun();
        await ask(curl, `${base}${run}1`);
        assert.deepEqual(chains(await agent.spans(run, 4)), [
          'SDK server > SDK client > store server by header',
          'curl client',
        ]);
      }
      const after = await settled(agent, pid);
      assert.equal(after.spans, before.spans);
      assert.equal((after.lost.instrumented ?? 0) - (before.lost.instrumented ?? 0), 2 * REQUESTS);
      await balancedBooks(agent);
    });

    it(`is told of by both kinds of spans where that is asked for (${language})`, async function () {
      const agent = await startAgent({ instrumented: 'nest' });
      const { pid, base } = await startBoth(this, agent, language);
      await askFirst(agent, base);
      for (let n = 0; n < REQUESTS; n++) {
        const run = newRun();
        await ask(curl, `${base}${run}1`);
        assert.deepEqual(chains(await agent.spans(run, 6)), [
          'SDK server > SDK client > shop client by header > store server by hop',
          'curl client > shop server by hop',
        ]);
      }
      assert.equal((await why(agent, pid)).totals.lost.instrumented, undefined);
      await balancedBooks(agent);
    });
  }
});
