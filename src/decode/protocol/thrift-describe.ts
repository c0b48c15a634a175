import { connectionAttributes } from '../connection-attributes.ts';
import type { Description, Exchange } from '../exchange.ts';
import type { ThriftRequest } from './thrift-calls.ts';
import type { ThriftResponse } from './thrift-result.ts';

/** Types of TApplicationException (thrift/lib/cpp/src/thrift/TApplicationException.h). */
const APPLICATION: readonly string[] = [
  ...['UNKNOWN', 'UNKNOWN_METHOD', 'INVALID_MESSAGE_TYPE', 'WRONG_METHOD_NAME', 'BAD_SEQUENCE_ID'],
  ...['MISSING_RESULT', 'INTERNAL_ERROR', 'PROTOCOL_ERROR', 'INVALID_TRANSFORM', 'INVALID_PROTOCOL'],
  'UNSUPPORTED_CLIENT_TYPE',
];
const UNKNOWN_METHOD = 1;

export function describeThrift(exchange: Exchange): Description {
  const { method } = exchange.request as ThriftRequest;
  const response = exchange.response as ThriftResponse | undefined;
  const attributes = connectionAttributes(exchange);
  attributes['rpc.system.name'] = 'thrift';
  // A service's name stands in front of a colon (TMultiplexedProtocol).
  let name: string | undefined = method.replace(':', '/');
  if (exchange.role === 'server' && response?.application === UNKNOWN_METHOD) {
    attributes['rpc.method'] = '_OTHER';
    attributes['rpc.method_original'] = name;
    name = undefined;
  } else {
    attributes['rpc.method'] = name;
  }
  const status = statusOf(response);
  if (status !== undefined) attributes['rpc.response.status_code'] = status;
  if (response && response.declared > 0) attributes['undertrace.thrift.exception.id'] = response.declared;
  const errorType = exchange.failure ?? errorOf(response, status);
  if (errorType !== undefined) attributes['error.type'] = errorType;
  return { name: name ?? 'thrift', attributes, errorType };
}

/** Name of the type of what the server itself has thrown. */
function statusOf(response: ThriftResponse | undefined): string | undefined {
  const type = response?.application;
  if (type === undefined || type < 0) return undefined;
  return APPLICATION[type] ?? String(type);
}

/** A declared exception has a number and no name. */
function errorOf(response: ThriftResponse | undefined, status: string | undefined): string | undefined {
  if (status !== undefined) return status;
  return response && (response.application !== undefined || response.declared > 0) ? '_OTHER' : undefined;
}
