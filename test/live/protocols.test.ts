/**
 * Every protocol between its real server and its real clients: one exchange gives exactly one span at each end, the server's under the client's, none is
 * missing and none invented. What is expected stands in test/protocols/<name>/scenario.ts.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { Agent, spanWithNumbers } from '../support/agent.ts';
import { freePorts } from '../support/collector.ts';
import type { ReceivedSpan } from '../support/otlp-proto.ts';
import { needRoot } from '../support/programs.ts';
import {
  needPackages,
  runScenarioClient,
  scenarioNames,
  SCENARIOS,
  type ExpectedSpans,
  type InstalledPackages,
  type Scenario,
  type ScenarioClient,
} from '../support/scenario.ts';

const COUNT = 100;
/** SpanKind in OTLP of a client's or producer's end, and of the other one. */
const ASKING = new Set([3, 4]);

/** `name` or `name !error.type`, how often. */
function tally(spans: readonly ReceivedSpan[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { name, attributes } of spans) {
    const key = label(name, attributes['error.type'] as string | undefined);
    counts[key] = (counts[key] ?? 0) + 1;
  }
  return counts;
}

function label(name: string, errorType: string | undefined): string {
  return errorType === undefined ? name : `${name} !${errorType}`;
}

/** The same of what is expected at one end. */
function expectedTally(expected: readonly ExpectedSpans[], serving: boolean): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const each of expected) {
    const name = serving ? (each.servingName ?? each.name) : each.name;
    const key = label(name, errorTypeOf(each, serving));
    counts[key] = (counts[key] ?? 0) + each.count;
  }
  return counts;
}

function errorTypeOf({ errorType, servingErrorType }: ExpectedSpans, serving: boolean): string | undefined {
  return serving && servingErrorType !== undefined ? (servingErrorType ?? undefined) : errorType;
}

/** Where a scenario's spans are, and which of them may come at any time. */
interface Watched {
  readonly host: string;
  readonly port: number;
  readonly tolerates: Set<string>;
}

/** Spans at a server's address which were not taken. */
function spansAt(agent: Agent, at: Watched): ReceivedSpan[] {
  return agent.sink.spans
    .map(spanWithNumbers)
    .filter((span) => isAt(span, at) && !at.tolerates.has(span.name));
}

/** Protocols that pass on requests of HTTP name the server that was asked for; the connection is to another one. */
function isAt({ attributes, kind }: ReceivedSpan, { host, port }: Watched): boolean {
  const connected = attributes[ASKING.has(kind) ? 'network.peer.port' : 'network.local.port'] === port;
  if (port > 1024 && connected) return true;
  return attributes['server.port'] === port && (port > 1024 || attributes['server.address'] === host);
}

/** Takes the spans away. What is invented may come later than what is expected: what is left is looked at before the next client, and at the end. */
function take(agent: Agent, at: Watched): void {
  const left = agent.sink.spans.filter((span) => !isAt(spanWithNumbers(span), at));
  agent.sink.spans.splice(0, Infinity, ...left);
}

describe('protocols between real programs', function () {
  this.timeout(300_000);
  let agent: Agent;
  const watched: Watched[] = [];

  before(async function () {
    needRoot(this);
    // Whether everything is right is asked here, not how much load a ring bears: other work on the machine must not matter.
    agent = await Agent.start({ receiver: { ring_size: '64MiB' } });
  });

  after(async () => {
    const ended = await agent?.stop();
    if (!ended) return;
    assert.deepEqual([ended.code, ended.ledger.balanced], [0, true], ended.stderr);
    for (const at of watched)
      assert.deepEqual(tally(spansAt(agent, at)), {}, 'spans after all that were expected');
  });

  for (const name of scenarioNames()) {
    describe(name, () => {
      let scenario: Scenario;
      let packages: InstalledPackages;
      let server: { stop(): Promise<void> };
      let at: Watched;
      let folder: string;

      before(async function () {
        packages = needPackages(this, name);
        const module = (await import(pathToFileURL(path.join(SCENARIOS, name, 'scenario.ts')).href)) as {
          scenario: Scenario;
        };
        scenario = module.scenario;
        folder = mkdtempSync(path.join(tmpdir(), `undertrace-${name}-`));
        const [free] = (await freePorts(1)) as [number];
        const { host, port } = scenario.at ?? { host: '127.0.0.1', port: free };
        const tolerates = new Set(scenario.clients.flatMap((client) => client.tolerates ?? []));
        watched.push((at = { host, port, tolerates }));
        server = await scenario.start({ host, port, folder, packages });
      });

      after(async () => {
        await server?.stop();
        if (folder) rmSync(folder, { recursive: true, force: true });
      });

      // Mocha wants to know the tests before anything runs, so the clients are found when it does.
      it('gives a span at each end of every exchange', async () => {
        for (const client of scenario.clients) await converse(client);
      });

      async function converse(client: ScenarioClient): Promise<void> {
        const { count = COUNT } = client;
        if (client.start) {
          await server.stop();
          server = await client.start({ ...at, folder, packages });
        }
        const expected = client.expects(count);
        const wanted = expectedTally(expected, false);
        const service = `${name}-${client.name}`;
        assert.deepEqual(tally(spansAt(agent, at)), {}, `${name}: spans more than were expected`);
        await runScenarioClient(service, client.command({ ...at, count, folder, packages }), packages);
        const total = Object.values(wanted).reduce((sum, each) => sum + each, 0) * 2;
        const select = (): ReceivedSpan[] => spansAt(agent, at);
        const late = await agent.sink
          .waitFor(() => select().length >= total, 60_000)
          .then(() => 'in time', String);
        const spans = select();
        take(agent, at);
        const asking = spans.filter(({ kind }) => ASKING.has(kind));
        const serving = spans.filter(({ kind }) => !ASKING.has(kind));
        assert.deepEqual(tally(asking), wanted, `${service}: spans of the client's end; ${late}`);
        assert.deepEqual(
          tally(serving),
          expectedTally(expected, true),
          `${service}: spans of the server's end`,
        );
        for (const { name: span, errorType, attributes = {} } of expected)
          for (const found of asking.filter(
            (each) => label(each.name, each.attributes['error.type'] as string) === label(span, errorType),
          ))
            for (const [key, value] of Object.entries(attributes))
              assert.deepEqual(found.attributes[key], value, `${service}: ${key} of ${span}`);
        const parents = new Set(asking.map(({ spanId }) => spanId));
        const strays = serving.filter(({ parentSpanId }) => !parents.has(parentSpanId));
        assert.deepEqual(
          tally(strays),
          {},
          `${service}: spans of the server's end without that of the client`,
        );
      }
    });
  }
});
