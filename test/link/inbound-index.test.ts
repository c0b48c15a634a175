/** Requests that a process sends on: joined with the one that it serves by trace context or by request id. */
import assert from 'node:assert/strict';
import type { ContextKey } from '../../src/decode/context-headers.ts';
import type { Description, Role } from '../../src/decode/exchange.ts';
import { Inbound } from '../../src/link/inbound-index.ts';
import { Sampler } from '../../src/link/sampler.ts';
import { type Span, SpanKind } from '../../src/link/span.ts';
import { makeHeaders } from './context/make-headers.ts';
import { MS, hopKey, makeExchange, makeLinker } from './make-exchange.ts';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const TRACEPARENT = `00-${TRACE}-00f067aa0ba902b7-01`;
const CLIENT = 100;
const PROXY = 200;
const SERVER = 300;

interface Input {
  role: Role;
  tgid: number;
  startMs: number;
  hop?: number;
  /** Headers of the trace context. */
  context?: Partial<Record<ContextKey, string>>;
  ids?: readonly string[];
}

function end({ role, tgid, startMs, hop, context = {}, ids = [] }: Input) {
  const contextHeaders = makeHeaders(context, ids);
  return makeExchange({
    ...{ role, tgid, startNs: startMs * MS, endNs: (startMs + 100) * MS, description: { contextHeaders } },
    ...(hop === undefined ? {} : { hop: hopKey(hop) }),
  });
}

/** A linker that knows contexts when exchanges are opened, as in the pipeline. */
function setUp(change: Parameters<typeof makeLinker>[0] = {}) {
  return makeLinker({
    contextHeadersOf: ({ request }) => (request as Description).contextHeaders,
    assembler: { traceWaitNs: 10 * MS, clientWaitNs: 5 * MS },
    ...change,
  });
}

/** client → proxy → server, each end seen; the proxy sends on what it got. */
function chain(context: Input['context'], ids: Input['ids'] = [], at = 10, hop = 1) {
  const same = { ...(context === undefined ? {} : { context }), ids };
  return [
    end({ role: 'client', tgid: CLIENT, startMs: at, hop, ...same }),
    end({ role: 'server', tgid: PROXY, startMs: at + 1, hop, ...same }),
    end({ role: 'client', tgid: PROXY, startMs: at + 2, hop: hop + 1, ...same }),
    end({ role: 'server', tgid: SERVER, startMs: at + 3, hop: hop + 1, ...same }),
  ];
}

/** Each span's parent is the one before it. */
function assertChain(spans: readonly Span[], methods: readonly string[]): void {
  assert.deepEqual(
    spans.map(({ kind }) => kind),
    [SpanKind.CLIENT, SpanKind.SERVER, SpanKind.CLIENT, SpanKind.SERVER],
  );
  for (let i = 1; i < spans.length; i++) {
    assert.equal(spans[i]!.parentSpanId, spans[i - 1]!.spanId, `span ${i}`);
    assert.equal(spans[i]!.parentIsRemote, false);
  }
  assert.equal(new Set(spans.map(({ traceId }) => traceId)).size, 1);
  assert.deepEqual(
    spans.slice(1).map((span) => span.attributes['undertrace.link.method']),
    methods,
  );
}

const FORMATS: ReadonlyArray<[name: string, headers: Partial<Record<ContextKey, string>>, flags: number]> = [
  ['traceparent', { traceparent: TRACEPARENT }, 1],
  ['b3', { b3: `${TRACE}-00f067aa0ba902b7-1` }, 1],
  ['X-B3', { b3TraceId: TRACE, b3SpanId: '00f067aa0ba902b7', b3Sampled: '1' }, 1],
  ['uber-trace-id', { jaeger: `${TRACE}:f067aa0ba902b7:0:1` }, 1],
  [
    'sw8',
    // The segment's halves over each other are the span id.
    { skywalking: sw8('1') },
    1,
  ],
  [
    'x-amzn-trace-id',
    { xray: `Root=1-${TRACE.slice(0, 8)}-${TRACE.slice(8)};Parent=00f067aa0ba902b7;Sampled=1` },
    1,
  ],
];

