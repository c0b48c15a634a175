import type { Attributes } from '../decode/exchange.ts';
import type { ServiceResource } from '../enrich/resource.ts';

/** [seconds, nanoseconds] of Unix time, as OpenTelemetry's JavaScript API has it. */
export type HrTime = [number, number];

/** Values of OpenTelemetry's SpanKind. */
export const SpanKind = { INTERNAL: 0, SERVER: 1, CLIENT: 2, PRODUCER: 3, CONSUMER: 4 } as const;
/** Values of OpenTelemetry's SpanStatusCode; success stays UNSET. */
export const StatusCode = { UNSET: 0, OK: 1, ERROR: 2 } as const;

/** Another span that this one may have to do with. */
export interface SpanLink {
  readonly traceId: string;
  readonly spanId: string;
  readonly attributes: Attributes;
}

/** A finished span, ready for any exporter. */
export interface Span {
  /** 32 and 16 lower-case hex digits. */
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | undefined;
  /** The parent was not seen on this host but named in a header. */
  readonly parentIsRemote: boolean;
  readonly traceState: string | undefined;
  readonly traceFlags: number;
  readonly name: string;
  readonly kind: (typeof SpanKind)[keyof typeof SpanKind];
  readonly startTime: HrTime;
  readonly endTime: HrTime;
  readonly durationNs: number;
  readonly status: (typeof StatusCode)[keyof typeof StatusCode];
  readonly attributes: Attributes;
  /** Undefined where there are none. */
  readonly links: readonly SpanLink[] | undefined;
  /** One object a service instance: exporters group by identity. */
  readonly resource: ServiceResource;
}
