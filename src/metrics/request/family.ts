import type { AttributeValue } from '../../decode/exchange.ts';
import type { Instrument } from '../../base/metric.ts';
import type { FinishedRequest } from '../../link/finished-request.ts';

/** Bounds of durations in seconds. Semantic conventions, HTTP metrics; those of RPC, databases and messaging are the same. */
export const SECONDS: readonly number[] = [
  0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10,
];

/** A histogram of something about requests. */
export interface Measure {
  readonly name: string;
  readonly unit: string;
  readonly description: string;
  readonly bounds: readonly number[];
  /** Undefined where it is not known of a request. */
  read(request: FinishedRequest): number | undefined;
}

/** Requests of one kind at one end: which they are, what tells them apart, what is measured of them. */
export interface Family {
  /** Only requests with this attribute are of the family. */
  readonly key: string;
  readonly role: 'client' | 'server';
  /** Beside those of the service. */
  readonly attributes: readonly string[];
  readonly measures: readonly Measure[];
}

/** Of every request metric: who the service is. */
export const SERVICE: readonly string[] = ['service.name', 'service.namespace'];

export function instrumentOf({ attributes }: Family, { name, unit, description }: Measure): Instrument {
  return { name, unit, description, type: 'histogram', attributes: [...SERVICE, ...attributes] };
}

export function duration(name: string, description: string): Measure {
  return { name, unit: 's', description, bounds: SECONDS, read: ({ durationNs }) => durationNs / 1e9 };
}

/** '' where there is none. */
export function textOf(value: AttributeValue | undefined): string {
  return value === undefined ? '' : String(value);
}
