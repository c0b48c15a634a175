/**
 * What a rule that knows times alone would have linked, from the same spans: the least that the agent must be better than. A request is
 * taken to call each destination once, which is true in the laboratory and more than such a rule can know elsewhere.
 */
import type { ReceivedSpan } from '../support/otlp-proto.ts';
import { type Ends, idOf } from './span-index.ts';
import type { Threads } from './threads.ts';

export interface Baseline {
  readonly name: string;
  /** One of the requests that the service has open at the time of the call and that have not called there yet, the oldest first. */
  readonly choose: (
    open: readonly ReceivedSpan[],
    call: ReceivedSpan,
    threads: Threads | undefined,
  ) => ReceivedSpan | undefined;
}

/** Needs a recording to know threads. */
export const ON_THREAD = 'last on the thread';

export const BASELINES: readonly Baseline[] = [
  { name: 'FIFO', choose: (open) => open[0] },
  { name: 'most recent', choose: (open) => open.at(-1) },
  {
    name: ON_THREAD,
    choose: (open, call, threads) => {
      const sender = threads?.senders.get(idOf(call));
      return open.findLast((request) => threads?.readers.get(idOf(request)) === sender);
    },
  },
];

/** At the same nanosecond a request begins before a call, and a call goes out before the request ends. */
const ORDER = { begins: 0, calls: 1, ends: 2 } as const;

interface Moment {
  at: bigint;
  what: keyof typeof ORDER;
  span: ReceivedSpan;
}

/** Span id of the chosen server span by that of the client span; services are told apart by their names. */
export function chooseByTime(
  ends: readonly Ends[],
  baseline: Baseline,
  threads: Threads | undefined,
): Map<string, string> {
  const services = new Map<unknown, Moment[]>();
  const add = (what: Moment['what'], at: string, span: ReceivedSpan): void => {
    const service = span.resource['service.name'];
    const moment = { at: BigInt(at), what, span };
    const moments = services.get(service);
    if (moments) moments.push(moment);
    else services.set(service, [moment]);
  };
  for (const { client, server } of ends) {
    if (client) add('calls', client.start, client);
    if (!server) continue;
    add('begins', server.start, server);
    add('ends', server.end, server);
  }
  const chosen = new Map<string, string>();
  for (const moments of services.values()) chooseInService(moments, baseline, threads, chosen);
  return chosen;
}

function chooseInService(
  moments: Moment[],
  { choose }: Baseline,
  threads: Threads | undefined,
  chosen: Map<string, string>,
): void {
  moments.sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : ORDER[a.what] - ORDER[b.what]));
  /** With the destinations that each was taken to have called. */
  const open = new Map<ReceivedSpan, Set<unknown>>();
  for (const { what, span } of moments) {
    if (what === 'begins') open.set(span, new Set());
    else if (what === 'ends') open.delete(span);
    else {
      const destination = span.attributes['network.peer.port'];
      const callable = [...open.keys()].filter((request) => !open.get(request)!.has(destination));
      const parent = choose(callable, span, threads);
      if (!parent) continue;
      open.get(parent)!.add(destination);
      chosen.set(span.spanId, parent.spanId);
    }
  }
}