function sw8(sample: string): string {
  const text = [TRACE, '00f067aa0ba902b70000000000000000'].map((id) => Buffer.from(id).toString('base64'));
  return `${sample}-${text.join('-')}-0----`;
}

describe('link/inbound-index', () => {
  for (const [name, context] of FORMATS) {
    it(`makes one tree of what a proxy passes on with ${name}`, () => {
      const { traces, tick, open, close, ledger } = setUp();
      const ends = chain(context);
      open(...ends);
      close(...ends.toReversed());
      tick(200 * MS);
      assert.equal(traces.length, 1, 'they leave together');
      const spans = traces[0]!;
      assertChain(spans, ['hop', 'header', 'hop']);
      assert.equal(spans[0]!.traceId, TRACE);
      assert.equal(spans[0]!.parentSpanId, '00f067aa0ba902b7');
      assert.equal(spans[0]!.parentIsRemote, true);
      assert.equal(spans[0]!.attributes['undertrace.link.method'], 'header');
      assert.equal(spans[2]!.attributes['undertrace.link.confidence'], 1);
      assert.deepEqual(ledger.imbalances(), []);
    });
  }

  it('joins by what a context says, though the proxy writes it in another format', () => {
    const { traces, tick, open, close } = setUp();
    const [first, second] = chain({ traceparent: TRACEPARENT });
    const [, , third, fourth] = chain({ b3: `${TRACE}-00f067aa0ba902b7-1` });
    const ends = [first!, second!, third!, fourth!];
    open(...ends);
    close(...ends);
    tick(200 * MS);
    assertChain(traces[0]!, ['hop', 'header', 'hop']);
  });

  it('makes one tree by request id, in a trace that starts here', () => {
    const { traces, tick, open, close, ledger } = setUp();
    const ends = chain(undefined, ['7f3c0d3e']);
    open(...ends);
    close(...ends.toReversed());
    tick(200 * MS);
    assert.equal(traces.length, 1, 'they leave together');
    assertChain(traces[0]!, ['hop', 'request_id', 'hop']);
    assert.equal(traces[0]![2]!.attributes['undertrace.link.confidence'], 0.99);
    assert.deepEqual(ledger.imbalances(), []);
    assert.ok(!JSON.stringify(traces).includes('7f3c0d3e'), 'a request id is in a span');
  });

  it('keeps them together while one of them is open, in whichever order they close', () => {
    for (const order of [
      [0, 1, 2, 3],
      [1, 0, 3, 2],
      [2, 3, 0, 1],
      [3, 0, 2, 1],
    ]) {
      const { traces, tick, open, close } = setUp({
        assembler: { traceWaitNs: 500 * MS, clientWaitNs: 500 * MS },
      });
      const ends = chain(undefined, ['7f3c0d3e']);
      open(...ends);
      for (const i of order) {
        assert.equal(traces.length, 0);
        close(ends[i]!);
        tick(20 * MS);
      }
      assert.equal(traces.length, 1);
      assert.equal(traces[0]!.length, 4);
    }
  });

  it('finds a request that was answered before it was sent on, for a while', () => {
    for (const [laterMs, found] of [
      [1000, true],
      [5000, false],
    ] as const) {
      const { traces, tick, open, close, linker } = setUp();
      const [client, server, sent] = chain(undefined, ['7f3c0d3e']);
      open(client!, server!);
      close(client!, server!);
      tick(200 * MS);
      assert.equal(traces.length, 1);
      assert.equal(linker.inbound.size, 1);
      tick(laterMs * MS);
      assert.equal(linker.inbound.size, found ? 1 : 0);
      sent!.startNs = laterMs * MS;
      open(sent!);
      close(sent!);
      tick((laterMs + 100) * MS);
      assert.equal(traces[1]![0]!.parentSpanId, found ? traces[0]![1]!.spanId : undefined);
    }
  });

  it('guesses nothing where two requests served have the same, and counts it', () => {
    for (const [context, ids] of [
      [undefined, ['7f3c0d3e']],
      [{ traceparent: TRACEPARENT }, []],
    ] as const) {
      const { traces, tick, open, close, linker } = setUp();
      const one = chain(context, ids, 10, 1).slice(0, 2);
      const [client, server, sent] = chain(context, ids, 20, 3);
      const ends = [...one, client!, server!, sent!];
      open(...ends);
      close(...ends);
      tick(300 * MS);
      const span = traces
        .flat()
        .find(
          ({ kind, resource }) => kind === SpanKind.CLIENT && resource.serviceName === `service-${PROXY}`,
        );
      // What the header names is an ancestor all the same.
      assert.equal(span!.parentSpanId, context === undefined ? undefined : '00f067aa0ba902b7');
      assert.equal(span!.parentIsRemote, context !== undefined);
      assert.equal(linker.inbound.ambiguous, 1);
    }
  });

  it('tells two requests with one trace context apart by their request ids', () => {
    const { traces, tick, open, close, linker } = setUp();
    const context = { traceparent: TRACEPARENT };
    const one = chain(context, ['one'], 10, 1);
    const two = chain(context, ['two'], 10.5, 3);
    open(...one.slice(0, 2), ...two.slice(0, 2), ...one.slice(2), ...two.slice(2));
    close(...one, ...two);
    tick(300 * MS);
    const byHop = (exchanges: typeof one) => {
      const starts = exchanges.map(({ startNs }) => startNs % 1e9);
      return traces.flat().filter((span) => starts.includes(span.startTime[1]));
    };
    assertChain(byHop(one), ['hop', 'request_id', 'hop']);
    assertChain(byHop(two), ['hop', 'request_id', 'hop']);
    assert.equal(linker.inbound.ambiguous, 0);
  });

  it('looks at two of many that share an id', () => {
    const { tick, open, close, linker, traces } = setUp({ maxInbound: 20_000 });
    const served = Array.from({ length: 20_000 }, (_, i) =>
      end({ role: 'server', tgid: PROXY, startMs: 10, hop: 1000 + i, ids: ['always-the-same'] }),
    );
    open(...served);
    close(...served);
    const sent = end({ role: 'client', tgid: PROXY, startMs: 20, hop: 1, ids: ['always-the-same'] });
    open(sent);
    close(sent);
    tick(300 * MS);
    assert.equal(linker.inbound.ambiguous, 1);
    assert.equal(traces.flat().length, 20_001);
    const more = Array.from({ length: 2000 }, (_, i) =>
      end({ role: 'client', tgid: PROXY, startMs: 301, hop: 30_000 + i, ids: ['always-the-same'] }),
    );
    const mayCause = Reflect.get<Inbound, 'mayCause'>(Inbound.prototype, 'mayCause');
    let looks = 0;
    Inbound.prototype.mayCause = function (pending) {
      looks++;
      return mayCause.call(this, pending);
    };
    try {
      open(...more);
    } finally {
      Inbound.prototype.mayCause = mayCause;
    }
    assert.equal(looks, 2 * more.length);
    assert.equal(linker.inbound.ambiguous, 2001);
    tick(3000 * MS);
    assert.equal(linker.inbound.size, 0);
    const again = end({ role: 'server', tgid: PROXY, startMs: 4000, hop: 2, ids: ['always-the-same'] });
    const after = end({ role: 'client', tgid: PROXY, startMs: 4001, hop: 3, ids: ['always-the-same'] });
    open(again, after);
    close(again, after);
    tick(5000 * MS);
    const child = traces.flat().find((span) => span.attributes['undertrace.link.method'] === 'request_id');
    assert.ok(child, 'the id is unique again');
  });

  it('joins only within one process', () => {
    for (const change of [{ tgid: PROXY + 1 }, { processStartNs: 2 }]) {
      const { traces, tick, open, close, linker } = setUp();
      const [client, server, sent] = chain(undefined, ['7f3c0d3e']);
      const other = { ...sent!, ...change };
      open(client!, server!, other);
      close(client!, server!, other);
      tick(300 * MS);
      assert.equal(traces.length, 2);
      assert.equal(linker.inbound.ambiguous, 0);
    }
  });

  it('places what an instrumented service sends by its own trace context, whatever its request id', () => {
    const { traces, tick, open, close } = setUp();
    const [client, server] = chain({ traceparent: TRACEPARENT }, ['7f3c0d3e']);
    const [, , sent] = chain({ traceparent: `00-${TRACE}-00f067aa0ba902b8-01` }, ['7f3c0d3e']);
    open(client!, server!, sent!);
    close(client!, server!, sent!);
    tick(300 * MS);
    const span = traces.flat().find(({ parentSpanId }) => parentSpanId === '00f067aa0ba902b8');
    assert.equal(span?.attributes['undertrace.link.method'], 'header');
    assert.equal(span.parentIsRemote, true);
  });

  it('takes no request for the cause of one that was there before it', () => {
    const { traces, tick, open, close, linker } = setUp();
    // A process that asks itself; the records of the serving end come first.
    const sent = end({ role: 'client', tgid: PROXY, startMs: 10, hop: 1, ids: ['self'] });
    const served = end({ role: 'server', tgid: PROXY, startMs: 11, hop: 1, ids: ['self'] });
    open(served, sent);
    close(served, sent);
    tick(300 * MS);
    assert.equal(traces.length, 1);
    assert.equal(traces[0]![0]!.parentSpanId, undefined);
    assert.equal(traces[0]![1]!.parentSpanId, traces[0]![0]!.spanId);
    assert.equal(linker.inbound.ambiguous, 0);
  });

  it('takes no request for a cause that came in later, though its records came first', () => {
    const { traces, tick, open, close, linker } = setUp();
    const served = end({ role: 'server', tgid: PROXY, startMs: 11, hop: 1, ids: ['7f3c0d3e'] });
    const sent = end({ role: 'client', tgid: PROXY, startMs: 10, hop: 2, ids: ['7f3c0d3e'] });
    open(served, sent);
    close(served, sent);
    tick(300 * MS);
    assert.deepEqual(
      traces.flat().map(({ parentSpanId }) => parentSpanId),
      [undefined, undefined],
    );
    assert.equal(linker.inbound.ambiguous, 0);
  });

  it('names no parent that is filtered or was lost', () => {
    for (const how of ['filtered', 'request filtered', 'lost'] as const) {
      const { traces, tick, open, close, linker, ledger } = setUp({
        drops: ({ tgid, role }) => {
          if (tgid !== PROXY || role !== 'server' || how === 'lost') return undefined;
          return how === 'filtered' ? 'end' : 'request';
        },
      });
      const [client, server, sent] = chain(undefined, ['7f3c0d3e']);
      open(client!, server!, sent!);
      close(client!, sent!);
      if (how === 'lost') {
        linker.dropped(server!);
        ledger.exchanges.lost.evicted++;
      } else {
        close(server!);
      }
      tick(300 * MS);
      const span = traces.flat().find(({ resource }) => resource.serviceName === `service-${PROXY}`);
      assert.equal(span!.parentSpanId, undefined, how);
      assert.deepEqual(ledger.imbalances(), []);
    }
  });

  it('remembers no more requests than it may, the oldest going first, and counts it', () => {
    const { traces, tick, open, close, linker } = setUp({ maxInbound: 2 });
    const served = ['a', 'b', 'c'].map((id, i) =>
      end({ role: 'server', tgid: PROXY, startMs: 10 + i, hop: 10 + i, ids: [id] }),
    );
    const sent = ['a', 'c'].map((id, i) =>
      end({ role: 'client', tgid: PROXY, startMs: 20 + i, hop: 20 + i, ids: [id] }),
    );
    open(...served, ...sent);
    assert.equal(linker.inbound.size, 2);
    assert.equal(linker.inbound.evicted, 1);
    close(...served, ...sent);
    tick(300 * MS);
    const spans = traces.flat().filter(({ kind }) => kind === SpanKind.CLIENT);
    assert.deepEqual(
      spans.map((span) => span.attributes['undertrace.link.method']),
      [undefined, 'request_id'],
    );
    tick(3000 * MS);
    assert.equal(linker.inbound.size, 0);
  });

  it('makes room by those that have left before those that are open', () => {
    const { tick, open, close, linker } = setUp({ maxInbound: 2 });
    const [early, late, newest] = ['a', 'b', 'c'].map((id, i) =>
      end({ role: 'server', tgid: PROXY, startMs: 10 + i, hop: 10 + i, ids: [id] }),
    );
    open(early!, late!);
    close(late!);
    tick(100 * MS);
    open(newest!);
    const sent = end({ role: 'client', tgid: PROXY, startMs: 200, hop: 20, ids: ['a'] });
    open(sent);
    assert.equal(linker.inbound.evicted, 1);
    close(early!, newest!, sent);
    tick(300 * MS);
    tick(3000 * MS);
    assert.equal(linker.inbound.size, 0);
  });
});

