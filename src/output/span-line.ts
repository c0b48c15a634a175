import { type HrTime, type Span, SpanKind, StatusCode } from '../link/span.ts';

const KINDS = namesOf(SpanKind);
const STATUSES = namesOf(StatusCode);

/**
 * A span as a line of JSON, for people and their tools (`jq`): `service`, `name`, `kind`, `traceId`, `spanId`, `parentSpanId` where there is one,
 * `start` (ISO 8601 with nanoseconds), `durationNs`, `status`, `attributes`, `resource`, and `links` where there are any.
 */
export function spanLine(span: Span): string {
  const { traceId, spanId, parentSpanId, name, durationNs, attributes, links, resource } = span;
  const told = {
    service: resource.serviceName,
    ...{ name, kind: KINDS[span.kind], traceId, spanId, parentSpanId },
    ...{ start: isoTime(span.startTime), durationNs, status: STATUSES[span.status] },
    ...{ attributes, links, resource: resource.attributes },
  };
  return `${JSON.stringify(told)}\n`;
}

function isoTime([seconds, nanoseconds]: HrTime): string {
  const whole = new Date(seconds * 1000).toISOString().slice(0, -'.000Z'.length);
  return `${whole}.${String(nanoseconds).padStart(9, '0')}Z`;
}

function namesOf(values: Readonly<Record<string, number>>): Record<number, string> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [value, name]));
}
