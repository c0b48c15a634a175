/** Header names of trace contexts, and where their values are kept. */
export const CONTEXT_HEADERS = {
  traceparent: 'traceparent',
  tracestate: 'tracestate',
  b3: 'b3',
  'x-b3-traceid': 'b3TraceId',
  'x-b3-spanid': 'b3SpanId',
  'x-b3-parentspanid': 'b3ParentSpanId',
  'x-b3-sampled': 'b3Sampled',
  'x-b3-flags': 'b3Flags',
  'uber-trace-id': 'jaeger',
  sw8: 'skywalking',
  'x-amzn-trace-id': 'xray',
} as const;

export type ContextKey = (typeof CONTEXT_HEADERS)[keyof typeof CONTEXT_HEADERS];

/** Longest value kept, but for `sw8`, which is less than 2 KiB long by its specification. */
const MAX_VALUE = 512;
const MAX_SKYWALKING = 2047;
/** In the place of a value that was too long: part of one could be taken for another. No format allows this byte. */
const TOO_LONG = '\0';
/** Request ids kept of one request, and the longest one. The link stage keeps them for seconds. */
const MAX_REQUEST_IDS = 4;
const MAX_REQUEST_ID = 256;
const NO_IDS: readonly string[] = [];

/**
 * The headers of a request that say which trace it belongs to, as they stood there; made for requests that have one of them. They are looked
 * at by the link stage and get into no span, log or status.
 */
export class ContextHeaders {
  traceparent: string | undefined = undefined;
  tracestate: string | undefined = undefined;
  b3: string | undefined = undefined;
  b3TraceId: string | undefined = undefined;
  b3SpanId: string | undefined = undefined;
  b3ParentSpanId: string | undefined = undefined;
  b3Sampled: string | undefined = undefined;
  b3Flags: string | undefined = undefined;
  jaeger: string | undefined = undefined;
  skywalking: string | undefined = undefined;
  xray: string | undefined = undefined;
  /** Values of the headers that `link.request_id_headers` names. */
  requestIds: readonly string[] = NO_IDS;

  /**
   * Several fields of one name are one list (RFC 9110, 5.3). Of these headers only tracestate may be one (W3C Trace Context, 3.3.1.1): a
   * second traceparent makes both invalid.
   */
  add(key: ContextKey, text: string): void {
    const known = this[key];
    const joined = known === undefined ? text : `${known},${text}`;
    const most = key === 'skywalking' ? MAX_SKYWALKING : MAX_VALUE;
    this[key] = joined.length > most ? TOO_LONG : joined;
  }

  addRequestId(text: string): void {
    const { requestIds } = this;
    if (text === '' || text.length > MAX_REQUEST_ID) return;
    if (requestIds.length >= MAX_REQUEST_IDS || requestIds.includes(text)) return;
    this.requestIds = [...requestIds, text];
  }
}
