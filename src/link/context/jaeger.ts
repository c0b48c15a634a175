import { type ContextFormat, padId } from './context.ts';

/**
 * {trace-id}:{span-id}:{parent-span-id}:{flags} in hexadecimal, shorter ids without their leading zeros. The parent's is deprecated: most write
 * 0, some write nothing.
 */
const UBER_TRACE_ID = /^([0-9a-f]{1,32}):([0-9a-f]{1,16}):[0-9a-f]{0,16}:([0-9a-f]{1,2})$/;
const SAMPLED = 1;

/** Jaeger: `uber-trace-id` (https://www.jaegertracing.io/docs/1.52/client-libraries/#propagation-format). Clients may URL-encode the colons. */
export const jaeger: ContextFormat = {
  name: 'Jaeger',

  parse({ jaeger: text }) {
    const match = text === undefined ? null : UBER_TRACE_ID.exec(text.toLowerCase().replaceAll('%3a', ':'));
    if (match === null) return undefined;
    const [traceId, spanId] = [padId(match[1]!, 32), padId(match[2]!, 16)];
    if (traceId === undefined || spanId === undefined) return undefined;
    // The other bits (debug, firehose) mean other things than those of W3C.
    const incomingFlags = Number.parseInt(match[3]!, 16) & SAMPLED;
    return { traceId, spanId, incomingFlags, traceState: undefined };
  },
};
