/** Compares spans with what the clients planned and measured. */
import assert from 'node:assert/strict';
import { loadNative } from '../../src/capture/native.ts';
import { pathOf } from './agent.ts';
import type { ReceivedSpan } from './otlp-proto.ts';
import type { LogLine, Planned } from './workload.ts';

/** Kinds of spans in OTLP. */
export const CLIENT = 3;
export const SERVER = 2;
/**
 * Two readings of the realtime clock next to a monotonic one differ by less, and the agent's conversion is as exact; measured 2 µs on an
 * idle machine. A step of the clock would be far larger.
 */
const CLOCK_TOLERANCE_NS = 100_000;
/**
 * A server's span ends when its last send returns, and on a loopback the client may have read everything before that: the
 * server's thread loses the CPU to the client it has just woken. One scheduler slice on a busy machine.
 */
const SEND_RETURN_TOLERANCE_NS = 50_000_000;

/** Realtime minus monotonic, nanoseconds. */
export function realtimeOffset(): bigint {
  const { clocks } = loadNative();
  // The reading with the least time between its parts is the best one; the addon does them next to each other.
  const { monotonic, realtime } = clocks();
  return realtime - monotonic;
}

export interface Expectation {
  clientService?: string;
  serverService?: string;
  transport: 'tcp' | 'unix';
  /** Where the client connected to, as the kernel knows it. */
  peerAddress?: string;
  peerPort?: number;
  offset: bigint;
}

/** One CLIENT and one SERVER span for every planned request, right in everything; throws with the first that is not. */
export function checkSpans(
  spans: readonly ReceivedSpan[],
  plan: readonly Planned[],
  log: readonly LogLine[],
  expected: Expectation,
): void {
  const byPath = new Map<string, ReceivedSpan[]>();
  for (const span of spans) {
    const path = pathOf(span)!;
    byPath.set(path, [...(byPath.get(path) ?? []), span]);
  }
  const wrongCount = plan.filter(({ path }) => kinds(byPath.get(path)) !== `${SERVER},${CLIENT}`);
  assert.deepEqual(
    wrongCount.slice(0, 5).map(({ path }) => `${path}: kinds ${kinds(byPath.get(path))}`),
    [],
    `${wrongCount.length} of ${plan.length} requests have not exactly one CLIENT and one SERVER span`,
  );
  plan.forEach((planned, i) => {
    const found = byPath.get(planned.path)!;
    const client = found.find((span) => span.kind === CLIENT)!;
    const server = found.find((span) => span.kind === SERVER)!;
    checkContent(client, server, planned, expected);
    checkPlace(client, server, log[i]!, expected);
    checkTimes(client, server, log[i]!, expected.offset);
  });
  assert.equal(new Set(spans.map((span) => span.spanId)).size, spans.length, 'span ids repeat');
}

function kinds(spans: readonly ReceivedSpan[] = []): string {
  return spans
    .map((span) => span.kind)
    .sort()
    .join();
}

function checkContent(
  client: ReceivedSpan,
  server: ReceivedSpan,
  planned: Planned,
  expected: Expectation,
): void {
  for (const span of [client, server]) {
    const { attributes, resource } = span;
    const service = span === client ? expected.clientService : expected.serverService;
    const isError = planned.status >= (span === client ? 400 : 500);
    assert.deepEqual(
      {
        method: attributes['http.request.method'],
        status: attributes['http.response.status_code'],
        sent: Number(attributes['http.request.body.size'] ?? (planned.abandoned ? planned.requestBytes : 0)),
        received: Number(attributes['http.response.body.size'] ?? 0),
        error: attributes['error.type'],
        spanStatus: span.status,
        service: resource['service.name'],
        transport: attributes['network.transport'],
      },
      {
        method: planned.method,
        status: planned.status,
        sent: planned.requestBytes,
        received: planned.responseBytes,
        error: isError ? String(planned.status) : undefined,
        spanStatus: isError ? 2 : 0,
        service: service ?? resource['service.name'],
        transport: expected.transport,
      },
      `${span === client ? 'CLIENT' : 'SERVER'} span of ${planned.method} ${planned.target}: ${JSON.stringify(attributes)}`,
    );
  }
  assert.equal(server.traceId, client.traceId, `${planned.path}: not one trace`);
  assert.equal(server.parentSpanId, client.spanId, `${planned.path}: the server's parent is not the client`);
  assert.equal(client.parentSpanId, '', `${planned.path}: the client has a parent`);
}

/** Addresses: the client's peer is the listener, the server's peer is the client's own end. */
function checkPlace(client: ReceivedSpan, server: ReceivedSpan, line: LogLine, expected: Expectation): void {
  if (expected.transport === 'unix') return;
  const peer = (span: ReceivedSpan): string =>
    `${String(span.attributes['network.peer.address'])}:${String(span.attributes['network.peer.port'])}`;
  assert.equal(
    peer(client),
    `${expected.peerAddress}:${expected.peerPort}`,
    `${line.target}: the client's peer`,
  );
  if (line.local) assert.equal(peer(server), line.local, `${line.target}: the server's peer`);
}

function checkTimes(client: ReceivedSpan, server: ReceivedSpan, line: LogLine, offset: bigint): void {
  const at = (text: string): number => Number(BigInt(text) - offset);
  const times = {
    askedNs: line.startNs,
    clientStartNs: at(client.start),
    serverStartNs: at(server.start),
    serverEndNs: at(server.end),
    clientEndNs: at(client.end),
    answeredNs: line.endNs,
  };
  const claims: Array<[holds: boolean, claim: string]> = [
    [
      times.clientStartNs >= times.askedNs - CLOCK_TOLERANCE_NS,
      'the client span begins before the client asked',
    ],
    [
      times.clientEndNs <= times.answeredNs + CLOCK_TOLERANCE_NS,
      'the client span ends after the client had its answer',
    ],
    [times.serverStartNs >= times.clientStartNs, 'the server span begins before the client span'],
    [times.serverEndNs >= times.serverStartNs, 'the server span ends before it begins'],
    [times.clientEndNs >= times.serverStartNs, 'the client span ends before the server span begins'],
    [
      times.serverEndNs <= times.clientEndNs + SEND_RETURN_TOLERANCE_NS,
      'the server span ends long after the client span',
    ],
    [
      line.durationNs === undefined ||
        times.clientEndNs - times.clientStartNs <= line.durationNs + CLOCK_TOLERANCE_NS,
      'the client span is longer than the client measured',
    ],
  ];
  const broken = claims.filter(([holds]) => !holds).map(([, claim]) => claim);
  assert.deepEqual(broken, [], `${line.target}: ${JSON.stringify(times)}`);
}
