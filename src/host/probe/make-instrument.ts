import type { Instrument } from '../../base/metric.ts';

/** Where the conventions have no name for a figure, its description ends with this. */
export const OURS = 'No name in the semantic conventions.';
/** Where they have none, and the Collector's hostmetrics receiver has one. */
export const COLLECTOR = "Named as the Collector's hostmetrics receiver does.";

/** `attributes`: their keys, in the order in which readings have them. */
export function counter(
  name: string,
  unit: string,
  description: string,
  ...attributes: readonly string[]
): Instrument {
  return { name, unit, description, type: 'counter', attributes };
}

export function gauge(
  name: string,
  unit: string,
  description: string,
  ...attributes: readonly string[]
): Instrument {
  return { name, unit, description, type: 'gauge', attributes };
}

export function histogram(name: string, description: string, ...attributes: readonly string[]): Instrument {
  return { name, unit: 's', description, type: 'histogram', attributes };
}
