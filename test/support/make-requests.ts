/** Requests as the linker tells of them when they are over. */
import type { MetricsSettings } from '../../src/base/settings.ts';
import type { Attributes, Exchange, Role } from '../../src/decode/exchange.ts';
import type { FinishedRequest } from '../../src/link/finished-request.ts';
import { DEFAULTS } from './defaults.ts';
import { makeResource } from './make-spans.ts';

export const METRICS_SETTINGS: MetricsSettings = {
  ...DEFAULTS.metrics,
  seriesLimits: { default: 100 },
  idleMs: 60_000,
};

export interface Made {
  role?: Role;
  service?: string;
  peer?: string;
  attributes?: Attributes;
  errorType?: string;
  route?: string;
  name?: string;
  ms?: number;
  span?: FinishedRequest['span'];
}

/** A request that is over, at the server's end unless it says so. */
export function makeRequest({
  role = 'server',
  service = 'shop',
  peer,
  ms = 20,
  ...made
}: Made): FinishedRequest {
  const { attributes = { 'http.request.method': 'GET' }, errorType, route, name = 'GET', span } = made;
  return {
    service: makeResource(service),
    peer: peer === undefined ? undefined : makeResource(peer),
    exchange: { role } as Exchange,
    description: { name, attributes, errorType },
    route,
    name,
    durationNs: ms * 1e6,
    suppressed: false,
    span,
  };
}
