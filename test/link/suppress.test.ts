import assert from 'node:assert/strict';
import type { LinkerOptions } from '../../src/link/linker.ts';
import { SpanKind } from '../../src/link/span.ts';
import { makeHeaders } from './context/make-headers.ts';
import { MS, type ExchangeInput, hopKey, makeExchange, makeLinker } from './make-exchange.ts';

/** The application that makes spans of its own, and its neighbours. */
const [ASKER, APP, STORE] = [100, 200, 300];
const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const OWN_SPAN = '00f067aa0ba902b7';
const OWN_CONTEXT = { contextHeaders: makeHeaders({ traceparent: `00-${TRACE}-${OWN_SPAN}-01` }) };

function end(
  role: ExchangeInput['role'],
  tgid: number,
  hop: number,
  startMs: number,
  endMs: number,
  own = false,
) {
  const description = own ? OWN_CONTEXT : {};
  const times = { startNs: startMs * MS, endNs: endMs * MS };
  return makeExchange({ role, tgid, hop: hopKey(hop), ...times, description, tid: tgid });
}

/** A request of the asker to the application, which asks the store; `own`: with the context of a span of its own. */
function conversation(own = true) {
  return {
    asked: end('client', ASKER, 1, 10, 20),
    served: end('server', APP, 1, 11, 19),
    asks: end('client', APP, 2, 12, 18, own),
    stored: end('server', STORE, 2, 13, 17, own),
  };
}

function setUp(change: Partial<LinkerOptions> = {}) {
  const made = { instrumented: true, requests: [] as string[] };
  const linker = makeLinker({
    suppresses: ({ tgid }) => made.instrumented && tgid === APP,
    onRequest: ({ exchange: { tgid, role }, suppressed }) =>
      made.requests.push(`${role} ${tgid}${suppressed ? ' suppressed' : ''}`),
    ...change,
  });
  return Object.assign(linker, { made });
}

describe('link: spans of processes that make their own', () => {
  it('are left out, their neighbours hang on the span that the process names, and the books say so', () => {
    const { traces, tick, open, close, ledger, made } = setUp();
    const { asked, served, asks, stored } = conversation();
    open(asked, served, asks, stored);
    close(stored, asks, served, asked);
    tick(5000 * MS);
    const spans = traces.flat();
    assert.deepEqual(
      spans.map(({ kind, resource, traceId, parentSpanId, parentIsRemote, attributes }) => [
        ...[kind, resource.serviceName, traceId === TRACE, parentSpanId, parentIsRemote],
        attributes['undertrace.link.method'],
      ]),
      [
        [SpanKind.CLIENT, 'service-100', false, undefined, false, undefined],
        [SpanKind.SERVER, 'service-300', true, OWN_SPAN, true, 'header'],
      ],
    );
    assert.deepEqual(made.requests.sort(), [
      'client 100',
      'client 200 suppressed',
      'server 200 suppressed',
      'server 300',
    ]);
    assert.deepEqual([ledger.exchanges.lost.instrumented, ledger.exchanges.out, ledger.spans.in], [2, 2, 2]);
    assert.deepEqual(ledger.imbalances(), []);
  });

  it('are nobody’s parents where the process names no span', () => {
    const { traces, tick, open, close } = setUp();
    const { asked, served, asks, stored } = conversation(false);
    open(asked, served, asks, stored);
    close(stored, asks, served, asked);
    tick(5000 * MS);
    assert.deepEqual(
      traces.flat().map(({ parentSpanId, links }) => [parentSpanId, links]),
      [
        [undefined, undefined],
        [undefined, undefined],
      ],
    );
  });

  it('are nobody’s parents when they are still open as the neighbour’s span is made, or have left', () => {
    for (const order of ['open', 'left'] as const) {
      const { traces, tick, open, close, ledger } = setUp();
      const { asks, stored } = conversation(false);
      open(asks, ...(order === 'open' ? [stored] : []));
      close(order === 'open' ? stored : asks);
      tick(10 * MS);
      tick(1000 * MS);
      if (order === 'left') open(stored);
      close(order === 'open' ? asks : stored);
      tick(2000 * MS);
      tick(6000 * MS);
      const spans = traces.flat();
      assert.deepEqual(
        spans.map(({ resource, parentSpanId }) => [resource.serviceName, parentSpanId]),
        [['service-300', undefined]],
        order,
      );
      assert.equal(ledger.exchanges.lost.instrumented, 1);
      assert.deepEqual(ledger.imbalances(), []);
    }
  });

  it('are made all the same where a span hangs on them from before the process was known', () => {
    const { traces, tick, open, close, ledger, made } = setUp();
    made.instrumented = false;
    const { asks, stored } = conversation(false);
    open(asks, stored);
    close(stored);
    tick(10 * MS);
    tick(1000 * MS);
    assert.equal(traces.length, 1);
    made.instrumented = true;
    close(asks);
    tick(2000 * MS);
    tick(6000 * MS);
    const [child, parent] = traces.flat();
    assert.equal(child!.parentSpanId, parent!.spanId);
    assert.deepEqual(made.requests, ['server 300', 'client 200']);
    assert.equal(ledger.exchanges.lost.instrumented, 0);
    assert.deepEqual(ledger.imbalances(), []);
  });

  it('stay left out once a neighbour was made without them', () => {
    const { traces, tick, open, close, ledger, made } = setUp();
    const { asks, stored } = conversation(false);
    open(asks, stored);
    close(stored);
    tick(10 * MS);
    tick(1000 * MS);
    made.instrumented = false;
    close(asks);
    tick(2000 * MS);
    tick(6000 * MS);
    assert.deepEqual(
      traces.flat().map(({ resource }) => resource.serviceName),
      ['service-300'],
    );
    assert.equal(ledger.exchanges.lost.instrumented, 1);
    assert.deepEqual(ledger.imbalances(), []);
  });

  it('are counted as filtered where a filter drops them, too', () => {
    for (const drop of ['end', 'request'] as const) {
      const { traces, tick, open, close, ledger, made } = setUp({
        drops: ({ tgid }) => (tgid === APP ? drop : undefined),
      });
      const { asks, stored } = conversation();
      open(asks, stored);
      close(stored, asks);
      tick(5000 * MS);
      const left = drop === 'end' ? ['server 300'] : [];
      assert.deepEqual(made.requests, left);
      assert.equal(traces.flat().length, left.length);
      assert.equal(ledger.exchanges.lost.filtered, 2 - left.length);
      assert.equal(ledger.exchanges.lost.instrumented, 0);
      assert.deepEqual(ledger.imbalances(), []);
    }
  });
});
