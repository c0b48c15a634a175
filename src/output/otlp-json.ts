/**
 * Spans to the bytes of an OTLP `ExportTraceServiceRequest` in JSON, by OpenTelemetry's own serializer.
 *
 * The serializer takes the SDK's ReadableSpan and groups by the identity of the resource object, so each ServiceResource gets one. The
 * views made here live for one call.
 */
import { JsonTraceSerializer } from '@opentelemetry/otlp-transformer';
import type { SpanContext, TraceState } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-node';
import type { ServiceResource } from '../enrich/resource.ts';
import type { Span } from '../link/span.ts';
import { SCHEMA_URL, SCOPE_NAME, SCOPE_VERSION } from './otlp-scope.ts';

const SCOPE = { name: SCOPE_NAME, version: SCOPE_VERSION, schemaUrl: SCHEMA_URL };

/** The request for `spans` as UTF-8 on one line. */
export function encodeOtlpJson(spans: readonly Span[]): Buffer {
  const bytes = JsonTraceSerializer.serializeRequest(spans.map(toReadableSpan)) ?? new Uint8Array();
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** The SDK's view of a span. Resources are kept by identity, see above. */
export function toReadableSpan(span: Span): ReadableSpan {
  const context: SpanContext = {
    traceId: span.traceId,
    spanId: span.spanId,
    traceFlags: span.traceFlags,
    traceState: span.traceState ? new OpaqueTraceState(span.traceState) : undefined,
  };
  return {
    name: span.name,
    kind: span.kind,
    spanContext: () => context,
    parentSpanContext:
      span.parentSpanId === undefined
        ? undefined
        : {
            traceId: span.traceId,
            spanId: span.parentSpanId,
            traceFlags: span.traceFlags,
            isRemote: span.parentIsRemote,
          },
    startTime: span.startTime,
    endTime: span.endTime,
    duration: [Math.floor(span.durationNs / 1e9), span.durationNs % 1e9],
    ended: true,
    status: { code: span.status },
    attributes: span.attributes,
    links: (span.links ?? []).map(({ traceId, spanId, attributes }) => ({
      context: { traceId, spanId, traceFlags: 0 },
      attributes,
    })),
    events: [],
    resource: resourceOf(span.resource),
    instrumentationScope: SCOPE,
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  };
}

const resources = new WeakMap<ServiceResource, ReadableSpan['resource']>();

function resourceOf(resource: ServiceResource): ReadableSpan['resource'] {
  const known = resources.get(resource);
  if (known) return known;
  const made: ReadableSpan['resource'] = {
    attributes: resource.attributes,
    schemaUrl: SCHEMA_URL,
    merge: () => made,
    getRawAttributes: () => Object.entries(resource.attributes),
  };
  resources.set(resource, made);
  return made;
}

/** A trace state as it stood in the header: passed on, not interpreted, so that nothing a peer wrote is dropped or reordered. */
class OpaqueTraceState implements TraceState {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  get(key: string): string | undefined {
    const member = this.#text.split(',').find((entry) => entry.trim().startsWith(`${key}=`));
    return member?.trim().slice(key.length + 1);
  }

  set(key: string, value: string): TraceState {
    const rest = this.unset(key).serialize();
    return new OpaqueTraceState(rest === '' ? `${key}=${value}` : `${key}=${value},${rest}`);
  }

  unset(key: string): TraceState {
    const members = this.#text.split(',').filter((entry) => !entry.trim().startsWith(`${key}=`));
    return new OpaqueTraceState(members.join(','));
  }

  serialize(): string {
    return this.#text;
  }
}
