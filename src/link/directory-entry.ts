import { ContextHeaders } from '../decode/context-headers.ts';
import type { DirectoryEntry } from '../directory/directory.ts';
import { namesSpan } from './context/context.ts';
import { w3c } from './context/w3c.ts';
import { ID_VERSION, hopId } from './ids.ts';
import type { Hop, SpanContext } from './pending.ts';

/**
 * How a client span stands in the directory, so that agents of different versions in one fleet agree (docs/ids.md):
 *
 *   key    undertrace:<version of the ids>:<hop key, 16 hex digits>
 *   value  traceparent, then, where there is one, a blank and tracestate, both as W3C Trace Context writes them
 */
const PREFIX = `undertrace:${ID_VERSION}:`;
const SAMPLED = 1;

export function directoryKey(hop: Pick<Hop, 'key' | 'id'>): string {
  return PREFIX + (hop.id ??= hopId(hop.key));
}

/** `sampled`: what was decided here, where the request itself said nothing. */
export function entryOf(
  hop: Pick<Hop, 'key' | 'id'>,
  context: SpanContext,
  sampled: boolean,
): DirectoryEntry {
  const { traceId, spanId, incomingFlags, traceState } = context;
  const others = incomingFlags < 0 ? 0 : incomingFlags & ~SAMPLED;
  const flags = (others | (sampled ? SAMPLED : 0)).toString(16).padStart(2, '0');
  const traceparent = `00-${traceId}-${spanId}-${flags}`;
  return {
    key: directoryKey(hop),
    value: traceState === undefined ? traceparent : `${traceparent} ${traceState}`,
  };
}

/** Undefined where the value is not one that an agent wrote: whoever may write to the directory is a stranger. */
export function parseEntry({ value }: DirectoryEntry): SpanContext | undefined {
  const blank = value.indexOf(' ');
  const headers = new ContextHeaders();
  headers.traceparent = blank < 0 ? value : value.slice(0, blank);
  headers.tracestate = blank < 0 ? undefined : value.slice(blank + 1);
  const context = w3c.parse(headers);
  return context !== undefined && namesSpan(context) ? context : undefined;
}
