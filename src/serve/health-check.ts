import type { Log } from '../base/log-shape.ts';
import type { Settings } from '../base/settings.ts';
import type { Readiness } from './agent-listener.ts';
import { HttpListener } from './http-listener.ts';

/** The Collector's health_check extension: 200 when the agent works, else 503, in the Collector's own words. */
export function createHealthCheck(options: {
  settings: NonNullable<Settings['healthCheck']>;
  log: Log;
  readiness: () => Readiness;
  startedAt: Date;
  retryMs?: number;
}): HttpListener {
  const { settings, log, readiness, startedAt, retryMs } = options;
  return new HttpListener({
    endpoint: settings,
    log,
    retryMs,
    handler({ path }) {
      if (path !== settings.path)
        return { status: 404, type: 'text/plain; charset=utf-8', body: 'Not found.\n' };
      const { ready } = readiness();
      const body = ready
        ? {
            status: 'Server available',
            upSince: startedAt.toISOString(),
            uptime: `${((Date.now() - startedAt.getTime()) / 1000).toFixed(3)}s`,
          }
        : { status: 'Server not available', upSince: '0001-01-01T00:00:00Z', uptime: '' };
      return { status: ready ? 200 : 503, type: 'application/json', body: JSON.stringify(body) };
    },
  });
}
