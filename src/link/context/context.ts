import type { ContextHeaders } from '../../decode/context-headers.ts';
import type { SpanContext } from '../pending.ts';

/** What a request says of the trace it belongs to, whichever format says it. */
export interface IncomingContext {
  /** 32 lower-case hex digits, not all zeros; undefined where only the sampling was decided, for a trace that starts here. */
  readonly traceId: string | undefined;
  /** 16 lower-case hex digits, not all zeros; undefined where no span of the trace is named. */
  readonly spanId: string | undefined;
  /** W3C trace flags, or NO_CONTEXT where the decision was left open. */
  readonly incomingFlags: number;
  readonly traceState: string | undefined;
}

/** One way of writing a trace context into headers. */
export interface ContextFormat {
  /** As in documentation. */
  readonly name: string;
  /** Undefined where the headers are not there, or are not valid. Throws at nothing. */
  parse(headers: ContextHeaders): IncomingContext | undefined;
}

const ZEROS = /^0*$/;

/** An id of up to `digits` hex digits as one of exactly so many; undefined where it is zero, which no format allows. */
export function padId(hex: string, digits: number): string | undefined {
  return ZEROS.test(hex) ? undefined : hex.padStart(digits, '0');
}

/** Whether a span of the trace is named, which can be a parent. */
export function namesSpan(context: IncomingContext): context is SpanContext {
  return context.traceId !== undefined && context.spanId !== undefined;
}
