/**
 * Metrics to the bytes of OTLP `ExportMetricsServiceRequest`s, in JSON or protobuf (opentelemetry-proto 1.x): objects in the shape of OTLP/JSON, and the
 * tables by which protobuf is made of them. OpenTelemetry's own serializers (0.223) write no exemplars.
 *
 * The metrics of a service are those of its resource, those of none in particular the agent's own.
 */
import { Histogram } from '../base/histogram.ts';
import type { Instrument, Metric, Point } from '../base/metric.ts';
import { ExemplarHistogram } from '../metrics/exemplars.ts';
import { OVERFLOW } from '../metrics/series.ts';
import { SCHEMA_URL, SCOPE_NAME, SCOPE_VERSION } from './otlp-scope.ts';
import { encodeMessage, type Field } from './protobuf-message.ts';

export interface MetricsRequest {
  bytes: Buffer;
  points: number;
}

type Attributes = Readonly<Record<string, string>>;

/** Of one request, so that making it keeps the agent from its other work for some two milliseconds, and a message of gRPC stays far below its 4 MiB. */
const MOST_POINTS = 250;
/** Attributes that are a service's own, not the point's. */
const OF_SERVICE = new Set(['service.name', 'service.namespace']);
const SCOPE = { name: SCOPE_NAME, version: SCOPE_VERSION };
const CUMULATIVE = 2;

/**
 * All points, so many in each request. It may be left alone between two requests: points are read when it is their turn. `own`: the agent's resource.
 * `startedMs`: since when what does not say counts.
 */
export function* otlpMetricsRequests(
  metrics: readonly Metric[],
  own: Attributes,
  { startedMs, nowMs, json }: { startedMs: number; nowMs: number; json: boolean },
): Generator<MetricsRequest> {
  let request = new Request(own, startedMs, nowMs);
  for (const metric of metrics)
    for (const point of metric.points()) {
      request.add(metric.instrument, point);
      if (request.points < MOST_POINTS) continue;
      yield request.encoded(json);
      request = new Request(own, startedMs, nowMs);
    }
  if (request.points > 0) yield request.encoded(json);
}

interface OtlpMetric {
  name: string;
  [data: string]: unknown;
}

/** A service's metrics, or the agent's. */
interface Resource {
  readonly attributes: Attributes;
  readonly metrics: OtlpMetric[];
  /** Points of the last one of them, and whose they are. */
  points: unknown[];
  instrument: Instrument | undefined;
}

class Request {
  points = 0;
  readonly #resources = new Map<string, Resource>();
  readonly #own: Attributes;
  readonly #startedMs: number;
  readonly #now: bigint;

  constructor(own: Attributes, startedMs: number, nowMs: number) {
    this.#own = own;
    this.#startedMs = startedMs;
    this.#now = unixNs(nowMs);
  }

  /** Points of an instrument come one after the other. */
  add(instrument: Instrument, point: Point): void {
    const { service, rest } = attributesOf(instrument, point);
    const key = JSON.stringify(service);
    let resource = this.#resources.get(key);
    if (resource === undefined) {
      resource = { attributes: service ?? this.#own, metrics: [], points: [], instrument: undefined };
      this.#resources.set(key, resource);
    }
    if (resource.instrument !== instrument) {
      resource.instrument = instrument;
      resource.points = [];
      resource.metrics.push(metricOf(instrument, resource.points));
    }
    resource.points.push({
      startTimeUnixNano: unixNs(point.startMs ?? this.#startedMs),
      timeUnixNano: this.#now,
      attributes: keyValues(rest),
      ...(point.value instanceof Histogram ? histogramOf(point.value) : { asDouble: point.value }),
    });
    this.points++;
  }

  encoded(json: boolean): MetricsRequest {
    const resourceMetrics = [...this.#resources.values()].map(({ attributes, metrics }) => ({
      resource: { attributes: keyValues(attributes) },
      scopeMetrics: [{ scope: SCOPE, metrics, schemaUrl: SCHEMA_URL }],
      schemaUrl: SCHEMA_URL,
    }));
    const request = { resourceMetrics };
    const bytes = json ? Buffer.from(JSON.stringify(request, withText)) : encodeMessage(request, REQUEST);
    return { bytes, points: this.points };
  }
}

