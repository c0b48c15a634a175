import { clientOf } from '../connection-attributes.ts';
import type { Attributes, Description, Exchange } from '../exchange.ts';
import { isKnownMethod, type HttpRequest, type HttpResponse } from './http-message.ts';
import { redactQuery, withoutUserinfo } from './redact.ts';

/** What a request target says, whatever its form (RFC 9112, 3.2). */
interface Target {
  scheme: string | undefined;
  /** Without userinfo. */
  authority: string | undefined;
  /** Undefined for authority form. */
  path: string | undefined;
  query: string | undefined;
}

/** Filled anew for every exchange: described one after another, and nothing of it is kept. */
const parsed: Target = { scheme: undefined, authority: undefined, path: undefined, query: undefined };
/** The same; '' and 0 where it is not known. */
const server = { address: '', port: 0 };
const DEFAULT_PORTS: Readonly<Record<string, number | undefined>> = { http: 80, https: 443 };

/**
 * HTTP spans by the semantic conventions 1.44. The decoder of every HTTP version ends here. What was not seen is absent: a head with fields that
 * are not known (`partial`) says nothing of the server, the client or the scheme but what it names.
 */
export function createDescriber(redactedKeys: readonly string[]): (exchange: Exchange) => Description {
  const keys = new Set(redactedKeys.map((key) => key.toLowerCase()));
  return (exchange) => describe(exchange, keys);
}

function describe(exchange: Exchange, keys: ReadonlySet<string>): Description {
  const request = exchange.request as HttpRequest;
  const response = exchange.response as HttpResponse | undefined;
  const client = exchange.role === 'client';
  const target = parseTarget(request, keys);
  const known = isKnownMethod(request.method);
  const method = known || request.method === '' ? request.method : '_OTHER';
  const scheme = target.scheme ?? schemeOf(request, client);
  const truncated = request.truncated || response?.truncated === true;
  findServer(exchange, request, target.authority, scheme);
  const attributes =
    usualAttributes(exchange, request, response, target, method, scheme) ??
    otherAttributes(exchange, request, response, target, method, scheme);
  if (method === '_OTHER') attributes['http.request.method_original'] = request.method;
  if (request.userAgent !== undefined) attributes['user_agent.original'] = request.userAgent;
  if (!client) describeServing(attributes, exchange, request, target);
  if (truncated) attributes['undertrace.http.head_truncated'] = true;
  if (exchange.incomplete !== undefined) attributes['undertrace.exchange.incomplete'] = exchange.incomplete;
  const errorType = exchange.failure ?? statusError(response, client);
  if (errorType !== undefined) attributes['error.type'] = errorType;
  return {
    name: known ? request.method : 'HTTP',
    attributes,
    errorType,
    path: target.path,
    contextHeaders: request.contextHeaders,
  };
}

/**
 * What a complete exchange over TCP has, made at once: an object keeps in itself the properties it is made with, while those that are added
 * need a list beside it that is copied as it grows. Undefined for others.
 */
function usualAttributes(
  exchange: Exchange,
  request: HttpRequest,
  response: HttpResponse | undefined,
  target: Target,
  method: string,
  scheme: string,
): Attributes | undefined {
  const { transport, remoteAddress, remotePort, localAddress, localPort } = exchange.connection;
  const requestSize = request.bodySize;
  const responseSize = response?.bodySize;
  if (remoteAddress === '' || remotePort === 0 || localAddress === '' || localPort === 0) return undefined;
  if (server.address === '' || server.port === 0 || target.path === undefined) return undefined;
  if (response === undefined || requestSize === undefined || responseSize === undefined) return undefined;
  if (method === '' || scheme === '' || response.status === 0) return undefined;
  if (exchange.role === 'client') {
    return {
      'http.request.method': method,
      'url.full': fullUrl(exchange, target, scheme),
      'url.scheme': scheme,
      'server.address': server.address,
      'server.port': server.port,
      'network.transport': transport,
      'network.protocol.version': versionOf(request),
      'network.peer.address': remoteAddress,
      'network.peer.port': remotePort,
      'network.local.address': localAddress,
      'network.local.port': localPort,
      'http.response.status_code': response.status,
      'http.request.body.size': requestSize,
      'http.response.body.size': responseSize,
    };
  }
  return {
    'http.request.method': method,
    'url.path': target.path,
    'url.scheme': scheme,
    'server.address': server.address,
    'server.port': server.port,
    'network.transport': transport,
    'network.protocol.version': versionOf(request),
    'network.peer.address': remoteAddress,
    'network.peer.port': remotePort,
    'network.local.address': localAddress,
    'network.local.port': localPort,
    'http.response.status_code': response.status,
    'http.request.body.size': requestSize,
    'http.response.body.size': responseSize,
  };
}

