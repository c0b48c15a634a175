import type { ContextFormat } from './context.ts';

/** version-traceid-parentid-flags; a later version may append fields (https://www.w3.org/TR/trace-context/#versioning-of-traceparent). */
const TRACEPARENT =
  /^(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(?:$|-)/;
const VERSION_0_LENGTH = 55;

/** https://www.w3.org/TR/trace-context-2/#tracestate-header-field-values: key=value, where neither ends in a blank. */
const MEMBER =
  /^[a-z0-9][a-z0-9_\-*/@]{0,255}=[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]$/;
const MAX_MEMBERS = 32;

/** W3C Trace Context: `traceparent`, `tracestate`. */
export const w3c: ContextFormat = {
  name: 'W3C Trace Context',

  parse({ traceparent, tracestate }) {
    const match = traceparent === undefined ? null : TRACEPARENT.exec(traceparent);
    if (match === null) return undefined;
    const [, version, traceId, spanId, flags] = match;
    if (version === '00' && traceparent!.length !== VERSION_0_LENGTH) return undefined;
    return {
      traceId,
      spanId,
      incomingFlags: Number.parseInt(flags!, 16),
      traceState: tracestate === undefined ? undefined : validTraceState(tracestate),
    };
  },
};

/** A tracestate that is not valid is left out; the traceparent stays good. Empty members are allowed. */
function validTraceState(text: string): string | undefined {
  const members = text
    .split(',')
    .map((member) => member.trim())
    .filter((member) => member !== '');
  const valid = members.length <= MAX_MEMBERS && members.every((member) => MEMBER.test(member));
  return valid && members.length > 0 ? members.join(',') : undefined;
}
