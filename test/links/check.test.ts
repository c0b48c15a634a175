import assert from 'node:assert/strict';
import { CLIENT, SERVER } from '../support/check-spans.ts';
import type { ReceivedSpan } from '../support/otlp-proto.ts';
import { checkLinks } from './check.ts';
import { parseTruth } from './truth.ts';

/** Two requests of the load to one service, open at the same time, with two calls each. */
const TRUTH = parseTruth('r1\nr2\n', ['r1 a1\nr2 a2\nr1 b1\nr2 b2\n']);

/** Times in nanoseconds: request [from, until]. */
const TIMES: Record<string, [from: number, until: number]> = {
  r1: [0, 100],
  r2: [10, 90],
  a1: [20, 30],
  a2: [25, 35],
  b1: [40, 50],
  b2: [45, 95],
};

function makeSpan(id: string, kind: number): ReceivedSpan {
  const service =
    kind === SERVER ? (id.startsWith('r') ? 'front' : 'back') : id.startsWith('r') ? 'load' : 'front';
  const [from, until] = TIMES[id]!;
  return {
    traceId: `trace-${id.replace(/^[ab]/, 'r')}`,
    spanId: `${id}-${kind === CLIENT ? 'client' : 'server'}`,
    parentSpanId: kind === SERVER ? `${id}-client` : id.startsWith('r') ? '' : `r${id[1]}-server`,
    traceState: '',
    name: 'GET',
    kind,
    start: String(from + (kind === SERVER ? 1 : 0)),
    end: String(until - (kind === SERVER ? 1 : 0)),
    status: 0,
    flags: 1,
    attributes:
      kind === CLIENT
        ? { 'url.full': `http://127.0.0.1:1/w/run/x/${id}`, 'network.peer.port': id[0] }
        : { 'url.path': `/w/run/x/${id}` },
    links: [],
    resource: { 'service.name': service },
    resourceSchemaUrl: '',
    scope: '',
    scopeSchemaUrl: '',
  };
}

/** Spans of both ends of everything, all linked right, with changes by span id. */
function makeSpans(changes: Record<string, Partial<ReceivedSpan>> = {}): ReceivedSpan[] {
  return Object.keys(TIMES)
    .flatMap((id) => [makeSpan(id, CLIENT), makeSpan(id, SERVER)])
    .map((span) => ({ ...span, ...changes[span.spanId] }));
}

const withMethod = (span: ReceivedSpan, method: string, confidence: number): ReceivedSpan['attributes'] => ({
  ...span.attributes,
  'undertrace.link.method': method,
  'undertrace.link.confidence': confidence,
});

