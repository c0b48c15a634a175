/** OTLP's trace messages for protobufjs: an independent reader of what the exporters write. From opentelemetry-proto 1.x, fields of traces only. */
import protobuf from 'protobufjs';

const { root } = protobuf.parse(
  `
  syntax = "proto3";
  message ExportTraceServiceRequest { repeated ResourceSpans resource_spans = 1; }
  message ExportTraceServiceResponse { ExportTracePartialSuccess partial_success = 1; }
  message ExportTracePartialSuccess { int64 rejected_spans = 1; string error_message = 2; }
  message ResourceSpans { Resource resource = 1; repeated ScopeSpans scope_spans = 2; string schema_url = 3; }
  message Resource { repeated KeyValue attributes = 1; uint32 dropped_attributes_count = 2; }
  message ScopeSpans { InstrumentationScope scope = 1; repeated Span spans = 2; string schema_url = 3; }
  message InstrumentationScope { string name = 1; string version = 2; repeated KeyValue attributes = 3; }
  message Span {
    bytes trace_id = 1; bytes span_id = 2; string trace_state = 3; bytes parent_span_id = 4; string name = 5; int32 kind = 6;
    fixed64 start_time_unix_nano = 7; fixed64 end_time_unix_nano = 8; repeated KeyValue attributes = 9;
    uint32 dropped_attributes_count = 10; uint32 dropped_events_count = 12; uint32 dropped_links_count = 14;
    repeated Link links = 13; Status status = 15; fixed32 flags = 16;
    message Link { bytes trace_id = 1; bytes span_id = 2; string trace_state = 3; repeated KeyValue attributes = 4; fixed32 flags = 6; }
  }
  message Status { string message = 2; int32 code = 3; }
  message KeyValue { string key = 1; AnyValue value = 2; }
  message AnyValue {
    oneof value { string string_value = 1; bool bool_value = 2; int64 int_value = 3; double double_value = 4; ArrayValue array_value = 5; }
  }
  message ArrayValue { repeated AnyValue values = 1; }
  message RpcStatus { int32 code = 1; string message = 2; repeated Any details = 3; }
  message Any { string type_url = 1; bytes value = 2; }
  message RetryInfo { Duration retry_delay = 1; }
  message Duration { int64 seconds = 1; int32 nanos = 2; }
`,
  { keepCase: false },
);

export const ExportTraceServiceRequest = root.lookupType('ExportTraceServiceRequest');
export const ExportTraceServiceResponse = root.lookupType('ExportTraceServiceResponse');
export const RpcStatus = root.lookupType('RpcStatus');
export const RetryInfo = root.lookupType('RetryInfo');

/** A link to another span, as it arrived. */
export interface ReceivedLink {
  traceId: string;
  spanId: string;
  attributes: Record<string, unknown>;
}

/** A span as it arrived, ids as hex, times and integers as decimal text, attributes as a plain object. */
export interface ReceivedSpan {
  traceId: string;
  spanId: string;
  parentSpanId: string;
  traceState: string;
  name: string;
  kind: number;
  start: string;
  end: string;
  status: number;
  flags: number;
  attributes: Record<string, unknown>;
  links: ReceivedLink[];
  resource: Record<string, unknown>;
  resourceSchemaUrl: string;
  scope: string;
  scopeSchemaUrl: string;
}

interface AnyValueJson {
  stringValue?: string;
  boolValue?: boolean;
  intValue?: string | number;
  doubleValue?: number | string;
  arrayValue?: { values?: AnyValueJson[] };
}
interface KeyValueJson {
  key: string;
  value?: AnyValueJson;
}
interface SpanJson {
  traceId?: string;
  spanId?: string;
  parentSpanId?: string;
  traceState?: string;
  name?: string;
  kind?: number;
  startTimeUnixNano?: string;
  endTimeUnixNano?: string;
  attributes?: KeyValueJson[];
  links?: Array<{ traceId?: string; spanId?: string; attributes?: KeyValueJson[] }>;
  status?: { code?: number };
  flags?: number;
}
interface RequestJson {
  resourceSpans?: Array<{
    resource?: { attributes?: KeyValueJson[] };
    schemaUrl?: string;
    scopeSpans?: Array<{
      scope?: { name?: string; version?: string };
      schemaUrl?: string;
      spans?: SpanJson[];
    }>;
  }>;
}

/** The spans of a protobuf request. Throws where the bytes are no such message. */
export function decodeProto(bytes: Uint8Array): ReceivedSpan[] {
  const message = ExportTraceServiceRequest.decode(bytes);
  const plain = ExportTraceServiceRequest.toObject(message, { longs: String, bytes: Array }) as RequestJson;
  return flatten(plain, (id) => Buffer.from((id ?? []) as unknown as number[]).toString('hex'));
}

/** The spans of an OTLP/JSON request. */
export function decodeJson(text: string): ReceivedSpan[] {
  return decodeParsed(JSON.parse(text));
}

/** The spans of an OTLP/JSON request that stood within another message. */
export function decodeParsed(request: unknown): ReceivedSpan[] {
  return flatten(request as RequestJson, (id) => id ?? '');
}

function flatten(request: RequestJson, hex: (id: string | undefined) => string): ReceivedSpan[] {
  const spans: ReceivedSpan[] = [];
  for (const resourceSpans of request.resourceSpans ?? []) {
    const resource = attributesOf(resourceSpans.resource?.attributes);
    for (const scopeSpans of resourceSpans.scopeSpans ?? []) {
      const around = {
        resource,
        resourceSchemaUrl: resourceSpans.schemaUrl ?? '',
        scope: `${scopeSpans.scope?.name ?? ''}@${scopeSpans.scope?.version ?? ''}`,
        scopeSchemaUrl: scopeSpans.schemaUrl ?? '',
      };
      for (const span of scopeSpans.spans ?? []) spans.push({ ...spanOf(span, hex), ...around });
    }
  }
  return spans;
}

type Around = 'resource' | 'resourceSchemaUrl' | 'scope' | 'scopeSchemaUrl';

function spanOf(span: SpanJson, hex: (id: string | undefined) => string): Omit<ReceivedSpan, Around> {
  const given = {
    traceState: '',
    name: '',
    kind: 0,
    startTimeUnixNano: '',
    endTimeUnixNano: '',
    flags: 0,
    ...span,
  };
  return {
    traceId: hex(span.traceId),
    spanId: hex(span.spanId),
    parentSpanId: hex(span.parentSpanId),
    traceState: given.traceState,
    name: given.name,
    kind: given.kind,
    start: given.startTimeUnixNano,
    end: given.endTimeUnixNano,
    status: span.status?.code ?? 0,
    flags: given.flags,
    attributes: attributesOf(span.attributes),
    links: (span.links ?? []).map((link) => ({
      traceId: hex(link.traceId),
      spanId: hex(link.spanId),
      attributes: attributesOf(link.attributes),
    })),
  };
}

function attributesOf(pairs: KeyValueJson[] = []): Record<string, unknown> {
  return Object.fromEntries(pairs.map(({ key, value }) => [key, valueOf(value)]));
}

/** Integers as `int:…` text, so that an integer and a double of the same value differ. */
function valueOf(value: AnyValueJson = {}): unknown {
  if (value.stringValue !== undefined) return value.stringValue;
  if (value.boolValue !== undefined) return value.boolValue;
  if (value.intValue !== undefined) return `int:${value.intValue}`;
  if (value.doubleValue !== undefined) return Number(value.doubleValue);
  if (value.arrayValue !== undefined) return (value.arrayValue.values ?? []).map(valueOf);
  return undefined;
}
