import { CONTEXT_HEADERS, ContextHeaders, type ContextKey } from '../context-headers.ts';
import { HpackNames, type FieldSink } from './hpack.ts';
import { StreamBody, type Flow } from './http2-flow.ts';
import { FieldTable } from './http1-fields.ts';
import type { HttpRequest, HttpResponse } from './http-message.ts';

/** Names that are used. Each one's index is its code; request ids have the one behind the last. */
const PSEUDO = [':method', ':scheme', ':authority', ':path', ':status'];
const PLAIN = ['host', 'user-agent', 'forwarded', 'x-forwarded-for', 'x-forwarded-proto', 'content-type'];
const RPC = ['grpc-status', 'grpc-timeout', 'tri-exception-code'];
const CONTEXT = Object.entries(CONTEXT_HEADERS);
const CONTEXT_KEYS: readonly ContextKey[] = CONTEXT.map(([, key]) => key);
const FIRST_CONTEXT = PSEUDO.length + PLAIN.length + RPC.length;
const REQUEST_ID = FIRST_CONTEXT + CONTEXT.length;

export function createNames(requestIds: readonly string[]): HpackNames {
  const names = [...PSEUDO, ...PLAIN, ...RPC, ...CONTEXT.map(([name]) => name)];
  return new HpackNames(new FieldTable(names, requestIds));
}

export interface Http2Request extends HttpRequest {
  /** It is gRPC; undefined where the head does not tell since it is not known in full. */
  rpc: boolean | undefined;
  /** grpc-timeout as it stands there. */
  timeout: string | undefined;
  /** Who sent it has reset the stream. */
  cancelled: boolean;
  body: StreamBody;
}

export interface Http2Response extends HttpResponse {
  rpc: boolean | undefined;
  /** Of gRPC; -1 where there is none. */
  rpcStatus: number;
  /** The method has thrown an exception, which is the answer: Dubbo's Triple says so beside the status, which is OK. */
  rpcException: boolean;
  trailers: boolean;
  /** Its head was not lost. */
  seen: boolean;
  body: StreamBody;
}

/** What a header block says. One object, filled anew for every block. */
class Head implements FieldSink {
  method = '';
  path = '';
  scheme: string | undefined = undefined;
  authority: string | undefined = undefined;
  status = 0;
  contentType: string | undefined = undefined;
  rpcStatus = -1;
  timeout: string | undefined = undefined;
  rpcException = false;
  /** It has fields that are not known. */
  partial = false;
  /** Its end was not captured. */
  truncated = false;
  #host: string | undefined = undefined;
  #userAgent: string | undefined = undefined;
  #forwarded: string | undefined = undefined;
  #forwardedFor: string | undefined = undefined;
  #forwardedProto: string | undefined = undefined;
  #contextHeaders: ContextHeaders | undefined = undefined;

  reset(): this {
    this.method = this.path = '';
    this.scheme = this.authority = this.contentType = this.timeout = undefined;
    this.#host = this.#userAgent = this.#contextHeaders = undefined;
    this.#forwarded = this.#forwardedFor = this.#forwardedProto = undefined;
    this.status = 0;
    this.rpcStatus = -1;
    this.partial = this.truncated = this.rpcException = false;
    return this;
  }

  /** It has fields that only the head of a request has. */
  get asks(): boolean {
    return (
      this.method !== '' || this.path !== '' || this.scheme !== undefined || this.authority !== undefined
    );
  }

  unknown(): void {
    this.partial = true;
  }

  field(code: number, value: string): void {
    switch (code) {
      case 0:
        this.method = value;
        break;
      case 1:
        this.scheme = value;
        break;
      case 2:
        this.authority = value;
        break;
      case 3:
        this.path = value;
        break;
      case 4:
        this.status = numberOf(value, 0);
        break;
      default:
        this.#plainField(code, value);
    }
  }

  #plainField(code: number, value: string): void {
    switch (code) {
      case 5:
        this.#host = value;
        break;
      case 6:
        this.#userAgent = value;
        break;
      case 7:
        this.#forwarded ??= value;
        break;
      case 8:
        this.#forwardedFor ??= value;
        break;
      case 9:
        this.#forwardedProto ??= value;
        break;
      case 10:
        this.contentType = value;
        break;
      case 11:
        this.rpcStatus = numberOf(value, -1);
        break;
      case 12:
        this.timeout = value;
        break;
      case 13:
        this.rpcException = value !== '0';
        break;
      default:
        this.#context(code, value);
    }
  }

  #context(code: number, value: string): void {
    const headers = (this.#contextHeaders ??= new ContextHeaders());
    if (code === REQUEST_ID) headers.addRequestId(value);
    else headers.add(CONTEXT_KEYS[code - FIRST_CONTEXT]!, value);
  }

  toRequest(flow: Flow): Http2Request {
    const rpc = this.#isRpc(this.method === '' || this.method === 'POST');
    const host = this.authority ?? this.#host;
    return {
      method: this.method,
      // CONNECT has no path: what it asks for is the authority (RFC 9113, 8.5).
      target: this.path === '' && this.method === 'CONNECT' ? (host ?? '') : this.path,
      version: 20,
      scheme: this.scheme,
      host,
      userAgent: this.#userAgent,
      contextHeaders: this.#contextHeaders,
      forwardedFor: this.#forwardedFor,
      forwardedProto: this.#forwardedProto,
      forwarded: this.#forwarded,
      bodySize: undefined,
      truncated: this.truncated,
      partial: this.partial,
      rpc,
      timeout: this.timeout,
      cancelled: false,
      body: new StreamBody(flow, rpc !== false),
    };
  }

  toResponse(flow: Flow, request: Http2Request): Http2Response {
    const rpc = this.#isRpc(request.rpc !== false);
    return {
      status: this.status,
      version: 20,
      bodySize: undefined,
      truncated: this.truncated,
      rpc,
      rpcStatus: this.rpcStatus,
      rpcException: this.rpcException,
      trailers: false,
      seen: true,
      // Without a status it may be the trailers of a response whose head and content were lost.
      body: new StreamBody(flow, rpc !== false, this.status !== 0),
    };
  }

  #isRpc(mayBe: boolean): boolean | undefined {
    if (this.contentType !== undefined) return isGrpc(this.contentType);
    return mayBe && this.partial ? undefined : false;
  }
}

export const head = new Head();

/** `application/grpc`, and with a format or parameters behind it; grpc-web is another protocol. */
function isGrpc(contentType: string): boolean {
  return /^application\/grpc(?:$|[+; ])/i.test(contentType);
}

function numberOf(digits: string, otherwise: number): number {
  return /^[0-9]{1,3}$/.test(digits) ? Number(digits) : otherwise;
}

/** A request of HTTP/1.1 that goes on as stream 1 (RFC 7540, 3.2). Its body is over. */
export function upgraded(request: HttpRequest, flow: Flow): Http2Request {
  const body = new StreamBody(flow, false);
  body.ended = true;
  return { ...request, version: 20, rpc: false, timeout: undefined, cancelled: false, body };
}

/** Stands for a response whose head was lost. */
export function unseenResponse(flow: Flow, request: Http2Request): Http2Response {
  const lost = head.reset();
  lost.partial = true;
  return { ...lost.toResponse(flow, request), seen: false };
}
