import assert from 'node:assert/strict';

import type { Description } from '../../src/decode/exchange.ts';
import type { RouteMatch } from '../../src/enrich/route.ts';
import type { Span } from '../../src/link/span.ts';
import { SpanKind, StatusCode } from '../../src/link/span.ts';
import { hopKey, makeExchange, makeLinker, resourceOf } from './make-exchange.ts';

/** The span of one exchange alone. */
function spanOf(role: 'client' | 'server', description: Partial<Description>, route?: RouteMatch): Span {
  const { traces, tick, open, close } = makeLinker({ routeOf: () => route });
  const exchange = makeExchange({ role, startNs: 10, endNs: 25, hop: hopKey(1), description });
  open(exchange);
  close(exchange);
  tick(2e9);
  return traces[0]![0]!;
}

const learned: RouteMatch = { route: '/users/{id}', source: 'learned', spanNames: new Map() };

describe('link/span-builder', () => {
  it('names a server span by method and route, and says where the route is from', () => {
    const span = spanOf('server', { attributes: { 'url.path': '/users/1' } }, learned);
    assert.equal(span.name, 'GET /users/{id}');
    assert.equal(span.kind, SpanKind.SERVER);
    assert.equal(span.attributes['http.route'], '/users/{id}');
    assert.equal(span.attributes['undertrace.http.route.source'], 'learned');
    assert.equal(span.attributes['url.path'], '/users/1');
  });

  it('names a span by its method alone where there is no route', () => {
    const span = spanOf('server', {});
    assert.equal(span.name, 'GET');
    assert.equal('http.route' in span.attributes, false);
    assert.equal('undertrace.http.route.source' in span.attributes, false);
  });

  it('gives a client the configured template', () => {
    const span = spanOf('client', {}, { ...learned, source: 'config' });
    assert.equal(span.name, 'GET /users/{id}');
    assert.equal(span.attributes['url.template'], '/users/{id}');
    assert.equal('http.route' in span.attributes, false);
  });

  it('says Error with its type, or nothing', () => {
    const failed = spanOf('client', { errorType: '503' });
    assert.equal(failed.status, StatusCode.ERROR);
    assert.equal(failed.attributes['error.type'], '503');
    const fine = spanOf('client', {});
    assert.equal(fine.status, StatusCode.UNSET);
    assert.equal('error.type' in fine.attributes, false);
  });

  it('takes times, ids and the resource as they are', () => {
    const span = spanOf('client', {});
    assert.deepEqual(span.startTime, [1_700_000_000, 10]);
    assert.deepEqual(span.endTime, [1_700_000_000, 25]);
    assert.equal(span.durationNs, 15);
    assert.equal(span.resource, resourceOf(100));
    assert.equal(span.traceFlags, 1);
    assert.match(span.traceId, /^[0-9a-f]{32}$/);
    assert.match(span.spanId, /^[0-9a-f]{16}$/);
  });

  it('never ends a span before it starts', () => {
    const { traces, tick, open, close } = makeLinker();
    const exchange = makeExchange({ role: 'client', startNs: 100, endNs: 50, hop: hopKey(1) });
    open(exchange);
    close(exchange);
    tick(2e9);
    assert.equal(traces[0]![0]!.durationNs, 0);
  });
});
