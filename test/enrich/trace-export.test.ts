import assert from 'node:assert/strict';
import type { Exchange } from '../../src/decode/exchange.ts';
import { handsOverTraces, isTaken } from '../../src/enrich/trace-export.ts';

const request = (method: string, target: string, protocol = 'http'): Exchange =>
  ({ protocol, request: { method, target } }) as unknown as Exchange;
const answered = (status: number | undefined): Exchange =>
  ({ response: status === undefined ? undefined : { status } }) as unknown as Exchange;

describe('enrich/trace-export', () => {
  it('knows a request that hands over traces by its method and path', () => {
    for (const target of [
      '/v1/traces',
      '/tenant/7/v1/traces',
      '/v1/traces?key=1',
      'http://collector:4318/v1/traces',
    ])
      for (const protocol of ['http', 'http2'])
        assert.ok(handsOverTraces(request('POST', target, protocol)), target);
    const method = '/opentelemetry.proto.collector.trace.v1.TraceService/Export';
    assert.ok(handsOverTraces(request('POST', method, 'http2')));
    for (const other of [
      request('GET', '/v1/traces'),
      request('POST', '/v1/metrics'),
      request('POST', '/v1/traces/'),
      request('POST', '/?next=/v1/traces'),
      request('POST', '/v1/traces', 'redis'),
      request('POST', '/opentelemetry.proto.collector.metrics.v1.MetricsService/Export', 'http2'),
      request('POST', '', 'http2'),
    ])
      assert.ok(!handsOverTraces(other), JSON.stringify(other.request));
  });

  it('takes nothing but success for success', () => {
    assert.deepEqual([200, 202, 299].map(answered).map(isTaken), [true, true, true]);
    assert.deepEqual([undefined, 100, 302, 404, 503].map(answered).map(isTaken), Array(5).fill(false));
    const called = (rpcStatus: number): Exchange =>
      ({ response: { status: 200, rpcStatus } }) as unknown as Exchange;
    assert.deepEqual([-1, 0, 4, 14].map(called).map(isTaken), [true, true, false, false]);
  });
});
