import assert from 'node:assert/strict';
import { b3Multi, b3Single } from '../../../src/link/context/b3.ts';
import { NO_CONTEXT } from '../../../src/link/sampler.ts';
import { makeHeaders } from './make-headers.ts';

/** Ids of the specification's examples. */
const TRACE = '80f198ee56343ba864fe8b2a57d3eff7';
const SPAN = 'e457b5a2e4d86bd1';
const PARENT = '05e3ac9a4f6e3b90';

const single = (b3: string) => b3Single.parse(makeHeaders({ b3 }));

function expected(incomingFlags: number, traceId: string | undefined = TRACE, spanId = SPAN) {
  return { traceId, spanId, incomingFlags, traceState: undefined };
}

function decision(incomingFlags: number) {
  return { traceId: undefined, spanId: undefined, incomingFlags, traceState: undefined };
}

describe('link/context/b3', () => {
  describe('in one header', () => {
    it('reads the examples of the specification', () => {
      assert.deepEqual(single(`${TRACE}-${SPAN}-1-${PARENT}`), expected(1));
      assert.deepEqual(single(`${TRACE}-${SPAN}-d-${PARENT}`), expected(1));
      assert.deepEqual(single(`${TRACE}-${SPAN}-0`), expected(0));
    });

    it('says nothing of sampling where the decision is left to the next', () => {
      assert.deepEqual(single(`${TRACE}-${SPAN}`), expected(NO_CONTEXT));
      assert.deepEqual(single(`${TRACE}-${SPAN}-${PARENT}`), expected(NO_CONTEXT));
    });

    it('pads trace ids of 64 bits on the left', () => {
      assert.deepEqual(
        single(`64fe8b2a57d3eff7-${SPAN}-1`),
        expected(1, `0000000000000000${TRACE.slice(16)}`),
      );
    });

    it('reads a decision alone', () => {
      assert.deepEqual(single('0'), decision(0));
      assert.deepEqual(single('1'), decision(1));
      assert.deepEqual(single('d'), decision(1));
    });

    it('refuses what is not valid', () => {
      for (const text of [
        '',
        '-',
        '2',
        'D',
        '01',
        TRACE,
        `${TRACE}-`,
        `${TRACE}-${SPAN}-`,
        `${TRACE}-${SPAN}-2`,
        `${TRACE}-${SPAN}-true`,
        `${TRACE}-${SPAN}-1-`,
        `${TRACE}-${SPAN}-1-${PARENT.slice(1)}`,
        `${TRACE}-${SPAN}-1-${PARENT}-`,
        `${TRACE}-${SPAN.slice(1)}-1`,
        `${TRACE.slice(1)}-${SPAN}-1`,
        `${TRACE.toUpperCase()}-${SPAN}-1`,
        `${'0'.repeat(32)}-${SPAN}-1`,
        `${'0'.repeat(16)}-${SPAN}-1`,
        `${TRACE}-${'0'.repeat(16)}-1`,
        `${TRACE}_${SPAN}_1`,
        `${TRACE}-${SPAN}-1,${TRACE}-${SPAN}-1`,
      ]) {
        assert.equal(single(text), undefined, text);
      }
    });
  });

  describe('in several headers', () => {
    const ids = { b3TraceId: TRACE, b3SpanId: SPAN };
    const multi = (values: Parameters<typeof makeHeaders>[0]) => b3Multi.parse(makeHeaders(values));

    it('reads the example of the specification', () => {
      assert.deepEqual(multi({ ...ids, b3ParentSpanId: PARENT, b3Sampled: '1' }), expected(1));
    });

    it('reads every sampling state', () => {
      assert.deepEqual(multi({ ...ids, b3Sampled: '0' }), expected(0));
      assert.deepEqual(multi({ ...ids, b3Sampled: 'true' }), expected(1));
      assert.deepEqual(multi({ ...ids, b3Sampled: 'false' }), expected(0));
      assert.deepEqual(multi(ids), expected(NO_CONTEXT));
      assert.deepEqual(multi({ ...ids, b3Flags: '1' }), expected(1));
      assert.deepEqual(multi({ ...ids, b3Flags: '1', b3Sampled: '0' }), expected(1));
      assert.deepEqual(multi({ ...ids, b3Flags: '0', b3Sampled: '0' }), expected(0));
      assert.deepEqual(multi({ ...ids, b3Flags: '0' }), expected(NO_CONTEXT));
    });

    it('pads trace ids of 64 bits on the left', () => {
      assert.deepEqual(
        multi({ b3TraceId: TRACE.slice(16), b3SpanId: SPAN }),
        expected(NO_CONTEXT, `0000000000000000${TRACE.slice(16)}`),
      );
    });

    it('reads a decision alone', () => {
      assert.deepEqual(multi({ b3Sampled: '0' }), decision(0));
      assert.deepEqual(multi({ b3Sampled: '1' }), decision(1));
      assert.deepEqual(multi({ b3Flags: '1' }), decision(1));
    });

    it('refuses what is not valid', () => {
      for (const values of [
        {},
        { b3Flags: '0' },
        { b3ParentSpanId: PARENT },
        { b3TraceId: TRACE },
        { b3SpanId: SPAN },
        { b3TraceId: TRACE, b3Sampled: '1' },
        { b3SpanId: SPAN, b3Sampled: '1' },
        { ...ids, b3TraceId: '' },
        { ...ids, b3SpanId: '' },
        { ...ids, b3TraceId: TRACE.slice(1) },
        { ...ids, b3SpanId: `${SPAN}0` },
        { ...ids, b3TraceId: TRACE.toUpperCase() },
        { ...ids, b3TraceId: '0'.repeat(32) },
        { ...ids, b3SpanId: '0'.repeat(16) },
        { ...ids, b3ParentSpanId: 'x' },
        { ...ids, b3Sampled: '' },
        { ...ids, b3Sampled: '2' },
        { ...ids, b3Sampled: 'd' },
        { ...ids, b3Sampled: 'constructor' },
        { ...ids, b3Sampled: '1,1' },
      ]) {
        assert.equal(multi(values), undefined, JSON.stringify(values));
      }
    });
  });
});
