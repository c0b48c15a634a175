import type { ContextHeaders } from '../context-headers.ts';

/** A decoded head, of any version, and what is learned of the message later. Sizes are of the body on the wire without its framing. */
export interface HttpMessage {
  /** 10, 11 or 20. */
  version: number;
  /** Undefined until the message has ended, and for good where its end or its framing was not seen. */
  bodySize: number | undefined;
  /** The head was longer than what was captured: later fields are missing. */
  truncated: boolean;
}

export interface HttpRequest extends HttpMessage {
  /** '' where it was not seen. */
  method: string;
  /** Request target in any form (RFC 9112, 3.2); '' where it was not seen. */
  target: string;
  /** As the head names it (HTTP/2). */
  scheme: string | undefined;
  /** Host, or the authority of HTTP/2. */
  host: string | undefined;
  userAgent: string | undefined;
  /** Made where the request has one of them. */
  contextHeaders: ContextHeaders | undefined;
  forwardedFor: string | undefined;
  forwardedProto: string | undefined;
  forwarded: string | undefined;
  /** Some fields are not known: what is missing may have been among them. */
  partial: boolean;
}

export interface HttpResponse extends HttpMessage {
  /** 0 where it was not seen. */
  status: number;
  /** What a database says of itself. */
  database?: DatabaseResponse | undefined;
}

export interface DatabaseResponse {
  readonly system: 'elasticsearch' | 'opensearch' | 'clickhouse';
  /** Of ClickHouse's exceptions; '' where there is none. */
  errorCode: string;
}

export function createRequest(version: number): HttpRequest {
  return {
    method: '',
    target: '',
    version,
    scheme: undefined,
    host: undefined,
    userAgent: undefined,
    contextHeaders: undefined,
    forwardedFor: undefined,
    forwardedProto: undefined,
    forwarded: undefined,
    bodySize: undefined,
    truncated: false,
    partial: false,
  };
}

/** Methods of RFC 9110, PATCH and QUERY. */
export const METHODS: readonly string[] = [
  ...['GET', 'PUT', 'POST', 'HEAD', 'PATCH', 'TRACE', 'DELETE', 'OPTIONS', 'CONNECT', 'QUERY'],
];
const KNOWN_METHODS: ReadonlySet<string> = new Set(METHODS);

export function isKnownMethod(method: string): boolean {
  return KNOWN_METHODS.has(method);
}
