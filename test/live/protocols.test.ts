/**
 * Every protocol between its real server and its real clients: one exchange gives exactly one span at each end, the server's under the client's, none is
 * missing and none invented. What is expected stands in test/protocols/<name>/scenario.ts.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Agent, spanWithNumbers } from '../support/agent.ts';
import { freePorts } from '../support/collector.ts';
import type { ReceivedSpan } from '../support/otlp-proto.ts';
import { needRoot } from '../support/programs.ts';
import {
  loadScenarios,
  needPackages,
  runScenarioClient,
  scenarioNames,
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
  for (const span of spans) {
    const key = labelOfSpan(span);
    counts[key] = (counts[key] ?? 0) + 1;
  }
  return counts;
}

function labelOfSpan({ name, attributes }: ReceivedSpan): string {
  return label(name, attributes['error.type'] as string | undefined);
}

function label(name: string, errorType: string | undefined): string {
  return errorType === undefined ? name : `${name} !${errorType}`;
}

/** The same of what is expected at one end. */
function expectedTally(expected: readonly ExpectedSpans[], serving: boolean): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const each of expected) {
    const key = labelOf(each, serving);
    counts[key] = (counts[key] ?? 0) + each.count;
  }
  return counts;
}

function labelOf(
  { name, servingName, errorType, servingErrorType }: ExpectedSpans,
  serving: boolean,
): string {
  if (!serving) return label(name, errorType);
  return label(
    servingName ?? name,
    servingErrorType === undefined ? errorType : (servingErrorType ?? undefined),
  );
}

function checkAttributes(
  service: string,
  spans: readonly ReceivedSpan[],
  wanted: string,
  attributes: Record<string, unknown> = {},
): void {
  for (const found of spans.filter((span) => labelOfSpan(span) === wanted))
    for (const [key, value] of Object.entries(attributes))
      assert.deepEqual(found.attributes[key], value, `${service}: ${key} of ${JSON.stringify(found)}`);
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
    .filter((span) => isAt(span, at) && !at.tolerates.has(span.name))
    .map(spanWithNumbers);
}

/**
 * Of a span as it was received, whose integers have their type in front. Protocols that pass on requests of HTTP name the server that was asked for; the
 * connection is to another one.
 */
function isAt({ attributes, kind }: ReceivedSpan, { host, port }: Watched): boolean {
  const at = `int:${port}`;
  const connected = attributes[ASKING.has(kind) ? 'network.peer.port' : 'network.local.port'] === at;
  if (port > 1024 && connected) return true;
  return attributes['server.port'] === at && (port > 1024 || attributes['server.address'] === host);
}

/** Takes the spans away. What is invented may come later than what is expected: what is left is looked at before the next client, and at the end. */
function take(agent: Agent, at: Watched): void {
  const left = agent.sink.spans.filter((span) => !isAt(span, at));
  agent.sink.spans.splice(0, Infinity, ...left);
}

describe('protocols between real programs', function () {
  this.timeout(600_000);
  let agent: Agent;
  const watched: Watched[] = [];

  before(async function () {
    needRoot(this);
    // Whether everything is right is asked here, not how much load a ring bears: other work on the machine must not matter.
    const filters = { include: [{ pid: process.pid, children: true }] };
    agent = await Agent.start({ receiver: { ring_size: '64MiB', filters } });
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
      let packages: InstalledPackages;

      before(function () {
        packages = needPackages(this, name);
      });

      // Mocha wants to know the tests before anything runs, so servers and clients are found when it does.
      it('gives a span at each end of every exchange', async () => {
        for (const [server, scenario] of Object.entries(await loadScenarios(name)))
          await serve(server, scenario);
      });

      async function serve(serverName: string, scenario: Scenario): Promise<void> {
        const folder = mkdtempSync(path.join(tmpdir(), `undertrace-${name}-`));
        const [free] = (await freePorts(1)) as [number];
        const { host, port } = scenario.at ?? { host: '127.0.0.1', port: free };
        const tolerates = new Set(scenario.clients.flatMap((client) => client.tolerates ?? []));
        const at: Watched = { host, port, tolerates };
        watched.push(at);
        try {
          const server = await scenario.start({ host, port, folder, packages });
          try {
            for (const client of scenario.clients)
              await converse(client, `${serverName}-${client.name}`, at, folder);
          } finally {
            await server.stop();
          }
        } finally {
          rmSync(folder, { recursive: true, force: true });
        }
      }

      async function converse(
        client: ScenarioClient,
        service: string,
        at: Watched,
        folder: string,
      ): Promise<void> {
        const { count = COUNT } = client;
        const expected = client.expects(count);
        const wanted = expectedTally(expected, false);
        assert.deepEqual(tally(spansAt(agent, at)), {}, `${service}: spans more than were expected before`);
        const total = Object.values(wanted).reduce((sum, each) => sum + each, 0);
        const select = (): ReceivedSpan[] => spansAt(agent, at);
        /** Of each end; what comes late is seen where spans are compared. */
        const seen = (number: number): Promise<string> =>
          agent.sink.waitFor(() => select().length >= 2 * number, 120_000).then(() => 'in time', String);
        const gate = client.before && seen(client.before(count));
        await runScenarioClient(service, client.command({ ...at, count, folder, packages }), packages, gate);
        const late = await seen(total);
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
        for (const each of expected) {
          checkAttributes(service, asking, labelOf(each, false), each.attributes);
          checkAttributes(service, serving, labelOf(each, true), each.servingAttributes);
        }
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
