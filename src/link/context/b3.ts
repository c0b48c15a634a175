import type { ContextHeaders } from '../../decode/context-headers.ts';
import { NO_CONTEXT } from '../sampler.ts';
import { type ContextFormat, type IncomingContext, padId } from './context.ts';

/** {TraceId}-{SpanId}[-{SamplingState}][-{ParentSpanId}]; a trace id has 64 or 128 bits. */
const SINGLE = /^([0-9a-f]{16}|[0-9a-f]{32})-([0-9a-f]{16})(?:-([01d]))?(?:-[0-9a-f]{16})?$/;
const TRACE_ID = /^(?:[0-9a-f]{16}|[0-9a-f]{32})$/;
const SPAN_ID = /^[0-9a-f]{16}$/;

/** Debug is a decision to sample, made more urgently. `true` and `false` come from tracers that are older than the specification. */
const FLAGS: Readonly<Record<string, number>> = { '0': 0, '1': 1, d: 1, true: 1, false: 0 };

/** B3 in one header: `b3` (https://github.com/openzipkin/b3-propagation#single-header). It may be the sampling state alone. */
export const b3Single: ContextFormat = {
  name: 'B3 single header',

  parse({ b3 }) {
    if (b3 === undefined) return undefined;
    if (b3 === '0' || b3 === '1' || b3 === 'd') return contextOf(undefined, undefined, FLAGS[b3]);
    const match = SINGLE.exec(b3);
    return match === null ? undefined : ofIds(match[1]!, match[2]!, FLAGS[match[3] ?? '']);
  },
};

/** B3 in a header a field: `X-B3-TraceId` and so on (https://github.com/openzipkin/b3-propagation#multiple-headers). */
export const b3Multi: ContextFormat = {
  name: 'B3 multiple headers',

  parse(headers) {
    const { b3TraceId, b3SpanId, b3ParentSpanId } = headers;
    const decision = decisionOf(headers);
    if (decision === 'invalid') return undefined;
    if (b3TraceId === undefined && b3SpanId === undefined) {
      return decision === undefined ? undefined : contextOf(undefined, undefined, decision);
    }
    if (b3TraceId === undefined || !TRACE_ID.test(b3TraceId)) return undefined;
    if (b3SpanId === undefined || !SPAN_ID.test(b3SpanId)) return undefined;
    if (b3ParentSpanId !== undefined && !SPAN_ID.test(b3ParentSpanId)) return undefined;
    return ofIds(b3TraceId, b3SpanId, decision);
  },
};

/** Flags other than 1 mean nothing; debug needs no X-B3-Sampled beside it. */
function decisionOf({ b3Sampled, b3Flags }: ContextHeaders): number | undefined | 'invalid' {
  if (b3Flags === '1') return 1;
  if (b3Sampled === undefined) return undefined;
  return b3Sampled !== 'd' && Object.hasOwn(FLAGS, b3Sampled) ? FLAGS[b3Sampled] : 'invalid';
}

function ofIds(traceId: string, spanId: string, flags: number | undefined): IncomingContext | undefined {
  const [trace, span] = [padId(traceId, 32), padId(spanId, 16)];
  return trace === undefined || span === undefined ? undefined : contextOf(trace, span, flags);
}

/** Without a sampling state the decision is left to who reads it. */
function contextOf(
  traceId: string | undefined,
  spanId: string | undefined,
  flags: number | undefined,
): IncomingContext {
  return { traceId, spanId, incomingFlags: flags ?? NO_CONTEXT, traceState: undefined };
}
