/**
 * The parameters of a request, of which those are kept that its span needs. FastCGI Specification, 3.4; RFC 3875, 4.1.
 *
 *   pair = length of the name | length of the value | name | value          a length has one byte, or four of which the first has the bit 80
 */
import { latin1, text, u32be } from '../bytes.ts';
import { CONTEXT_HEADERS, ContextHeaders } from '../context-headers.ts';
import { createRequest, type HttpRequest } from './http-message.ts';

/** Longest value that is kept. */
const MAX_VALUE = 8192;
const MAX_NAME = 80;
/** Of a pair whose rest is in the next record. */
const MAX_REST = 16_384;
const NOTHING = new Uint8Array(0);

export interface FastcgiRequest extends HttpRequest {
  readonly params: Map<string, string>;
  /** Start of a pair that goes on in the next record. */
  rest: Uint8Array;
  /** Bytes of its body so far. */
  stdin: number;
  aborted: boolean;
}

const KEPT: ReadonlySet<string> = new Set([
  ...['REQUEST_METHOD', 'REQUEST_URI', 'DOCUMENT_URI', 'SCRIPT_NAME', 'PATH_INFO', 'QUERY_STRING'],
  ...[
    'CONTENT_LENGTH',
    'SERVER_NAME',
    'SERVER_PORT',
    'REMOTE_ADDR',
    'REMOTE_PORT',
    'HTTPS',
    'REQUEST_SCHEME',
  ],
  ...['HTTP_HOST', 'HTTP_USER_AGENT', 'HTTP_FORWARDED', 'HTTP_X_FORWARDED_FOR', 'HTTP_X_FORWARDED_PROTO'],
]);
const CONTEXT = new Map(
  Object.entries(CONTEXT_HEADERS).map(([name, key]) => [parameterOf(name), key] as const),
);

/** Meta-variable of a header. RFC 3875, 4.1.18. */
export function parameterOf(header: string): string {
  return `HTTP_${header.toUpperCase().replaceAll('-', '_')}`;
}

export function createFastcgiRequest(): FastcgiRequest {
  return {
    ...createRequest(10),
    partial: true,
    params: new Map(),
    rest: NOTHING,
    stdin: 0,
    aborted: false,
  };
}

/** Reads the content of a record of parameters. `whole`: all of it has come. */
export function addParams(
  request: FastcgiRequest,
  content: Uint8Array,
  whole: boolean,
  requestIds: ReadonlySet<string>,
): void {
  const bytes = request.rest.length === 0 ? content : Buffer.concat([request.rest, content]);
  let at = 0;
  for (;;) {
    const next = addPair(request, bytes, at, requestIds);
    if (next === 0) break;
    at = next;
  }
  request.rest = NOTHING;
  const left = bytes.length - at;
  if (!whole || left > MAX_REST) request.truncated = true;
  else if (left > 0) request.rest = bytes.slice(at);
}

/** Position behind the pair at `at`; 0 where it has not come. */
function addPair(
  request: FastcgiRequest,
  bytes: Uint8Array,
  at: number,
  requestIds: ReadonlySet<string>,
): number {
  const valueAt = at + lengthSize(bytes, at);
  const from = valueAt + lengthSize(bytes, valueAt);
  if (from > bytes.length) return 0;
  const nameEnd = from + lengthAt(bytes, at);
  const end = nameEnd + lengthAt(bytes, valueAt);
  if (end > bytes.length) return 0;
  if (nameEnd - from <= MAX_NAME) setParam(request, bytes, from, nameEnd, end, requestIds);
  return end;
}

function lengthSize(bytes: Uint8Array, at: number): number {
  return at < bytes.length && bytes[at]! < 0x80 ? 1 : 4;
}

function lengthAt(bytes: Uint8Array, at: number): number {
  const first = bytes[at]!;
  return first < 0x80 ? first : u32be(bytes, at) & 0x7fffffff;
}

function setParam(
  request: FastcgiRequest,
  bytes: Uint8Array,
  from: number,
  nameEnd: number,
  end: number,
  requestIds: ReadonlySet<string>,
): void {
  const name = latin1(bytes, from, nameEnd);
  if (KEPT.has(name)) {
    if (end - nameEnd <= MAX_VALUE) request.params.set(name, text(bytes, nameEnd, end));
    else request.truncated = true;
    return;
  }
  const key = CONTEXT.get(name);
  if (key === undefined && !requestIds.has(name)) return;
  const headers = (request.contextHeaders ??= new ContextHeaders());
  const value = text(bytes, nameEnd, end);
  if (key === undefined) headers.addRequestId(value);
  else headers.add(key, value);
}

/** All parameters have come: they become what a request of HTTP has. */
export function endParams(request: FastcgiRequest): void {
  const { params } = request;
  const of = (name: string): string | undefined => params.get(name) || undefined;
  request.partial = false;
  request.method = of('REQUEST_METHOD') ?? '';
  request.target = targetOf(of);
  const secure = of('HTTPS') !== undefined && of('HTTPS') !== 'off';
  request.scheme = secure ? 'https' : of('REQUEST_SCHEME');
  request.host = hostOf(of);
  request.userAgent = of('HTTP_USER_AGENT');
  request.forwarded = of('HTTP_FORWARDED');
  request.forwardedFor = of('HTTP_X_FORWARDED_FOR');
  request.forwardedProto = of('HTTP_X_FORWARDED_PROTO');
}

/** As the client of HTTP has sent it, where that is passed on. */
function targetOf(of: (name: string) => string | undefined): string {
  const uri = of('REQUEST_URI');
  if (uri !== undefined) return uri;
  const path = of('DOCUMENT_URI') ?? `${of('SCRIPT_NAME') ?? ''}${of('PATH_INFO') ?? ''}`;
  const query = of('QUERY_STRING');
  return query === undefined || path === '' ? path : `${path}?${query}`;
}

/** `_` is nobody's name: it is what a server is called that takes all names. */
function hostOf(of: (name: string) => string | undefined): string | undefined {
  const name = of('SERVER_NAME');
  if (name === undefined || name === '_') return of('HTTP_HOST');
  const port = of('SERVER_PORT');
  const host = name.includes(':') && !name.startsWith('[') ? `[${name}]` : name;
  return port === undefined ? host : `${host}:${port}`;
}
