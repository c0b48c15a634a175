import type { Description, Exchange } from '../exchange.ts';
import type { FastcgiRequest } from './fastcgi-params.ts';
import type { FastcgiResponse } from './fastcgi-response.ts';
import { createDescriber } from './http-describe.ts';

/** Statuses of the protocol (FastCGI Specification, 5.5). */
const PROTOCOL_STATUS: readonly string[] = [
  ...['REQUEST_COMPLETE', 'CANT_MPX_CONN', 'OVERLOADED', 'UNKNOWN_ROLE'],
];

/** Spans are those of the HTTP request that is passed on. */
export function createFastcgiDescriber(redactedKeys: readonly string[]): (exchange: Exchange) => Description {
  const describeHttp = createDescriber(redactedKeys);
  return (exchange) => {
    const description = describeHttp(exchange);
    const request = exchange.request as FastcgiRequest;
    const response = exchange.response as FastcgiResponse | undefined;
    const { attributes } = description;
    attributes['network.protocol.name'] = 'fastcgi';
    attributes['network.protocol.version'] = '1';
    if (exchange.role === 'server') describeClient(description, request);
    if (response) describeEnd(description, response);
    return description;
  };
}

/** The client of HTTP, as the server in front has named it; proxies before that come first. */
function describeClient({ attributes }: Description, request: FastcgiRequest): void {
  const address = request.params.get('REMOTE_ADDR');
  if (address === undefined || request.forwarded !== undefined || request.forwardedFor !== undefined) return;
  attributes['client.address'] = address;
  const port = Number(request.params.get('REMOTE_PORT'));
  if (port > 0 && port < 65_536) attributes['client.port'] = port;
  else delete attributes['client.port'];
}

function describeEnd(description: Description, response: FastcgiResponse): void {
  const { attributes } = description;
  if (response.appStatus !== 0) attributes['undertrace.fastcgi.app_status'] = response.appStatus;
  if (response.stderr > 0) attributes['undertrace.fastcgi.stderr.size'] = response.stderr;
  if (response.protocolStatus === 0 || description.errorType !== undefined) return;
  const { protocolStatus } = response;
  description.errorType = PROTOCOL_STATUS[protocolStatus] ?? String(protocolStatus);
  attributes['error.type'] = description.errorType;
}
