/** What a real Jaeger shows of real programs, asked by its query API: each request is one tree, whoever made the spans. */
import assert from 'node:assert/strict';
import { CELLS, type Cell, lackOf, linksPerRequest } from '../links/cells.ts';
import { checkLinks } from '../links/check.ts';
import { ofRun, RECEIVER, traceLoad } from '../links/laboratory.ts';
import type { Truth } from '../links/truth.ts';
import { Agent, pathOf } from '../support/agent.ts';
import {
  ask,
  chains,
  instrumented,
  LANGUAGES,
  waitUntilSuppressed,
  withinSpan,
} from '../support/instrumented.ts';
import { Jaeger, needJaeger } from '../support/jaeger.ts';
import { lacking, needCommand, needRoot } from '../support/programs.ts';
import { Servers } from '../support/servers.ts';
import { placeOf, render, terminalLine, type Tree, treeOf, treesOnTerminal } from '../support/span-tree.ts';
import { byName, C_SERVER, SERVERS } from '../support/workload.ts';

const CLIENTS = 8;
/** All their spans find room in the terminal's queue, which is small, should a busy machine bring them at once. */
const REQUESTS = 80;
/** Share of the load's requests whose chain is whole; where a cause is not certain a call starts a trace of its own. */
const LEAST_WHOLE = 0.95;
/** Requests to each application with an SDK. */
const ASKED = 5;
const NGINX = byName(SERVERS, 'nginx');

/** What is told of one request where an application with an SDK stands between nginx and the store, and the SDK of who calls curl began the trace. */
const TREES = {
  suppress: [
    'SDK internal > SDK server > SDK client > store server by header',
    'SDK internal > curl client by header > proxy server by hop > proxy client by header',
  ],
  nest: [
    'SDK internal > SDK server > SDK client > shop client by header > store server by hop',
    'SDK internal > curl client by header > proxy server by hop > proxy client by header > shop server by hop',
  ],
};
const SPANS: Record<keyof typeof TREES, number> = { suppress: 7, nest: 9 };

/** The tree of one request of the load, as the services wrote it down. */
function treeOfTruth({ chain }: Cell, truth: Truth, run: string, root: string): Tree {
  const services = chain.map(({ name }, place) => `${name}-${place + 1}`);
  const hop = (client: string, place: number, letter: string, id: string): Tree => {
    const [server, target] = [services[place] ?? 'back-ends', `/w/${run}/${letter}/${id}`];
    // A service calls the next one last, and back ends before.
    const below = (truth.calls.get(id) ?? []).map((call, n, { length }) =>
      hop(server, n === length - 1 ? place + 1 : services.length, 'abcd'[n]!, call),
    );
    return { line: `${client} → ${target}`, below: [{ line: `${server} ← ${target}`, below }] };
  };
  return hop('load', 0, 'front', root);
}

