/** An application that traces itself with the OpenTelemetry SDK, in each language, and what is asked of it and of its spans. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { NodeTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node';
import type { WhyReport } from '../../src/serve/status.ts';
import { type Agent, sleep } from './agent.ts';
import type { ReceivedSpan } from './otlp-proto.ts';
import { inCheckout, needPythonSdk } from './programs.ts';
import type { Program } from './workload.ts';

const SDK_TRACER = 'instrumented';
/** Of the spans that the application makes itself. */
export const SDK_SCOPE = `${SDK_TRACER}@`;
const KNOWN_MS = 10_000;
/** As in OTLP. */
const KINDS = ['unspecified', 'internal', 'server', 'client'];

/** How the same application starts in each language. */
const COMMANDS: Readonly<Record<string, (context: Mocha.Context) => string[]>> = {
  Node: () => [process.execPath, inCheckout('test', 'workload', 'node', 'instrumented.mjs')],
  Python: (context) => [
    ...needPythonSdk(context),
    inCheckout('test', 'workload', 'python', 'instrumented.py'),
  ],
};

export const LANGUAGES = Object.keys(COMMANDS);

/** The application, which asks `backEnd` for every request and sends its spans to `collector`, both base URLs. */
export function instrumented(language: string, backEnd: string, collector: string): Program {
  return {
    ...{ name: 'instrumented', unix: false, chunked: false },
    command: (context) => [...COMMANDS[language]!(context), backEnd, collector],
  };
}

/** One process of curl, one request, which must succeed. */
export async function ask(curl: string, url: string, headers: readonly string[] = []): Promise<void> {
  const { stdout } = await promisify(execFile)(curl, [
    ...['-q', '-s', '-o', '/dev/null', '-w', '%{response_code}', '--noproxy', '*'],
    ...headers.flatMap((line) => ['-H', line]),
    url,
  ]);
  assert.equal(stdout, '200');
}

/**
 * Runs `action` within a span that the SDK makes here, as a program with the SDK that starts another one; `traceparent` names it. Gives back its trace id
 * when `collector` has it.
 */
export async function withinSpan(
  collector: string,
  action: (traceparent: string) => Promise<void>,
): Promise<string> {
  const exporter = new OTLPTraceExporter({ url: `${collector}/v1/traces` });
  const provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
  const span = provider.getTracer(SDK_TRACER).startSpan('caller');
  const { traceId, spanId } = span.spanContext();
  await action(`traceparent: 00-${traceId}-${spanId}-01`);
  span.end();
  await provider.shutdown();
  return traceId;
}

export async function why(agent: Agent, pid: number): Promise<WhyReport> {
  return (await (await agent.get(`/why?pid=${pid}`)).json()) as WhyReport;
}

/** Resolves when the agent has seen that the process exports spans of its own. */
export async function waitUntilSuppressed(agent: Agent, pid: number): Promise<void> {
  const deadline = Date.now() + KNOWN_MS;
  for (let report = await why(agent, pid); !report.processes[0]?.suppressed; report = await why(agent, pid)) {
    assert.ok(Date.now() < deadline, `its export was not seen: ${JSON.stringify(report)}`);
    await sleep(20);
  }
}

/** The chains of spans from each that has no parent to those that are nobody's: who made a span, of which service it is, and how its parent was found. */
export function chains(spans: readonly ReceivedSpan[]): string[] {
  const byId = new Map(spans.map((span) => [span.spanId, span]));
  const parents = new Set(spans.map(({ parentSpanId }) => parentSpanId));
  const told = (span: ReceivedSpan): string => {
    const kind = KINDS[span.kind];
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
