import assert from 'node:assert/strict';
import { SpanKind, StatusCode } from '../../src/link/span.ts';
import { spanLine } from '../../src/output/span-line.ts';
import { makeSpan } from '../support/make-spans.ts';

describe('output/span-line', () => {
  it('is one line of JSON with everything a span has', () => {
    const links = [{ traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), attributes: {} }];
    const span = makeSpan(1, {
      ...{ name: 'two\nlines', kind: SpanKind.PRODUCER, status: StatusCode.ERROR },
      ...{ startTime: [1, 5], durationNs: 12, links },
    });
    const line = spanLine(span);
    assert.equal(line.indexOf('\n'), line.length - 1);
    assert.deepEqual(JSON.parse(line), {
      ...{ service: 'nginx', name: 'two\nlines', kind: 'PRODUCER', status: 'ERROR' },
      ...{ traceId: span.traceId, spanId: span.spanId, parentSpanId: span.parentSpanId },
      ...{ start: '1970-01-01T00:00:01.000000005Z', durationNs: 12, links },
      ...{ attributes: span.attributes, resource: span.resource.attributes },
    });
  });

  it('leaves out what there is none of', () => {
    const told = JSON.parse(spanLine(makeSpan(0))) as object;
    assert.ok(!('links' in told) && !('parentSpanId' in told));
  });
});