describe('traces in a real Jaeger', function () {
  this.timeout(60_000);
  const servers = new Servers();
  let jaeger: Jaeger;
  let agent: Agent | undefined;
  let curl: string;

  before(async function () {
    this.timeout(900_000); // the first run builds it
    needRoot(this);
    curl = needCommand(this, 'curl', 'curl is one of the traced programs');
    const binary = needJaeger(this);
    jaeger = await Jaeger.start(binary);
  });

  after(async () => {
    await jaeger?.stop();
  });

  afterEach(async () => {
    await servers.stop();
    await agent?.stop();
    agent = undefined;
  });

  it('are one tree for each request to a chain of four services, the same as on the terminal', async function () {
    const cell = CELLS.find(({ name }) => name === 'chain-of-four')!;
    const lack = lackOf(cell);
    if (lack !== undefined) lacking(this, lack);
    const since = new Date();
    const { run, truth, ended } = await traceLoad(cell, {
      ...{ clients: CLIENTS, links: REQUESTS * linksPerRequest(cell), saturated: false },
      agent: {
        // A trace that takes longer than this is handed over in parts, of which the terminal makes trees of their own.
        receiver: { trace_wait: '10s' },
        exporters: { otlp_http: {}, debug: {} },
        env: { OTEL_EXPORTER_OTLP_ENDPOINT: jaeger.endpoint, LC_ALL: 'C.UTF-8', FORCE_COLOR: '0' },
      },
    });
    const traces = (await jaeger.tracesSince(since)).filter((spans) => ofRun(spans, run).length > 0);
    const { spans, hop, inner, strays, wholeTraces } = checkLinks(traces.flat(), truth);
    assert.deepEqual(spans, { missing: 0, repeated: 0, unknown: 0 });
    assert.deepEqual(
      { hops: hop.right, wrong: inner.wrong, strays },
      { hops: hop.expected, wrong: 0, strays: 0 },
    );

    const shown = new Set(traces.map((trace) => render(treeOf(trace, placeOf))));
    const whole = truth.roots.filter((id) => shown.has(render(treeOfTruth(cell, truth, run, id))));
    assert.equal(whole.length, wholeTraces.count);
    assert.ok(
      whole.length >= LEAST_WHOLE * truth.roots.length,
      `${whole.length} of ${truth.roots.length} are whole`,
    );

    const texts = (trees: readonly Tree[]): string[] => trees.map((tree) => render(tree));
    const inJaeger = texts(traces.map((trace) => treeOf(trace, terminalLine)));
    const trees = treesOnTerminal(ended.stdout).filter(({ line }) => line.includes(`/w/${run}/`));
    const onTerminal = texts(trees);
    assert.deepEqual(
      {
        onTerminalAlone: onTerminal.filter((text) => !inJaeger.includes(text)),
        inJaegerAlone: inJaeger.filter((text) => !onTerminal.includes(text)),
      },
      { onTerminalAlone: [], inJaegerAlone: [] },
    );
    assert.equal(onTerminal.length, inJaeger.length);
  });

  for (const language of LANGUAGES) {
    for (const mode of ['suppress', 'nest'] as const) {
      it(`are one tree where an application with an SDK is in the middle (${language}, ${mode})`, async function () {
        const since = new Date();
        // First, since nginx overwrites the environment that its service name is read from.
        agent = await Agent.start({
          receiver: { ...RECEIVER, link: { instrumented: mode } },
          exporters: { otlp_http: {} },
          env: { OTEL_EXPORTER_OTLP_ENDPOINT: jaeger.endpoint },
        });
        const store = await servers.start(this, C_SERVER, 'store');
        const shop = await servers.start(this, instrumented(language, store.base, jaeger.endpoint), 'shop');
        const passing = { ...NGINX, command: () => [...NGINX.command(this), '--proxy', shop.base] };
        const proxy = await servers.start(this, passing, 'proxy');
        const run = `/w/jaeger-${process.pid}-${language}-${mode}/`;

        // Until it has exported once, it is told of by both kinds of spans.
        await ask(curl, `${proxy.base}${run}first`);
        if (mode === 'suppress') await waitUntilSuppressed(agent, shop.pid);
        const asked = new Set<string>();
        for (let n = 0; n < ASKED; n++) {
          const request = (traceparent: string): Promise<void> =>
            ask(curl, `${proxy.base}${run}${n}`, [traceparent]);
          asked.add(await withinSpan(jaeger.endpoint, request));
        }
        await agent.stop(); // hands over what it has
        agent = undefined;
        for (const id of asked)
          assert.deepEqual(chains(await jaeger.waitForTrace(id, SPANS[mode])), TREES[mode]);
        const others = (await jaeger.tracesSince(since)).flat().filter(({ traceId }) => !asked.has(traceId));
        const about = new Set(others.map(pathOf).filter((target) => target?.startsWith(run)));
        assert.deepEqual([...about], [`${run}first`]);
      });
    }
  }
});
