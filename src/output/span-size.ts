import type { Span } from '../link/span.ts';

/** The span object, its two times, three ids and the attributes object, without their text. */
const SPAN_BYTES = 480;
/** A slot in the attributes object and the header of a string or a boxed number. */
const ATTRIBUTE_BYTES = 32;

/**
 * About how many bytes of memory a span keeps busy while it waits: what `queue_size` counts with `sizer: bytes`. Keys, resources and other
 * shared objects cost nothing. An estimate: V8 keeps strings with one byte a character where it can, and that is assumed.
 */
export function estimateSpanBytes(span: Span): number {
  let bytes = SPAN_BYTES + span.name.length + (span.traceState?.length ?? 0);
  const attributes = span.attributes;
  for (const key in attributes) {
    const value = attributes[key];
    bytes += ATTRIBUTE_BYTES;
    if (typeof value === 'string') bytes += value.length;
    else if (Array.isArray(value)) for (const item of value) bytes += ATTRIBUTE_BYTES + item.length;
  }
  return bytes;
}
