/**
 * The agent's one listener.
 *
 *   GET /metrics            Prometheus text, or OpenMetrics where the scraper prefers it
 *   GET /healthz            200 while the process runs; unbalanced books do not change it
 *   GET /readyz             200 when attached and draining, else 503 with the reason
 *   GET /status             AgentStatus, JSON
 *   GET /why?pid=N|port=N   WhyReport, JSON
 *   GET|PUT /loglevel       the level; PUT takes debug, info, warn, error or silent as the body
 *
 * What tells of processes is not for a web page that a browser on this machine has open: a request whose Host is a foreign name (DNS
 * rebinding) is refused where the listener is on a loopback address.
 */
import { isIP } from 'node:net';
import type { Log } from '../base/log-shape.ts';
import { LOG_LEVELS, type Endpoint, type LogLevel } from '../base/settings.ts';
import { HttpListener, type Answer, type Request } from './http-listener.ts';
import type { AgentStatus, WhyReport } from './status.ts';

export interface Readiness {
  ready: boolean;
  /** Why not. */
  reason?: string;
}

export interface AgentListenerOptions {
  endpoint: Endpoint;
  log: Log;
  metrics: (openMetrics: boolean) => Promise<string>;
  readiness: () => Readiness;
  status: () => AgentStatus;
  why: (asked: { pid: number } | { port: number }) => WhyReport;
  logLevel: { get: () => LogLevel; set: (level: LogLevel) => void };
  retryMs?: number;
}

const ABOUT_PROCESSES = new Set(['/status', '/why', '/loglevel']);
const LOOPBACK = /^(?:localhost|127\.\d+\.\d+\.\d+|::1)$/;
const TEXT = 'text/plain; charset=utf-8';
const PROMETHEUS = 'text/plain; version=0.0.4; charset=utf-8';
const OPENMETRICS = 'application/openmetrics-text; version=1.0.0; charset=utf-8';

export function createAgentListener(options: AgentListenerOptions): HttpListener {
  const { endpoint, log, retryMs } = options;
  const routes: Readonly<Record<string, (request: Request) => Answer | Promise<Answer>>> = {
    '/': () => text(200, `undertrace: ${Object.keys(routes).slice(1).join(' ')}\n`),
    '/metrics': metricsHandler(options.metrics),
    '/healthz': () => json(200, { status: 'ok' }),
    '/readyz': () => {
      const { ready, reason } = options.readiness();
      return json(ready ? 200 : 503, ready ? { status: 'ready' } : { status: 'not ready', reason });
    },
    '/status': () => json(200, options.status()),
    '/why': (request) => answerWhy(request, options.why),
    '/loglevel': (request) => answerLogLevel(request, options),
  };
  return new HttpListener({
    endpoint,
    log,
    retryMs,
    handler: (request) => {
      const route = Object.hasOwn(routes, request.path) ? routes[request.path] : undefined;
      if (!route) return text(404, `Not found. Known: ${Object.keys(routes).join(' ')}\n`);
      const methods = request.path === '/loglevel' ? ['GET', 'HEAD', 'PUT'] : ['GET', 'HEAD'];
      if (ABOUT_PROCESSES.has(request.path) && isForeign(request.host, endpoint)) {
        return text(403, 'Ask by address or as localhost.\n');
      }
      if (methods.includes(request.method)) return route(request);
      return { ...text(405, `Allowed: ${methods.join(', ')}\n`), headers: { allow: methods.join(', ') } };
    },
  });
}

/** A name that somebody else's DNS may point here. An address cannot be pointed anywhere. */
function isForeign(host: string, endpoint: Endpoint): boolean {
  const name = host
    .replace(/:\d+$/, '')
    .replace(/^\[(.*)\]$/, '$1')
    .toLowerCase();
  return LOOPBACK.test(endpoint.host) && name !== 'localhost' && isIP(name) === 0;
}

/** Scrapers that come at the same moment share one rendering. */
function metricsHandler(
  render: (openMetrics: boolean) => Promise<string>,
): (request: Request) => Promise<Answer> {
  const running = new Map<boolean, Promise<string>>();
  return async ({ accept }) => {
    const openMetrics = accept.includes('application/openmetrics-text');
    let body = running.get(openMetrics);
    if (!body) {
      body = render(openMetrics).finally(() => running.delete(openMetrics));
      running.set(openMetrics, body);
    }
    return { status: 200, type: openMetrics ? OPENMETRICS : PROMETHEUS, body: await body };
  };
}

function answerWhy({ query }: Request, why: AgentListenerOptions['why']): Answer {
  const pid = query.get('pid');
  const port = query.get('port');
  const given = pid ?? port ?? '';
  if ((pid === null) === (port === null) || !/^\d{1,10}$/.test(given)) {
    return text(400, 'Ask with ?pid=N or ?port=N.\n');
  }
  return json(200, why(pid === null ? { port: Number(given) } : { pid: Number(given) }));
}

function answerLogLevel({ method, body }: Request, { logLevel, log }: AgentListenerOptions): Answer {
  if (method !== 'PUT') return text(200, `${logLevel.get()}\n`);
  const wanted = LOG_LEVELS.find((level) => level === body.trim().toLowerCase());
  if (!wanted) return text(400, `The body must be one of ${LOG_LEVELS.join(', ')}.\n`);
  log.info({ from: logLevel.get(), to: wanted }, 'log level changed');
  logLevel.set(wanted);
  return text(200, `${wanted}\n`);
}

function text(status: number, body: string): Answer {
  return { status, type: TEXT, body };
}

function json(status: number, value: unknown): Answer {
  return { status, type: 'application/json', body: `${JSON.stringify(value)}\n` };
}
