/** Metrics of OTLP/JSON requests, as they arrived. */

interface KeyValue {
  key: string;
  value: { stringValue: string };
}

/** A point; integers of 64 bits are text where a Collector has written it. */
export interface ReceivedPoint {
  attributes?: KeyValue[];
  startTimeUnixNano: string;
  timeUnixNano: string;
  asDouble?: number;
  count?: string | number;
  sum?: number;
  bucketCounts?: Array<string | number>;
  explicitBounds?: number[];
  exemplars?: Array<{ traceId: string; spanId: string; asDouble: number; timeUnixNano: string }>;
}

interface Data {
  dataPoints: ReceivedPoint[];
  aggregationTemporality?: number;
  isMonotonic?: boolean;
}

export interface ReceivedMetric {
  name: string;
  unit?: string;
  description?: string;
  sum?: Data;
  gauge?: Data;
  histogram?: Data;
}

interface Request {
  resourceMetrics: Array<{
    resource: { attributes: KeyValue[] };
    scopeMetrics: Array<{ scope: { name: string }; metrics: ReceivedMetric[] }>;
  }>;
}

/** The metrics of the requests that a push has sent, by the name of the service and theirs: `shop http.server.request.duration`. */
export function receivedMetrics(requests: readonly string[]): Map<string, ReceivedMetric> {
  const found = new Map<string, ReceivedMetric>();
  for (const request of requests)
    for (const { resource, scopeMetrics } of (JSON.parse(request) as Request).resourceMetrics)
      for (const { scope, metrics } of scopeMetrics) {
        if (scope.name !== 'undertrace') throw new Error(`scope ${scope.name}`);
        const service = plainAttributes(resource.attributes)['service.name'];
        for (const metric of metrics) {
          const key = `${service} ${metric.name}`;
          const known = found.get(key);
          if (known === undefined) found.set(key, metric);
          else pointsOf(known).push(...pointsOf(metric));
        }
      }
  return found;
}

/** Whatever type it is of. */
export function pointsOf({ sum, gauge, histogram }: ReceivedMetric): ReceivedPoint[] {
  return (sum ?? gauge ?? histogram)!.dataPoints;
}

export function plainAttributes(attributes: readonly KeyValue[] = []): Record<string, string> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, value.stringValue]));
}
