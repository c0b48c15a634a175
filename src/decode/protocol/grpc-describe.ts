import type { Attributes, Description, Exchange } from '../exchange.ts';
import { pathOf, serverOf } from './http-describe.ts';
import type { StreamBody } from './http2-flow.ts';
import type { Http2Request, Http2Response } from './http2-head.ts';

/** Status codes by number. gRPC, Status codes and their use. */
const CODES: readonly string[] = [
  ...['OK', 'CANCELLED', 'UNKNOWN', 'INVALID_ARGUMENT', 'DEADLINE_EXCEEDED', 'NOT_FOUND', 'ALREADY_EXISTS'],
  ...['PERMISSION_DENIED', 'RESOURCE_EXHAUSTED', 'FAILED_PRECONDITION', 'ABORTED', 'OUT_OF_RANGE'],
  ...['UNIMPLEMENTED', 'INTERNAL', 'UNAVAILABLE', 'DATA_LOSS', 'UNAUTHENTICATED'],
];
const OK = 0;
/** Status that clients see of a stream that was reset, by the name of HTTP/2's code. gRPC over HTTP/2, Errors. */
const RESETS: ReadonlyMap<string, string> = new Map([
  ['stream_reset', 'INTERNAL'],
  ['protocol_error', 'INTERNAL'],
  ['internal_error', 'INTERNAL'],
  ['flow_control_error', 'INTERNAL'],
  ['settings_timeout', 'INTERNAL'],
  ['frame_size_error', 'INTERNAL'],
  ['refused_stream', 'UNAVAILABLE'],
  ['cancel', 'CANCELLED'],
  ['compression_error', 'INTERNAL'],
  ['connect_error', 'INTERNAL'],
  ['enhance_your_calm', 'RESOURCE_EXHAUSTED'],
  ['inadequate_security', 'PERMISSION_DENIED'],
]);
/** The time limit in a request is rounded, and began before it was sent: a call that was cancelled so late has met it. */
const NEARLY_ALL = 0.95;
const UNIMPLEMENTED = 12;
/** Others are the client's doing: of a server's span no errors (semantic conventions for gRPC). */
const SERVER_ERRORS: ReadonlySet<string> = new Set([
  ...['UNKNOWN', 'DEADLINE_EXCEEDED', 'UNIMPLEMENTED', 'INTERNAL', 'UNAVAILABLE', 'DATA_LOSS'],
]);
const MAX_METHOD = 256;
/** Name of the attribute in semantic conventions 1.44. */
const STATUS_CODE = 'rpc.response.status_code';

/** Seconds by unit of a timeout. gRPC over HTTP/2, Requests. */
const UNITS: ReadonlyMap<string, number> = new Map([
  ['H', 3600],
  ['M', 60],
  ['S', 1],
  ['m', 1e-3],
  ['u', 1e-6],
  ['n', 1e-9],
]);

/**
 * Whether an exchange of HTTP/2 is a call of gRPC. Where its content type is not known, whole gRPC messages and nothing else in all that was
 * sent, and trailers where something was answered, are taken for that: nothing else looks so.
 */
export function isGrpcCall({ request, response }: Exchange): boolean {
  const { rpc, body } = request as Http2Request;
  const answer = response as Http2Response | undefined;
  const told = rpc ?? answer?.rpc;
  if (told !== undefined) return told;
  if (!body.isFramed) return false;
  return answer === undefined || answer.body.size === 0 || answer.trailers || answer.body.isFramed;
}

