import assert from 'node:assert/strict';
import { Histogram } from '../../src/base/histogram.ts';
import type { Instrument, Metric, Point } from '../../src/base/metric.ts';
import { ExemplarHistogram } from '../../src/metrics/exemplars.ts';
import { exposed } from '../../src/metrics/exposition.ts';

const REQUESTS: Instrument = {
  name: 'http.requests',
  unit: '{request}',
  description: 'All "requests"\nof a \\ host.',
  type: 'counter',
  attributes: ['http.route', 'error.type'],
};
const DURATION: Instrument = { ...REQUESTS, name: 'http.duration', unit: 's', type: 'histogram' };
const LOAD: Instrument = { ...REQUESTS, name: 'load', unit: '1', description: 'Load.', type: 'gauge' };

function metric(instrument: Instrument, ...points: Point[]): Metric {
  return { instrument, points: () => points };
}

describe('metrics/exposition', () => {
  it('names counters as each of the two formats wants them, and escapes what strangers wrote', async () => {
    const requests = metric(
      REQUESTS,
      { attributes: ['/a"b\\c\nd', ''], value: 3 },
      { attributes: ['', ''], value: 4 },
      { attributes: undefined, value: 5 },
    );
    const samples = `http_requests_total{http_route="/a\\"b\\\\c\\nd"} 3
http_requests_total 4
http_requests_total{otel_metric_overflow="true"} 5
`;
    assert.equal(
      await exposed([requests], false),
      `# HELP http_requests_total All "requests"\\nof a \\\\ host.\n# TYPE http_requests_total counter\n${samples}`,
    );
    assert.equal(
      await exposed([requests], true),
      `# HELP http_requests All \\"requests\\"\\nof a \\\\ host.\n# TYPE http_requests counter\n${samples}`,
    );
  });

  it('adds up the buckets of a histogram, with exemplars where the format knows them', async () => {
    const histogram = new ExemplarHistogram([0.5, 1]);
    histogram.observeWith(0.25, undefined);
    histogram.observeWith(0.75, {
      traceId: 'a'.repeat(32),
      spanId: 'b'.repeat(16),
      value: 0.75,
      unixMs: 1500,
    });
    histogram.observeWith(7, undefined);
    const page = metric(DURATION, { attributes: ['/', ''], value: histogram });
    const lines = (await exposed([page], true)).split('\n').slice(2);
    const exemplar = ` # {trace_id="${'a'.repeat(32)}",span_id="${'b'.repeat(16)}"} 0.75 1.5`;
    assert.deepEqual(lines, [
      'http_duration_seconds_bucket{le="0.5",http_route="/"} 1',
      `http_duration_seconds_bucket{le="1.0",http_route="/"} 2${exemplar}`,
      'http_duration_seconds_bucket{le="+Inf",http_route="/"} 3',
      'http_duration_seconds_sum{http_route="/"} 8',
      'http_duration_seconds_count{http_route="/"} 3',
      '',
    ]);
    assert.ok(!(await exposed([page], false)).includes('trace_id'));
    const bare = metric({ ...DURATION, attributes: [] }, { attributes: [], value: new Histogram([1]) });
    assert.match(await exposed([bare], false), /^http_duration_seconds_bucket\{le="1\.0"\} 0$/m);
  });

  it('writes values that are no numbers of a decimal system as the formats have them', async () => {
    const points = [NaN, Infinity, -Infinity, 1e21].map((value) => ({ attributes: ['', ''], value }));
    const lines = (await exposed([metric(LOAD, ...points)], false)).split('\n').slice(2, -1);
    assert.deepEqual(
      lines.map((line) => line.replace('load_ratio ', '')),
      ['NaN', '+Inf', '-Inf', '1e+21'],
    );
  });
});
