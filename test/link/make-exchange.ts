import { Ledger } from '../../src/base/ledger.ts';
import type { Reading } from '../../src/connection/thread-table.ts';
import type { Connection } from '../../src/connection/connection.ts';
import type { Description, Exchange, HopKey, Role } from '../../src/decode/exchange.ts';
import { nextPlace } from '../../src/decode/live-exchange.ts';
import type { ServiceResource } from '../../src/enrich/resource.ts';
import { UnixClock } from '../../src/link/clock.ts';
import { Linker, type LinkerOptions } from '../../src/link/linker.ts';
import type { Span } from '../../src/link/span.ts';

export const MS = 1_000_000;

let connections = 0;

export function makeConnection(change: Partial<Connection> = {}): Connection {
  const id = ++connections;
  return {
    ...{ id, sock: 0xffff888000000000 + id * 64, inode: 5000 + id, netns: 4026531840, transport: 'tcp' },
    ...{ accepted: undefined, localAddress: '127.0.0.1', localPort: 40000, remoteAddress: '127.0.0.1' },
    ...{ remotePort: 8080, txFirst: 1, rxFirst: 2, peer: 0, tgid: 10, processStartNs: 1 },
    ...change,
  };
}

export interface ExchangeInput {
  role: Role;
  startNs: number;
  endNs: number;
  hop?: HopKey;
  tgid?: number;
  /** What describe gives. */
  description?: Partial<Description>;
  connection?: Connection;
  requestPosition?: number;
  tid?: number;
  turn?: number;
  reason?: Reading;
}

export function makeExchange(input: ExchangeInput): Exchange {
  const { role, startNs, endNs, hop, description } = input;
  return {
    ...{ protocol: 'http1', role, connection: input.connection ?? makeConnection(), startNs, endNs, hop },
    ...{ tgid: input.tgid ?? (role === 'client' ? 100 : 200), processStartNs: 1, tid: input.tid ?? 1 },
    ...{ requestPosition: input.requestPosition ?? 0, request: description ?? {}, response: undefined },
    ...{
      turn: input.turn ?? 0,
      reason: input.reason,
      place: role === 'client' ? nextPlace(input.reason) : 0,
      answer: undefined,
    },
    failure: undefined,
    incomplete: undefined,
  };
}

export function hopKey(high: number, low = 77, kind: HopKey['kind'] = 'tcp'): HopKey {
  return { kind, high, low };
}

const resources = new Map<number, ServiceResource>();

export function resourceOf(tgid: number): ServiceResource {
  let resource = resources.get(tgid);
  if (resource === undefined) {
    resource = { serviceName: `service-${tgid}`, attributes: { 'service.name': `service-${tgid}` } };
    resources.set(tgid, resource);
  }
  return resource;
}

/** A linker whose exchanges carry their own description, with everything it gives out. */
export function makeLinker(change: Partial<LinkerOptions> = {}) {
  const ledger = new Ledger();
  const traces: Span[][] = [];
  const clock = new UnixClock();
  const linker = new Linker({
    describe: ({ request }) => ({
      ...{ name: 'GET', errorType: undefined },
      ...(request as Partial<Description>),
      attributes: { ...(request as Partial<Description>).attributes },
    }),
    identify: (tgid) => resourceOf(tgid),
    identifyNow: (tgid) => resourceOf(tgid),
    onTrace: (spans) => {
      ledger.spans.out += spans.length; // as the output stage does
      traces.push(spans);
    },
    clock,
    exchanges: ledger.exchanges,
    spans: ledger.spans,
    bootId: 'b2a4c4e2-0000-4000-8000-000000000001',
    ...change,
  });
  ledger.exchanges.held = () => linker.held;
  /** A clock record at a monotonic time; Unix time is 1,700,000,000 s later. */
  const tick = (nowNs: number): void => {
    const seconds = Math.floor(nowNs / 1e9);
    clock.update(nowNs, 1_700_000_000 + seconds, nowNs - seconds * 1e9, nowNs);
    linker.clock(nowNs);
  };
  const open = (...exchanges: Exchange[]): void => {
    for (const exchange of exchanges) {
      ledger.exchanges.in++;
      linker.opened(exchange);
    }
  };
  const close = (...exchanges: Exchange[]): void => exchanges.forEach((exchange) => linker.closed(exchange));
  tick(1);
  return { linker, ledger, traces, clock, tick, open, close };
}