/** gRPC spans by the semantic conventions 1.44. */
export function describeGrpc(exchange: Exchange): Description {
  const request = exchange.request as Http2Request;
  const response = exchange.response as Http2Response | undefined;
  const { connection, role, incomplete, failure } = exchange;
  const attributes: Attributes = { 'rpc.system.name': 'grpc' };
  const method = methodOf(exchange, request, response, attributes);
  const server = serverOf(exchange, request);
  if (server.address !== '') attributes['server.address'] = server.address;
  if (server.port !== 0) attributes['server.port'] = server.port;
  if (connection.remoteAddress !== '') attributes['network.peer.address'] = connection.remoteAddress;
  if (connection.remotePort !== 0) attributes['network.peer.port'] = connection.remotePort;
  if (request.userAgent !== undefined) attributes['user_agent.original'] = request.userAgent;
  const timeout = secondsOf(request.timeout);
  const status = statusOf(response) ?? statusOfReset(exchange, request, response, timeout);
  if (status !== undefined) attributes[STATUS_CODE] = status;
  describeMessages(attributes, exchange, request.body, response?.body);
  if (timeout !== undefined) attributes['undertrace.rpc.timeout'] = timeout;
  if (incomplete !== undefined) attributes['undertrace.exchange.incomplete'] = incomplete;
  const ended = errorOf(status, response, role === 'client');
  const errorType = status !== undefined || failure === undefined ? ended : failure;
  if (errorType !== undefined) attributes['error.type'] = errorType;
  return {
    name: method ?? 'grpc',
    attributes,
    errorType,
    path: pathOf(request),
    // The path is the method: there is nothing in it to be learned.
    isRoute: true,
    contextHeaders: request.contextHeaders,
  };
}

/** Full name of the method. What a server does not know may be anything, and becomes `_OTHER` there. */
function methodOf(
  { role }: Exchange,
  { target }: Http2Request,
  response: Http2Response | undefined,
  attributes: Attributes,
): string | undefined {
  if (target === '') return undefined;
  const method = (target.startsWith('/') ? target.slice(1) : target).slice(0, MAX_METHOD);
  if (role === 'server' && response?.rpcStatus === UNIMPLEMENTED) {
    attributes['rpc.method'] = '_OTHER';
    attributes['rpc.method_original'] = method;
    return undefined;
  }
  attributes['rpc.method'] = method;
  return method;
}

function statusOf(response: Http2Response | undefined): string | undefined {
  if (response === undefined || response.rpcStatus < 0) return undefined;
  return CODES[response.rpcStatus] ?? String(response.rpcStatus);
}

/** The status of a call that was ended by a reset of its stream before the server had said one. A client that does so late has met its time limit. */
function statusOfReset(
  { failure, incomplete, startNs, endNs }: Exchange,
  { cancelled }: Http2Request,
  response: Http2Response | undefined,
  timeout = Infinity,
): string | undefined {
  if (failure === undefined || incomplete !== undefined || response?.body.ended === true) return undefined;
  const status = RESETS.get(failure);
  const late = cancelled && endNs - startNs >= NEARLY_ALL * timeout * 1e9;
  return status === 'CANCELLED' && late ? 'DEADLINE_EXCEEDED' : status;
}

/** What is no answer of gRPC (a proxy's 503) has a status of HTTP alone. */
function errorOf(
  status: string | undefined,
  response: Http2Response | undefined,
  client: boolean,
): string | undefined {
  if (status !== undefined) {
    // Its class is said in the answer alone.
    if (status === CODES[OK]) return response?.rpcException ? '_OTHER' : undefined;
    return client || SERVER_ERRORS.has(status) || !CODES.includes(status) ? status : undefined;
  }
  const http = response?.status ?? 0;
  return http >= (client ? 400 : 500) ? String(http) : undefined;
}

/** Messages as the span's process has sent and received them; of a direction whose end was not seen only where the call failed before. */
function describeMessages(
  attributes: Attributes,
  { role, failure, incomplete }: Exchange,
  request: StreamBody,
  response: StreamBody | undefined,
): void {
  const client = role === 'client';
  const counted = (body: StreamBody | undefined): body is StreamBody =>
    body !== undefined &&
    body.framed &&
    body.intact &&
    (body.ended || (failure !== undefined && incomplete === undefined));
  const sent = client ? request : response;
  const received = client ? response : request;
  if (counted(sent)) attributes['undertrace.rpc.messages.sent'] = sent.messages;
  if (counted(received)) attributes['undertrace.rpc.messages.received'] = received.messages;
  if (request.compressed || response?.compressed) attributes['undertrace.rpc.compressed'] = true;
}

/** Digits, 8 at most, and a unit. */
function secondsOf(timeout: string | undefined): number | undefined {
  const parts = timeout === undefined ? null : /^([0-9]{1,8})([HMSmun])$/.exec(timeout);
  if (!parts) return undefined;
  return Number((Number(parts[1]) * UNITS.get(parts[2]!)!).toPrecision(8));
}