/** What tells a point's series apart, and whose it is; undefined: nobody's in particular. */
function attributesOf(
  instrument: Instrument,
  { attributes }: Point,
): { service?: Attributes; rest: Attributes } {
  if (attributes === undefined) return { rest: { [OVERFLOW]: 'true' } };
  const given = instrument.attributes.map((key, i): [string, string] => [key, attributes[i]!]);
  const known = given.filter(([, value]) => value !== '');
  const service = known.filter(([key]) => OF_SERVICE.has(key));
  const rest = Object.fromEntries(known.filter(([key]) => !OF_SERVICE.has(key)));
  return service.length === 0 ? { rest } : { service: Object.fromEntries(service), rest };
}

function keyValues(attributes: Attributes): unknown[] {
  return Object.entries(attributes).map(([key, stringValue]) => ({ key, value: { stringValue } }));
}

function metricOf({ name, unit, description, type }: Instrument, dataPoints: unknown[]): OtlpMetric {
  const about = { name, description, unit };
  switch (type) {
    case 'gauge':
      return { ...about, gauge: { dataPoints } };
    case 'counter':
      return { ...about, sum: { dataPoints, aggregationTemporality: CUMULATIVE, isMonotonic: true } };
    case 'histogram':
      return { ...about, histogram: { dataPoints, aggregationTemporality: CUMULATIVE } };
  }
}

function histogramOf(histogram: Histogram): object {
  const { count, sum, counts: bucketCounts, bounds: explicitBounds } = histogram;
  const found = histogram instanceof ExemplarHistogram ? histogram.exemplars : [];
  const exemplars = found
    .filter((exemplar) => exemplar !== undefined)
    .map(({ unixMs, value, spanId, traceId }) => {
      return { timeUnixNano: unixNs(unixMs), asDouble: value, spanId, traceId };
    });
  return { count, sum, bucketCounts, explicitBounds, exemplars };
}

function unixNs(unixMs: number): bigint {
  return BigInt(Math.round(unixMs * 1000)) * 1000n;
}

/** JSON has neither all integers of 64 bits nor what is no number; in OTLP/JSON they are text. */
function withText(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' || (typeof value === 'number' && !Number.isFinite(value))
    ? String(value)
    : value;
}

const KEY_VALUE: readonly Field[] = [
  [1, 'key', 'text'],
  [2, 'value', [[1, 'stringValue', 'text']]],
];

const NUMBER_POINT: readonly Field[] = [
  [2, 'startTimeUnixNano', 'fixed64'],
  [3, 'timeUnixNano', 'fixed64'],
  [4, 'asDouble', 'double'],
  [7, 'attributes', KEY_VALUE],
];

const EXEMPLAR: readonly Field[] = [
  [2, 'timeUnixNano', 'fixed64'],
  [3, 'asDouble', 'double'],
  [4, 'spanId', 'hex'],
  [5, 'traceId', 'hex'],
];

const HISTOGRAM_POINT: readonly Field[] = [
  [2, 'startTimeUnixNano', 'fixed64'],
  [3, 'timeUnixNano', 'fixed64'],
  [4, 'count', 'fixed64'],
  [5, 'sum', 'double'],
  [6, 'bucketCounts', 'fixed64s'],
  [7, 'explicitBounds', 'doubles'],
  [8, 'exemplars', EXEMPLAR],
  [9, 'attributes', KEY_VALUE],
];

const METRIC: readonly Field[] = [
  [1, 'name', 'text'],
  [2, 'description', 'text'],
  [3, 'unit', 'text'],
  [5, 'gauge', [[1, 'dataPoints', NUMBER_POINT]]],
  [
    7,
    'sum',
    [
      [1, 'dataPoints', NUMBER_POINT],
      [2, 'aggregationTemporality', 'varint'],
      [3, 'isMonotonic', 'varint'],
    ],
  ],
  [
    9,
    'histogram',
    [
      [1, 'dataPoints', HISTOGRAM_POINT],
      [2, 'aggregationTemporality', 'varint'],
    ],
  ],
];

const SCOPE_METRICS: readonly Field[] = [
  [
    1,
    'scope',
    [
      [1, 'name', 'text'],
      [2, 'version', 'text'],
    ],
  ],
  [2, 'metrics', METRIC],
  [3, 'schemaUrl', 'text'],
];

const RESOURCE_METRICS: readonly Field[] = [
  [1, 'resource', [[1, 'attributes', KEY_VALUE]]],
  [2, 'scopeMetrics', SCOPE_METRICS],
  [3, 'schemaUrl', 'text'],
];

const REQUEST: readonly Field[] = [[1, 'resourceMetrics', RESOURCE_METRICS]];
