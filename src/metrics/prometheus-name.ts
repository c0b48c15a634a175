import type { Instrument } from '../base/metric.ts';

/** Suffixes by unit. OpenTelemetry, Prometheus and OpenMetrics Compatibility. */
const UNITS: Readonly<Record<string, string>> = {
  s: 'seconds',
  ms: 'milliseconds',
  By: 'bytes',
  Hz: 'hertz',
};

/** `http_server_request_duration_seconds`: dots become underscores, the unit is the suffix, a counter ends in `_total`, a share in `_ratio`. */
export function prometheusName({ name, unit, type }: Instrument): string {
  const plain = prometheusLabel(name);
  const suffix = unit === '1' && type === 'gauge' ? 'ratio' : UNITS[unit];
  const withUnit = suffix === undefined || plain.endsWith(`_${suffix}`) ? plain : `${plain}_${suffix}`;
  return type === 'counter' && !withUnit.endsWith('_total') ? `${withUnit}_total` : withUnit;
}

export function prometheusLabel(key: string): string {
  return key.replace(/[^a-zA-Z0-9_]/g, '_');
}
