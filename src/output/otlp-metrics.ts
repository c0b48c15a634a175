/**
 * Metrics to the bytes of an OTLP `ExportMetricsServiceRequest`, by OpenTelemetry's own serializers. They take the SDK's data of one resource; the
 * metrics of a service are those of its resource, those of none in particular the agent's own.
 */
import { ValueType } from '@opentelemetry/api';
import { JsonMetricsSerializer, ProtobufMetricsSerializer } from '@opentelemetry/otlp-transformer';
import {
  AggregationTemporality,
  DataPointType,
  type DataPoint,
  type Histogram as SdkHistogram,
  type MetricData,
  type ResourceMetrics,
} from '@opentelemetry/sdk-metrics';
import { Histogram } from '../base/histogram.ts';
import type { Metric, Point } from '../base/metric.ts';
import { OVERFLOW } from '../metrics/series.ts';
import { SCHEMA_URL, SCOPE_NAME, SCOPE_VERSION } from './otlp-scope.ts';

export interface MetricsRequest {
  bytes: Buffer;
  points: number;
}

type Attributes = Readonly<Record<string, string>>;

/** Attributes that are a service's own, not the point's. */
const OF_SERVICE = new Set(['service.name', 'service.namespace']);
const SCOPE = { name: SCOPE_NAME, version: SCOPE_VERSION, schemaUrl: SCHEMA_URL };
const { CUMULATIVE } = AggregationTemporality;

/** `own`: the agent's resource. `startedMs`: since when it counts, where a series does not say. Undefined where there is nothing to say. */
export function encodeOtlpMetrics(
  metrics: readonly Metric[],
  own: Attributes,
  { startedMs, nowMs, json }: { startedMs: number; nowMs: number; json: boolean },
): MetricsRequest | undefined {
  const resources = new Map<string, { attributes: Attributes; metrics: MetricData[] }>();
  let points = 0;
  for (const metric of metrics) {
    const byResource = new Map<string, { attributes: Attributes; points: Array<DataPoint<unknown>> }>();
    for (const point of metric.points()) {
      const { service, rest } = attributesOf(metric, point);
      const key = JSON.stringify(service);
      let group = byResource.get(key);
      if (group === undefined) byResource.set(key, (group = { attributes: service ?? own, points: [] }));
      group.points.push({
        startTime: hrTime(point.startMs ?? startedMs),
        endTime: hrTime(nowMs),
        attributes: rest,
        value: point.value instanceof Histogram ? sdkHistogram(point.value) : point.value,
      });
      points++;
    }
    for (const [key, { attributes, points: found }] of byResource) {
      let resource = resources.get(key);
      if (resource === undefined) resources.set(key, (resource = { attributes, metrics: [] }));
      resource.metrics.push(metricData(metric, found));
    }
  }
  if (points === 0) return undefined;
  const all = [...resources.values()].map(({ attributes, metrics: found }) =>
    resourceMetrics(attributes, found),
  );
  return { bytes: json ? encodeJson(all) : encodeProtobuf(all), points };
}

/** What tells a point's series apart, and whose it is; undefined: nobody's in particular. */
function attributesOf(
  { instrument }: Metric,
  { attributes }: Point,
): { service?: Attributes; rest: Attributes } {
  if (attributes === undefined) return { rest: { [OVERFLOW]: 'true' } };
  const given = instrument.attributes.map((key, i): [string, string] => [key, attributes[i]!]);
  const known = given.filter(([, value]) => value !== '');
  const service = known.filter(([key]) => OF_SERVICE.has(key));
  const rest = Object.fromEntries(known.filter(([key]) => !OF_SERVICE.has(key)));
  return service.length === 0 ? { rest } : { service: Object.fromEntries(service), rest };
}

function metricData({ instrument }: Metric, dataPoints: Array<DataPoint<unknown>>): MetricData {
  const { name, unit, description, type } = instrument;
  const descriptor = { name, unit, description, valueType: ValueType.DOUBLE };
  const shared = { descriptor, aggregationTemporality: CUMULATIVE };
  if (type === 'histogram')
    return {
      ...shared,
      dataPointType: DataPointType.HISTOGRAM,
      dataPoints: dataPoints as Array<DataPoint<SdkHistogram>>,
    };
  const numbers = dataPoints as Array<DataPoint<number>>;
  return type === 'counter'
    ? { ...shared, dataPointType: DataPointType.SUM, isMonotonic: true, dataPoints: numbers }
    : { ...shared, dataPointType: DataPointType.GAUGE, dataPoints: numbers };
}

function sdkHistogram({ bounds, counts, count, sum }: Histogram): SdkHistogram {
  return { buckets: { boundaries: [...bounds], counts }, count, sum };
}

function resourceMetrics(attributes: Attributes, metrics: MetricData[]): ResourceMetrics {
  const resource: ResourceMetrics['resource'] = {
    attributes,
    schemaUrl: SCHEMA_URL,
    merge: () => resource,
    getRawAttributes: () => Object.entries(attributes),
  };
  return { resource, scopeMetrics: [{ scope: SCOPE, metrics }] };
}

/** Requests of one resource each make one when they are put one behind the other: the field is repeated. */
function encodeProtobuf(all: readonly ResourceMetrics[]): Buffer {
  return Buffer.concat(
    all.map((each) => ProtobufMetricsSerializer.serializeRequest(each) ?? new Uint8Array()),
  );
}

function encodeJson(all: readonly ResourceMetrics[]): Buffer {
  const found = all.map((each) => {
    const bytes = JsonMetricsSerializer.serializeRequest(each) ?? new Uint8Array();
    return JSON.parse(Buffer.from(bytes).toString('utf8')) as { resourceMetrics: unknown[] };
  });
  return Buffer.from(JSON.stringify({ resourceMetrics: found.flatMap((each) => each.resourceMetrics) }));
}

function hrTime(unixMs: number): [number, number] {
  const seconds = Math.floor(unixMs / 1000);
  return [seconds, Math.round((unixMs - seconds * 1000) * 1e6)];
}