describe('link/incoming contexts', () => {
  it('obeys the sampled flag of every format, at both ends', () => {
    const deny: ReadonlyArray<Partial<Record<ContextKey, string>>> = [
      { traceparent: TRACEPARENT.replace(/01$/, '00') },
      { b3: `${TRACE}-00f067aa0ba902b7-0` },
      { b3TraceId: TRACE, b3SpanId: '00f067aa0ba902b7', b3Sampled: '0' },
      { jaeger: `${TRACE}:f067aa0ba902b7:0:0` },
      { skywalking: sw8('0') },
      { xray: `Root=1-${TRACE.slice(0, 8)}-${TRACE.slice(8)};Parent=00f067aa0ba902b7;Sampled=0` },
      { b3: '0' },
      { b3Sampled: '0' },
    ];
    for (const context of deny) {
      const { traces, tick, open, close, ledger } = setUp();
      const ends = chain(context);
      open(...ends);
      close(...ends);
      tick(300 * MS);
      assert.equal(traces.length, 0, JSON.stringify(context));
      assert.equal(ledger.spans.lost.sampled_out, 4);
    }
    for (const [name, context] of FORMATS) {
      const { traces, tick, open, close } = setUp({ sampler: new Sampler('parentbased_always_off') });
      const ends = chain(context);
      open(...ends);
      close(...ends);
      tick(300 * MS);
      assert.equal(traces.flat().length, 4, name);
    }
  });

  it('decides itself where the sender left it open', () => {
    const open: ReadonlyArray<Partial<Record<ContextKey, string>>> = [
      { b3: `${TRACE}-00f067aa0ba902b7` },
      { b3TraceId: TRACE, b3SpanId: '00f067aa0ba902b7' },
      { xray: `Root=1-${TRACE.slice(0, 8)}-${TRACE.slice(8)};Parent=00f067aa0ba902b7;Sampled=?` },
      { xray: `Root=1-${TRACE.slice(0, 8)}-${TRACE.slice(8)}` },
    ];
    for (const context of open) {
      for (const [sampler, spans] of [
        ['parentbased_always_on', 4],
        ['parentbased_always_off', 0],
      ] as const) {
        const { traces, tick, open: begin, close } = setUp({ sampler: new Sampler(sampler) });
        const ends = chain(context);
        begin(...ends);
        close(...ends);
        tick(300 * MS);
        assert.equal(traces.flat().length, spans, JSON.stringify(context));
        assert.ok(traces.flat().every(({ traceFlags, traceId }) => traceFlags === 1 && traceId === TRACE));
      }
    }
  });

  it('starts the trace that a load balancer named, without a parent', () => {
    const { traces, tick, open, close } = setUp();
    const [, served] = chain({ xray: `Root=1-${TRACE.slice(0, 8)}-${TRACE.slice(8)}` });
    open(served!);
    close(served!);
    tick(300 * MS);
    const [span] = traces[0]!;
    assert.equal(span!.traceId, TRACE);
    assert.equal(span!.parentSpanId, undefined);
    assert.equal(span!.attributes['undertrace.link.method'], undefined);
  });

  it('starts a trace of its own where only sampling was decided', () => {
    const { traces, tick, open, close } = setUp({ sampler: new Sampler('parentbased_always_off') });
    const ends = chain({ b3: '1' });
    open(...ends.slice(0, 2));
    close(...ends.slice(0, 2));
    tick(300 * MS);
    const [client, server] = traces[0]!;
    assert.equal(client!.parentSpanId, undefined);
    assert.equal(server!.parentSpanId, client!.spanId);
  });
});
