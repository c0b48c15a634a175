import { IdleMap } from '../../base/idle-map.ts';
import type { Exchange } from '../../decode/exchange.ts';
import { isKnownMethod, type HttpRequest } from '../../decode/protocol/http-message.ts';
import type { Http2Request } from '../../decode/protocol/http2-head.ts';
import type { ServiceResource } from '../../enrich/resource.ts';
import type { Instrument, Metric, Point } from '../../base/metric.ts';
import { SERVICE, textOf } from './family.ts';

const INSTRUMENT: Instrument = {
  name: 'http.server.active_requests',
  unit: '{request}',
  description: 'Number of active HTTP server requests.',
  type: 'gauge',
  attributes: [...SERVICE, 'http.request.method'],
};

/** HTTP requests that a process has read and not answered yet, by method, and all of them. */
interface Process {
  readonly startNs: number;
  readonly open: Map<string, number>;
  all: number;
}

/** Processes that are remembered, at least, also while they have none open. */
const MIN_PROCESSES = 64;

/** Where an exchange is counted. */
interface Counted {
  readonly process: Process;
  readonly method: string;
}

/** Requests under way. They are counted by process, since who that is may become known later than its request. */
export class ActiveRequests {
  readonly #processes = new IdleMap<number, Process>(MIN_PROCESSES, ({ all }) => all === 0);

  opened(exchange: Exchange): void {
    if (!isHttpServer(exchange)) return;
    const { tgid, processStartNs, request } = exchange;
    let process = this.#processes.get(tgid);
    if (process === undefined || process.startNs !== processStartNs) {
      process = { startNs: processStartNs, open: new Map(), all: 0 };
      this.#processes.set(tgid, process);
    }
    const given = (request as HttpRequest).method;
    const method = given === '' || isKnownMethod(given) ? given : '_OTHER';
    process.open.set(method, (process.open.get(method) ?? 0) + 1);
    process.all++;
    exchange.counted = { process, method } satisfies Counted;
  }

  /** It is over, or lost. */
  ended(exchange: Exchange): void {
    if (exchange.counted === undefined) return;
    const { process, method } = exchange.counted as Counted;
    exchange.counted = undefined;
    process.open.set(method, process.open.get(method)! - 1);
    process.all--;
  }

  metric(identify: (tgid: number, startNs: number) => ServiceResource): Metric {
    return { instrument: INSTRUMENT, points: () => this.#points(identify) };
  }

  *#points(identify: (tgid: number, startNs: number) => ServiceResource): IterableIterator<Point> {
    const sums = new Map<string, { attributes: string[]; value: number }>();
    for (const [tgid, { startNs, open, all }] of this.#processes) {
      if (all === 0) continue;
      const resource = identify(tgid, startNs);
      for (const [method, count] of open) {
        if (count === 0) continue;
        const attributes = [...SERVICE.map((key) => textOf(resource.attributes[key])), method];
        const key = attributes.join('\0');
        const known = sums.get(key);
        if (known === undefined) sums.set(key, { attributes, value: count });
        else known.value += count;
      }
    }
    yield* sums.values();
  }
}

function isHttpServer({ role, protocol, request }: Exchange): boolean {
  if (role !== 'server' || (protocol !== 'http' && protocol !== 'http2')) return false;
  return (request as Partial<Http2Request>).rpc !== true;
}
