import assert from 'node:assert/strict';

import type { Description } from '../../src/decode/exchange.ts';
import type { ServiceResource } from '../../src/enrich/resource.ts';
import { clientSpanId, rootTraceId, serverSpanId } from '../../src/link/ids.ts';
import { Sampler } from '../../src/link/sampler.ts';
import { type Span, SpanKind } from '../../src/link/span.ts';
import { makeHeaders } from './context/make-headers.ts';
import { MS, hopKey, makeConnection, makeExchange, makeLinker } from './make-exchange.ts';

const TRACEPARENT = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';

/** Both ends of one request. */
function pair(high: number, startNs = 10 * MS, lengthNs = 5 * MS, traceparent?: string) {
  const hop = hopKey(high);
  const description = traceparent === undefined ? {} : { contextHeaders: makeHeaders({ traceparent }) };
  const client = makeExchange({ role: 'client', startNs, endNs: startNs + lengthNs, hop, description });
  const server = makeExchange({
    ...{ role: 'server', startNs: startNs + 1000, endNs: startNs + lengthNs - 1000 },
    ...{ hop: hopKey(high), description },
  });
  return { client, server, hop };
}

describe('link/linker', () => {
  it('makes the client span the parent of the server span, whichever end comes first', () => {
    for (const clientFirst of [true, false]) {
      const { traces, tick, open, close } = makeLinker();
      const { client, server, hop } = pair(1);
      const ends = clientFirst ? [client, server] : [server, client];
      open(...ends);
      close(...ends);
      tick(20 * MS);
      assert.equal(traces.length, 1);
      const [first, second] = traces[0]!;
      assert.equal(first!.kind, SpanKind.CLIENT);
      assert.equal(first!.parentSpanId, undefined);
      assert.equal(first!.traceId, rootTraceId(hop));
      assert.equal(first!.spanId, clientSpanId(hop));
      assert.equal(second!.kind, SpanKind.SERVER);
      assert.equal(second!.parentSpanId, first!.spanId);
      assert.equal(second!.spanId, serverSpanId(hop));
      assert.equal(second!.traceId, first!.traceId);
      assert.equal(second!.parentIsRemote, false);
      assert.equal(second!.attributes['undertrace.link.method'], 'hop');
      assert.equal(second!.attributes['undertrace.link.confidence'], 1);
      assert.equal(second!.attributes['undertrace.hop.id'], '000000010000004d');
      assert.equal(first!.attributes['undertrace.link.method'], undefined);
    }
  });

  it('gives two pairs two traces', () => {
    const { traces, tick, open, close } = makeLinker();
    const a = pair(1);
    const b = pair(2);
    open(a.client, b.client, a.server, b.server);
    close(a.server, b.server, a.client, b.client);
    tick(20 * MS);
    assert.equal(traces.length, 2);
    assert.notEqual(traces[0]![0]!.traceId, traces[1]![0]!.traceId);
  });

  it('holds a trace while one of its ends is open, and not for longer than the wait', () => {
    const { traces, tick, open, close, ledger, linker } = makeLinker();
    const { client, server } = pair(1);
    open(client, server);
    close(client);
    tick(100 * MS);
    tick(499 * MS);
    assert.equal(traces.length, 0);
    assert.equal(linker.assembler.overdue, 0);
    tick(502 * MS);
    assert.equal(traces.length, 1);
    assert.equal(linker.assembler.overdue, 1);
    close(server);
    tick(503 * MS);
    assert.equal(traces.length, 2);
    assert.equal(traces[1]![0]!.parentSpanId, traces[0]![0]!.spanId);
    assert.equal(traces[1]![0]!.traceId, traces[0]![0]!.traceId);
    assert.deepEqual(ledger.imbalances(), []);
  });

  it('makes a server whose client is not on this host a root once the wait is over', () => {
    const { traces, tick, open, close } = makeLinker();
    const { server, hop } = pair(1);
    open(server);
    tick(10 * MS);
    close(server);
    tick(509 * MS);
    assert.equal(traces.length, 0);
    tick(511 * MS);
    const [span] = traces[0]!;
    assert.equal(span!.parentSpanId, undefined);
    assert.equal(span!.traceId, rootTraceId(hop));
    assert.equal(span!.attributes['undertrace.link.method'], undefined);
  });

  it('lets a client whose server is elsewhere go after a shorter wait', () => {
    const { traces, tick, open, close } = makeLinker();
    const { client } = pair(1);
    open(client);
    tick(10 * MS);
    close(client);
    tick(100 * MS);
    assert.equal(traces.length, 0);
    tick(111 * MS);
    assert.equal(traces.length, 1);
  });

  it('finds the parent of a server that comes after its client has left', () => {
    const { traces, tick, open, close, linker } = makeLinker();
    const { client, server } = pair(1, 10 * MS, 5 * MS, TRACEPARENT);
    open(client);
    close(client);
    tick(200 * MS);
    open(server);
    close(server);
    tick(201 * MS);
    assert.equal(traces.length, 2);
    assert.equal(traces[1]![0]!.parentSpanId, traces[0]![0]!.spanId);
    assert.equal(traces[1]![0]!.traceId, '4bf92f3577b34da6a3ce929d0e0e4736');
    assert.equal(linker.hops.size, 0);
  });

  it('believes a traceparent for the client, and hangs the server on the client', () => {
    const { traces, tick, open, close } = makeLinker();
    const { client, server } = pair(1, 10 * MS, 5 * MS, TRACEPARENT);
    open(client, server);
    close(server, client);
    tick(20 * MS);
    const [first, second] = traces[0]!;
    assert.equal(first!.traceId, '4bf92f3577b34da6a3ce929d0e0e4736');
    assert.equal(first!.parentSpanId, '00f067aa0ba902b7');
    assert.equal(first!.parentIsRemote, true);
    assert.equal(first!.attributes['undertrace.link.method'], 'header');
    assert.equal(second!.parentSpanId, first!.spanId);
    assert.equal(second!.attributes['undertrace.link.method'], 'hop');
  });

  it('believes a traceparent for a server without a client', () => {
    const { traces, tick, open, close } = makeLinker();
    const { server } = pair(1, 10 * MS, 5 * MS, TRACEPARENT);
    open(server);
    close(server);
    tick(600 * MS);
    assert.equal(traces[0]![0]!.parentSpanId, '00f067aa0ba902b7');
    assert.equal(traces[0]![0]!.attributes['undertrace.link.method'], 'header');
  });

  it('carries tracestate and flags on', () => {
    const { traces, tick, open, close } = makeLinker();
    const hop = hopKey(9);
    const traceparent = TRACEPARENT.replace(/01$/, '03');
    const description = { contextHeaders: makeHeaders({ traceparent, tracestate: 'vendor=1' }) };
    const client = makeExchange({ role: 'client', startNs: 1, endNs: 2, hop, description });
    open(client);
    close(client);
    tick(200 * MS);
    assert.equal(traces[0]![0]!.traceState, 'vendor=1');
    assert.equal(traces[0]![0]!.traceFlags, 3);
  });

  it('groups exchanges that carry one trace id, parents first, when the context is known at opening', () => {
    const { traces, tick, open, close } = makeLinker({
      contextHeadersOf: ({ request }) => (request as Description).contextHeaders,
    });
    const outer = pair(1, 10 * MS, 50 * MS, TRACEPARENT);
    const inner = pair(2, 20 * MS, 10 * MS, TRACEPARENT.replace('00f067aa0ba902b7', '00f067aa0ba902b8'));
    open(outer.client, outer.server, inner.client, inner.server);
    close(inner.server, inner.client);
    tick(40 * MS);
    assert.equal(traces.length, 0);
    close(outer.server, outer.client);
    tick(61 * MS);
    assert.equal(traces.length, 1);
    assert.deepEqual(
      traces[0]!.map((span) => span.kind),
      [SpanKind.CLIENT, SpanKind.SERVER, SpanKind.CLIENT, SpanKind.SERVER],
    );
    assert.ok(traces[0]!.every((span) => span.traceId === '4bf92f3577b34da6a3ce929d0e0e4736'));
  });

  it('puts a span on Unix time with the pair of its end, so that a clock step does not stretch it', () => {
    const { traces, tick, open, close, clock, linker } = makeLinker();
    const { client } = pair(1, 1_500_000_000, 700 * MS);
    open(client);
    tick(2_000_000_000);
    // The clock is set back an hour while the request is under way.
    clock.update(2_100_000_000, 1_700_000_002 - 3600, 100_000_000, 2_100_000_000);
    linker.clock(2_100_000_000);
    close(client);
    tick(3_000_000_000);
    const [span] = traces[0]!;
    assert.equal(span!.durationNs, 700 * MS);
    assert.deepEqual(span!.startTime, [1_700_000_001 - 3600, 500_000_000]);
    assert.deepEqual(span!.endTime, [1_700_000_002 - 3600, 200_000_000]);
  });

  it('counts requests before sampling, and what sampling rejects', () => {
    let requests = 0;
    const { traces, tick, open, close, ledger } = makeLinker({
      sampler: new Sampler('always_off'),
      onRequest: () => requests++,
    });
    const { client, server } = pair(1);
    open(client, server);
    close(server, client);
    tick(20 * MS);
    assert.equal(requests, 2);
    assert.equal(traces.length, 0);
    assert.equal(ledger.spans.in, 2);
    assert.equal(ledger.spans.lost.sampled_out, 2);
    assert.equal(ledger.exchanges.out, 2);
    assert.deepEqual(ledger.imbalances(), []);
  });

  it('leaves whole traces out above the limits, decided where they begin, and counts their requests', () => {
    const exported: boolean[] = [];
    const { traces, tick, open, close, ledger, linker } = makeLinker({
      onRequest: ({ span }) => exported.push(span !== undefined),
    });
    const [early, late] = [pair(1), pair(2)];
    open(early.client, early.server, late.client, late.server);
    close(early.client, late.client);
    linker.exportedShare = 0;
    tick(502 * MS); // the clients leave alone
    linker.exportedShare = 1;
    close(early.server, late.server);
    tick(503 * MS);
    assert.deepEqual([traces.length, exported], [0, [false, false, false, false]]);
    assert.deepEqual([ledger.spans.in, ledger.spans.lost.shed], [4, 4]);
    const next = pair(3);
    open(next.client, next.server);
    close(next.client);
    tick(1100 * MS);
    linker.exportedShare = 0;
    close(next.server);
    tick(1101 * MS);
    assert.equal(traces.flat().length, 2);
    assert.equal(traces[1]![0]!.parentSpanId, traces[0]![0]!.spanId);
    assert.deepEqual(ledger.imbalances(), []);
  });

  it('makes no span of what was open when the capture was paused, but where others hang on it', () => {
    const { traces, tick, open, close, ledger } = makeLinker();
    const [alone, parent] = [pair(1), pair(2)];
    open(alone.client, alone.server, parent.client, parent.server);
    close(alone.server, parent.server);
    tick(20 * MS);
    assert.equal(traces.length, 0);
    alone.client.incomplete = 'capture_paused';
    close(alone.client);
    tick(21 * MS);
    assert.equal(traces[0]![0]!.parentSpanId, undefined);
    tick(502 * MS); // the other server leaves, and names its client
    parent.client.incomplete = 'capture_paused';
    close(parent.client);
    tick(503 * MS);
    const [, [server], [client]] = traces as [unknown, Span[], Span[]];
    assert.equal(server!.parentSpanId, client!.spanId);
    assert.equal(traces.length, 3);
    assert.equal(ledger.exchanges.lost.paused, 1);
    assert.deepEqual(ledger.imbalances(), []);
  });

  it('tells of each end who is at the other one, where that is counted, too, and of the span that is exported', () => {
    for (const drops of [false, true]) {
      const told: string[] = [];
      const { traces, tick, open, close } = makeLinker({
        drops: ({ role }) => (drops && role === 'client' ? 'end' : undefined),
        onRequest: ({ exchange: { role }, service, peer, span }) =>
          told.push(`${role} ${service.serviceName} ${peer?.serviceName} ${span?.spanId}`),
      });
      const { client, server } = pair(1);
      open(client, server);
      close(server, client);
      tick(20 * MS);
      const ids = traces.flat().map(({ spanId }) => spanId);
      const both = [`client service-100 service-200 ${ids[0]}`, `server service-200 service-100 ${ids[1]}`];
      assert.deepEqual(told, drops ? [`server service-200 undefined ${ids[0]}`] : both);
    }
  });

  it('drops both ends where a rule is about the request, one where it is about the process', () => {
    for (const [drop, left] of [
      ['request', 0],
      ['end', 1],
    ] as const) {
      const { traces, tick, open, close, ledger } = makeLinker({
        drops: ({ role }) => (role === 'client' ? drop : undefined),
      });
      const { client, server } = pair(1);
      open(client, server);
      close(server, client);
      tick(20 * MS);
      assert.equal(traces.flat().length, left);
      assert.equal(ledger.exchanges.lost.filtered, 2 - left);
      assert.deepEqual(ledger.imbalances(), []);
      // The parent that would never arrive is not named.
      if (left === 1) assert.equal(traces[0]![0]!.parentSpanId, undefined);
    }
  });

  it('waits for an identity and then names the span by it', () => {
    let known: ServiceResource | 'pending' = 'pending';
    const { traces, tick, open, close, ledger } = makeLinker({ identify: () => known });
    const { client, server } = pair(1);
    open(client, server);
    close(server, client);
    tick(20 * MS);
    tick(900 * MS);
    assert.equal(traces.length, 0);
    assert.deepEqual(ledger.imbalances(), []);
    known = { serviceName: 'late', attributes: {} };
    tick(910 * MS);
    assert.equal(traces[0]![0]!.resource, known);
  });

  it('waits no more for an end that was dropped', () => {
    const { traces, tick, open, close, ledger, linker } = makeLinker();
    const { client, server } = pair(1);
    open(client, server);
    close(server);
    linker.dropped(client);
    ledger.exchanges.lost.evicted++;
    tick(20 * MS);
    assert.equal(traces.length, 1);
    assert.equal(traces[0]![0]!.parentSpanId, undefined);
    assert.deepEqual(ledger.imbalances(), []);
    assert.equal(linker.hops.size, 0);
  });

  it('gives a second exchange at one end of a hop ids of its own', () => {
    const { traces, tick, open, close, linker } = makeLinker();
    const one = pair(1).client;
    const two = pair(1).client;
    open(one, two);
    close(one, two);
    tick(200 * MS);
    const spans = traces.flat();
    assert.equal(spans.length, 2);
    assert.notEqual(spans[0]!.spanId, spans[1]!.spanId);
    assert.equal(linker.hops.duplicates, 1);
  });

  it('gives exchanges on unix sockets new ids when the kernel uses an address again', () => {
    const { traces, tick, open, close } = makeLinker();
    for (const startNs of [10 * MS, 6_000 * MS]) {
      const hop = hopKey(5, 6, 'unix');
      const client = makeExchange({ role: 'client', startNs, endNs: startNs + MS, hop });
      const server = makeExchange({ role: 'server', startNs: startNs + 10, endNs: startNs + MS - 10, hop });
      open(client, server);
      close(server, client);
      tick(startNs + 20 * MS);
    }
    assert.equal(traces.length, 2);
    assert.notEqual(traces[0]![0]!.traceId, traces[1]![0]!.traceId);
    assert.equal(traces[1]![1]!.parentSpanId, traces[1]![0]!.spanId);
  });

  it('gives requests without a hop key ids from socket, position and time, the same on every replay', () => {
    const ids = [0, 1].map(() => {
      const { traces, tick, open, close } = makeLinker();
      const connection = makeConnection({ sock: 0xffff888012345678, inode: 99, id: 7 });
      for (const requestPosition of [0, 512]) {
        const exchange = makeExchange({ role: 'server', startNs: 5, endNs: 9, connection, requestPosition });
        open(exchange);
        close(exchange);
      }
      tick(20 * MS);
      return traces.flat().map((span) => span.spanId);
    });
    assert.equal(new Set(ids[0]).size, 2);
    assert.deepEqual(ids[0], ids[1]);
  });

  it('keeps no more hops, exchanges and traces than it may', () => {
    const { traces, tick, open, close, linker, ledger } = makeLinker({
      maxHops: 100,
      assembler: { maxWaiting: 50, traceWaitNs: 500 * MS },
    });
    for (let n = 0; n < 1000; n++) {
      const { server } = pair(1000 + n);
      open(server);
      close(server);
      tick(10 * MS + n);
    }
    assert.ok(linker.hops.size <= 100);
    assert.ok(linker.assembler.waiting <= 51);
    assert.ok(linker.assembler.cutShort >= 900);
    assert.ok(linker.hops.evicted > 0);
    tick(10_000 * MS);
    linker.flush();
    assert.equal(traces.flat().length, 1000);
    assert.deepEqual(ledger.imbalances(), []);
  });

  it('hands over a trace that has grown too long, though an end of it is still open', () => {
    const { traces, tick, open, close, linker } = makeLinker({ assembler: { maxTraceSpans: 2 } });
    const ends = [1, 2].map((high) => pair(high, 10 * MS, 5 * MS, TRACEPARENT).client);
    const { server } = pair(3, 10 * MS, 5 * MS, TRACEPARENT);
    open(...ends, server);
    close(...ends);
    tick(11 * MS);
    assert.deepEqual(
      traces.map((trace) => trace.length),
      [2],
    );
    assert.equal(linker.assembler.cutShort, 1);
    close(server);
    tick(600 * MS);
    assert.equal(traces.length, 2);
    assert.equal(linker.assembler.cutShort, 1);
  });

  it('forgets the oldest hop where nothing of any has left, and counts it', () => {
    const { open, linker } = makeLinker({ maxHops: 2 });
    open(pair(1).client, pair(2).client);
    assert.equal(linker.hops.evicted, 0);
    open(pair(3).client);
    assert.deepEqual([linker.hops.evicted, linker.hops.size], [1, 2]);
  });

  it('remembers nothing of what has long left', () => {
    const { tick, open, close, linker } = makeLinker();
    for (let n = 0; n < 100; n++) {
      const { client } = pair(n, 10 * MS, MS, TRACEPARENT);
      open(client);
      close(client);
    }
    tick(200 * MS);
    assert.equal(linker.hops.size, 100);
    tick(6_000 * MS);
    assert.equal(linker.hops.size, 0);
    assert.equal(linker.held, 0);
  });

  it('gives out everything closed at the end, known or not', () => {
    const { traces, open, close, linker, ledger } = makeLinker({ identify: () => 'pending' });
    const { client, server } = pair(1);
    open(client, server);
    close(server, client);
    linker.flush();
    assert.equal(traces.flat().length, 2);
    assert.deepEqual(ledger.imbalances(), []);
  });
});