/** The same, whatever is missing. */
function otherAttributes(
  exchange: Exchange,
  request: HttpRequest,
  response: HttpResponse | undefined,
  target: Target,
  method: string,
  scheme: string,
): Attributes {
  const { transport, remoteAddress, remotePort, localAddress, localPort } = exchange.connection;
  const attributes: Attributes = {
    'network.transport': transport,
    'network.protocol.version': versionOf(request),
  };
  if (method !== '') attributes['http.request.method'] = method;
  if (scheme !== '') attributes['url.scheme'] = scheme;
  if (exchange.role === 'client') describeUrl(attributes, exchange, request, target, scheme);
  else if (target.path !== undefined) attributes['url.path'] = target.path;
  if (server.address !== '') attributes['server.address'] = server.address;
  if (server.port !== 0) attributes['server.port'] = server.port;
  if (remoteAddress !== '') attributes['network.peer.address'] = remoteAddress;
  if (remotePort !== 0) attributes['network.peer.port'] = remotePort;
  if (localAddress !== '') attributes['network.local.address'] = localAddress;
  if (localPort !== 0) attributes['network.local.port'] = localPort;
  if (response && response.status !== 0) attributes['http.response.status_code'] = response.status;
  if (request.bodySize !== undefined) attributes['http.request.body.size'] = request.bodySize;
  if (response?.bodySize !== undefined) attributes['http.response.body.size'] = response.bodySize;
  return attributes;
}

function versionOf({ version }: HttpRequest): string {
  return version === 11 ? '1.1' : version === 20 ? '2' : '1.0';
}

function describeUrl(
  attributes: Attributes,
  exchange: Exchange,
  request: HttpRequest,
  target: Target,
  scheme: string,
): void {
  const known =
    request.target !== '' && scheme !== '' && (target.authority !== undefined || !request.partial);
  if (known) attributes['url.full'] = fullUrl(exchange, target, scheme);
}

/** 4xx are the client's errors only; 5xx are both ends'. */
function statusError(response: HttpResponse | undefined, client: boolean): string | undefined {
  return response && response.status >= (client ? 400 : 500) ? String(response.status) : undefined;
}

/** Fills `parsed`. */
function parseTarget(request: HttpRequest, keys: ReadonlySet<string>): Target {
  const { target, host } = request;
  const authority = host === undefined || host === '' ? undefined : withoutUserinfo(host);
  if (target === '') return setTarget(undefined, authority, undefined, undefined);
  const first = target.charCodeAt(0);
  if (first === 47 /* / */) return withPath(undefined, authority, target, keys);
  if (target === '*') return setTarget(undefined, authority, '*', undefined);
  const colon = target.indexOf('://');
  if (colon > 0 && request.method !== 'CONNECT') {
    let end = target.length;
    for (const mark of ['/', '?', '#']) {
      const i = target.indexOf(mark, colon + 3);
      if (i >= 0 && i < end) end = i;
    }
    const named = withoutUserinfo(target.slice(colon + 3, end));
    const scheme = target.slice(0, colon).toLowerCase();
    return withPath(scheme, named || authority, target.slice(end) || '/', keys);
  }
  return setTarget(undefined, withoutUserinfo(target), undefined, undefined);
}

function withPath(
  scheme: string | undefined,
  authority: string | undefined,
  rest: string,
  keys: ReadonlySet<string>,
): Target {
  const fragment = rest.indexOf('#');
  const plain = fragment < 0 ? rest : rest.slice(0, fragment);
  const mark = plain.indexOf('?');
  if (mark < 0) return setTarget(scheme, authority, plain, undefined);
  const path = plain.slice(0, mark) || '/';
  return setTarget(scheme, authority, path, redactQuery(plain.slice(mark + 1), keys));
}

function setTarget(
  scheme: string | undefined,
  authority: string | undefined,
  path: string | undefined,
  query: string | undefined,
): Target {
  parsed.scheme = scheme;
  parsed.authority = authority;
  parsed.path = path;
  parsed.query = query;
  return parsed;
}

function fullUrl(exchange: Exchange, target: Target, scheme: string): string {
  const authority = target.authority ?? peerAuthority(exchange);
  if (target.path === undefined) return authority;
  const path = target.path === '*' ? '' : target.path;
  return `${scheme}://${authority}${path}${target.query === undefined ? '' : `?${target.query}`}`;
}

