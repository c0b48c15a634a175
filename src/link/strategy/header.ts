import type { SpanContext } from '../pending.ts';
import type { LinkStrategy } from './strategy.ts';

/** version-traceid-parentid-flags; a later version may append fields (https://www.w3.org/TR/trace-context/#versioning-of-traceparent). */
const TRACEPARENT =
  /^(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(?:$|-)/;
const VERSION_0_LENGTH = 55;
/** Vendors must be able to rely on 512 characters; more is not carried on. */
const MAX_TRACESTATE = 512;

/** The trace context of a W3C `traceparent`, or undefined where it is not valid. */
export function parseTraceparent(text: string, tracestate: string | undefined): SpanContext | undefined {
  const match = TRACEPARENT.exec(text.trim());
  if (match === null) return undefined;
  const [, version, traceId, spanId, flags] = match;
  if (version === '00' && text.trim().length !== VERSION_0_LENGTH) return undefined;
  const traceState = tracestate?.trim();
  return {
    traceId: traceId!,
    spanId: spanId!,
    incomingFlags: Number.parseInt(flags!, 16),
    traceState: traceState && traceState.length <= MAX_TRACESTATE ? traceState : undefined,
  };
}

/** The parent that the request itself names: whoever sent it knew. */
export const header: LinkStrategy = {
  name: 'header',

  parentOf(pending) {
    const context = pending.traceContext;
    return context && { context, remote: true, confidence: 1 };
  },
};