describe('links/check', () => {
  it('finds everything right where it is', () => {
    const report = checkLinks(makeSpans(), TRUTH);
    assert.deepEqual(report.spans, { missing: 0, repeated: 0, unknown: 0 });
    assert.deepEqual(report.inner, { expected: 4, right: 4, wrong: 0, orphan: 0, missing: 0 });
    assert.deepEqual(report.hop, { expected: 6, right: 6, wrong: 0, orphan: 0, missing: 0 });
    assert.deepEqual(report.wholeRequests, { count: 2, of: 2 });
    assert.deepEqual(report.wholeTraces, { count: 2, of: 2 });
    assert.deepEqual(report.confident, { given: 4, right: 4 });
    assert.equal(report.strays, 0);
  });

  it('tells an orphan from a wrong parent, and both cost the request and the trace', () => {
    const report = checkLinks(
      makeSpans({ 'a1-client': { parentSpanId: '' }, 'b2-client': { parentSpanId: 'r1-server' } }),
      TRUTH,
    );
    assert.deepEqual(report.inner, { expected: 4, right: 2, wrong: 1, orphan: 1, missing: 0 });
    assert.deepEqual(report.confident, { given: 3, right: 2 });
    assert.deepEqual(report.wholeRequests, { count: 0, of: 2 });
    assert.deepEqual(report.wholeTraces, { count: 0, of: 2 });
  });

  it('takes the right parent in another trace for wrong', () => {
    const report = checkLinks(makeSpans({ 'a1-client': { traceId: 'other' } }), TRUTH);
    assert.equal(report.inner.wrong, 1);
    assert.equal(report.hop.wrong, 1);
  });

  it('counts a hop that is not linked against the trace alone', () => {
    const report = checkLinks(makeSpans({ 'a1-server': { parentSpanId: '' } }), TRUTH);
    assert.deepEqual(report.hop, { expected: 6, right: 5, wrong: 0, orphan: 1, missing: 0 });
    assert.deepEqual(report.wholeRequests, { count: 2, of: 2 });
    assert.deepEqual(report.wholeTraces, { count: 1, of: 2 });
  });

  it('counts spans that are missing, repeated and of nobody', () => {
    const spans = makeSpans().filter(({ spanId }) => spanId !== 'a1-client');
    const stranger = { ...spans[0]!, attributes: { 'url.full': 'http://127.0.0.1:1/w/run/x/z9' } };
    const report = checkLinks([...spans, spans[0]!, stranger], TRUTH);
    assert.deepEqual(report.spans, { missing: 1, repeated: 1, unknown: 1 });
    assert.equal(report.inner.missing, 1);
    assert.equal(report.hop.wrong, 1);
  });

  it('sees a request of the load that was given a parent', () => {
    assert.equal(checkLinks(makeSpans({ 'r1-client': { parentSpanId: 'b2-client' } }), TRUTH).strays, 1);
  });

  it('takes an OTLP link for a candidate with its confidence, never for a parent', () => {
    const span = makeSpan('a1', CLIENT);
    const attributes = { 'undertrace.link.confidence': 0.4, 'undertrace.link.method': 'residual' };
    const links = [{ traceId: span.traceId, spanId: 'r1-server', attributes }];
    const report = checkLinks(makeSpans({ 'a1-client': { parentSpanId: '', links } }), TRUTH);
    assert.equal(report.inner.orphan, 1);
    assert.deepEqual(report.confident, { given: 3, right: 3 });
    assert.deepEqual(report.residual, [{ confidence: 0.4, right: true, heldBack: false }]);
  });

  it('counts what is held back with how sure it is, and not as a parent', () => {
    const span = makeSpan('a1', CLIENT);
    const attributes = {
      ...span.attributes,
      'undertrace.link.method': 'residual',
      'undertrace.link.held_back': 0.97,
    };
    const links = [{ traceId: span.traceId, spanId: 'r2-server', attributes: {} }];
    const report = checkLinks(makeSpans({ 'a1-client': { parentSpanId: '', links, attributes } }), TRUTH);
    assert.deepEqual(report.confident, { given: 3, right: 3 });
    assert.deepEqual(report.residual, [{ confidence: 0.97, right: false, heldBack: true }]);
  });

  it('gives the links of each method', () => {
    const span = makeSpan('a1', CLIENT);
    const report = checkLinks(
      makeSpans({
        'a1-client': { attributes: withMethod(span, 'thread', 0.99) },
        'a2-client': {
          attributes: withMethod(makeSpan('a2', CLIENT), 'turn', 0.5),
          parentSpanId: 'r1-server',
        },
      }),
      TRUTH,
    );
    assert.deepEqual(report.methods, {
      thread: { right: 1, wrong: 0 },
      turn: { right: 0, wrong: 1 },
      unnamed: { right: 2, wrong: 0 },
    });
    assert.deepEqual(report.confident, { given: 3, right: 3 });
  });

  it('measures what times alone would have given', () => {
    // Both requests are open at every call. The oldest gets the first call to a destination, here the right one, or the youngest does.
    assert.deepEqual(checkLinks(makeSpans(), TRUTH).baselines, { FIFO: 4, 'most recent': 0 });
    // r2 seems to be over before a2 and all that comes later.
    const spans = makeSpans({ 'r2-server': { end: '22' } });
    assert.deepEqual(checkLinks(spans, TRUTH).baselines, { FIFO: 2, 'most recent': 1 });
  });
});

describe('links/truth', () => {
  it('refuses ids that come twice, calls of nobody, and other lines', () => {
    assert.throws(() => parseTruth('r1\n', ['r1 a1\nr1 a1\n']), /given twice/);
    assert.throws(() => parseTruth('r1\n', ['r2 a1\n']), /nobody sent it/);
    assert.throws(() => parseTruth('r1\n', ['r1\n']), /not a line/);
  });

  it('joins the files of a chain', () => {
    const truth = parseTruth('r1\n', ['r1 d1\n', 'd1 e1\nd1 e2\n']);
    assert.deepEqual(
      [...truth.calls],
      [
        ['r1', ['d1']],
        ['d1', ['e1', 'e2']],
      ],
    );
  });
});