/** HTTP/1.0 needs no Host: then the server is known by its address alone. */
function peerAuthority(exchange: Exchange): string {
  const { remoteAddress, remotePort, transport } = exchange.connection;
  if (transport === 'unix') return 'localhost';
  const host = remoteAddress.includes(':') ? `[${remoteAddress}]` : remoteAddress;
  return remotePort === 80 ? host : `${host}:${remotePort}`;
}

/** Which server was asked, by name where one was named; '' and 0 where that is not known. Good until the next exchange is described. */
export function serverOf(exchange: Exchange, request: HttpRequest): Readonly<typeof server> {
  const { host } = request;
  const authority = host === undefined || host === '' ? undefined : withoutUserinfo(host);
  findServer(exchange, request, authority, schemeOf(request, exchange.role === 'client'));
  return server;
}

/** Path that was asked for, without the query; undefined where it is not known. */
export function pathOf({ target }: HttpRequest): string | undefined {
  if (target === '') return undefined;
  const mark = target.indexOf('?');
  return mark < 0 ? target : target.slice(0, mark);
}

/** Fills `server` from the authority that was asked for, else from the connection. */
function findServer(
  exchange: Exchange,
  request: HttpRequest,
  authority: string | undefined,
  scheme: string,
): void {
  if (authority === undefined) {
    const { connection } = exchange;
    const client = exchange.role === 'client';
    const address = client ? connection.remoteAddress : connection.localAddress;
    const port = client ? connection.remotePort : connection.localPort;
    server.address = request.partial ? '' : address;
    server.port = request.partial ? 0 : port;
    return;
  }
  const colon = authority.lastIndexOf(':');
  const bracket = authority.lastIndexOf(']');
  const hasPort = colon > bracket && colon < authority.length - 1;
  const host = colon > bracket ? authority.slice(0, colon) : authority;
  server.address = host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host;
  const port = hasPort ? Number(authority.slice(colon + 1)) : (DEFAULT_PORTS[scheme] ?? 0);
  server.port = Number.isInteger(port) && port > 0 && port < 65_536 ? port : 0;
}

/** What servers alone say. The address is that of who really asked: what proxies wrote down, else the peer. */
function describeServing(
  attributes: Attributes,
  exchange: Exchange,
  request: HttpRequest,
  target: Target,
): void {
  if (target.query !== undefined) attributes['url.query'] = target.query;
  const forwarded = forwardedFor(request);
  if (forwarded !== undefined) {
    attributes['client.address'] = forwarded;
    return;
  }
  const { connection } = exchange;
  if (request.partial && connection.origin === undefined) return;
  const { address, port } = clientOf(connection);
  if (address !== '') attributes['client.address'] = address;
  if (port !== 0) attributes['client.port'] = port;
}

/** First `for` of Forwarded (RFC 7239), else first of X-Forwarded-For; without port and brackets. */
function forwardedFor(request: HttpRequest): string | undefined {
  const first = parameter(request.forwarded, 'for') ?? request.forwardedFor?.split(',', 1)[0]?.trim();
  if (first === undefined || first === '') return undefined;
  if (first.startsWith('[')) return first.slice(1, first.includes(']') ? first.indexOf(']') : undefined);
  const colon = first.indexOf(':');
  return colon > 0 && colon === first.lastIndexOf(':') ? first.slice(0, colon) : first;
}

/** Scheme of the request; of one that is served what the client has used, which proxies wrote down. '' where it is not known. */
function schemeOf(request: HttpRequest, client: boolean): string {
  const named = (client ? undefined : forwardedScheme(request)) ?? request.scheme;
  if (named !== undefined) return named.toLowerCase() === 'https' ? 'https' : 'http';
  return request.partial ? '' : 'http';
}

function forwardedScheme(request: HttpRequest): string | undefined {
  return parameter(request.forwarded, 'proto') ?? request.forwardedProto?.split(',', 1)[0]?.trim();
}

function parameter(forwarded: string | undefined, name: string): string | undefined {
  if (forwarded === undefined) return undefined;
  for (const pair of forwarded.split(',', 1)[0]!.split(';')) {
    const equals = pair.indexOf('=');
    if (equals < 0 || pair.slice(0, equals).trim().toLowerCase() !== name) continue;
    const text = pair.slice(equals + 1).trim();
    return text.startsWith('"') ? text.slice(1, text.endsWith('"') ? -1 : undefined) : text;
  }
  return undefined;
}
