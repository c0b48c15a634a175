import type { Attributes, Exchange } from '../decode/exchange.ts';
import type { RouteMatch } from '../enrich/route.ts';
import { type ClockPair, addNs, toHrTime } from './clock.ts';
import { hopId } from './ids.ts';
import type { Pending, Placement } from './pending.ts';
import { type Span, SpanKind, StatusCode } from './span.ts';

const SAMPLED = 1;
const KINDS = {
  client: SpanKind.CLIENT,
  server: SpanKind.SERVER,
  producer: SpanKind.PRODUCER,
  consumer: SpanKind.CONSUMER,
} as const;

/**
 * Makes the span of a placed exchange. The description's attributes become the span's: `describe` makes a new object each time and gives it
 * away. A server's name is `{method} {http.route}`; a client's is the method alone, unless the configuration names a template for the path,
 * since a route learned at one end says nothing about the conventions of the other.
 *
 * Keys are written out where they are set: V8 makes a slow dictionary of an object of this size at the first store under a computed key.
 */
export function buildSpan(pending: Pending, placement: Placement): Span {
  const { exchange, route, hop } = pending;
  const { context, parent, candidate } = placement;
  const description = pending.description!;
  const server = exchange.role === 'server';
  const attributes: Attributes = description.attributes;
  if (route !== undefined) {
    if (server) attributes['http.route'] = route.route;
    else attributes['url.template'] = route.route;
    attributes['undertrace.http.route.source'] = route.source;
  }
  if (description.errorType !== undefined) attributes['error.type'] = description.errorType;
  if (hop !== undefined) attributes['undertrace.hop.id'] = hop.id ??= hopId(hop.key);
  const found = parent ?? candidate;
  if (found !== undefined) {
    attributes['undertrace.link.method'] = placement.method!;
    if (found.heldBack === true) attributes['undertrace.link.held_back'] = found.confidence;
    else attributes['undertrace.link.confidence'] = found.confidence;
  }
  const durationNs = durationOf(exchange);
  const startTime = toHrTime(pending.clock!, exchange.startNs);
  return {
    traceId: context.traceId,
    spanId: context.spanId,
    parentSpanId: parent?.context.spanId,
    parentIsRemote: parent?.remote ?? false,
    traceState: context.traceState,
    traceFlags: context.incomingFlags < 0 ? SAMPLED : context.incomingFlags | SAMPLED,
    name: nameOf(pending),
    kind: KINDS[description.kind ?? exchange.role],
    startTime,
    endTime: addNs(startTime, durationNs),
    durationNs,
    status: description.errorType === undefined ? StatusCode.UNSET : StatusCode.ERROR,
    attributes,
    links: candidate && [
      { traceId: candidate.context.traceId, spanId: candidate.context.spanId, attributes: {} },
    ],
    resource: pending.resource!,
  };
}

/** Nanoseconds from the first byte of the request to the last of the response. */
export function durationOf({ startNs, endNs }: Exchange): number {
  return endNs > startNs ? endNs - startNs : 0;
}

/** Name of the span of an exchange that has been judged. */
export function nameOf({ description, route }: Pending): string {
  return route === undefined ? description!.name : spanName(route, description!.name);
}

/** `GET /users/{id}`; made once a route and method, so that equal names are one string. */
function spanName(route: RouteMatch, method: string): string {
  let name = route.spanNames.get(method);
  if (name === undefined) {
    name = `${method} ${route.route}`;
    route.spanNames.set(method, name);
  }
  return name;
}

/** Before any `clock` record: monotonic time as if the machine had booted at the Unix epoch, which is wrong in an obvious way. */
export const NO_CLOCK: ClockPair = { monotonicNs: 0, realtimeS: 0, realtimeNs: 0, boottimeNs: 0 };
