import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

import { Reading } from '../../src/connection/thread-table.ts';
import type { Exchange } from '../../src/decode/exchange.ts';
import { hopKey, makeConnection, makeLinker, MS } from '../../test/link/make-exchange.ts';
import { type Row, median } from './statistics.ts';

const FLOOR = 50_000;
const ROUNDS = 3;
const REQUESTS = 40_960;
/** Requests that the service has open at a time. */
const OPEN = 64;
/** What a request leads to: the hops of five requests, and four calls inside the service. */
const LINKS = 9;
const [LOAD, SERVICE, BACK_ENDS] = [100, 200, 300];
/** Time that a step of the load takes. */
const STEP_NS = 2000;
/** One after the other, so that none is the one whose response was just read. */
const CONNECTIONS = Array.from({ length: 1009 }, () => makeConnection());
/** In the mean of a run, how much more the heap may hold at its end than after a quarter of it. */
const FLAT = 1.1;

/** A request to the service, and how far it has come. */
interface Served {
  asked: Exchange;
  served: Exchange;
  /** What the service did last because of it. */
  last: Exchange;
}

/** Takes exchanges as they are seen to begin and to end, and the time. */
interface Sink {
  open(...exchanges: Exchange[]): void;
  close(...exchanges: Exchange[]): void;
  tick(nowNs: number): void;
}

/** An event loop that serves requests; each calls A, then B and C together, then D, and every end is seen. */
class Load {
  readonly #sink: Sink;
  #nowNs = 10 * MS;
  #hops = 0;
  #turns = 0;
  #ticked = 0;

  constructor(sink: Sink) {
    this.#sink = sink;
  }

  run(requests: number): void {
    for (let done = 0; done < requests; done += OPEN) {
      const all = Array.from({ length: OPEN }, () => this.#serve());
      for (const request of all) this.#go(request, this.#call(request));
      for (const request of all) {
        const [b, c] = [this.#call(request), this.#call(request)];
        this.#go(request, b);
        this.#go(request, c);
      }
      for (const request of all) this.#go(request, this.#call(request));
      for (const request of all) this.#answer(request);
    }
  }

  /** What is under way is over. */
  finish(): void {
    this.#nowNs += 10_000 * MS;
    this.#sink.tick(this.#nowNs);
  }

  #make(role: 'client' | 'server', tgid: number, hop: number, reason?: Exchange): Exchange {
    this.#nowNs += STEP_NS;
    if (this.#nowNs - this.#ticked > 10 * MS) this.#sink.tick((this.#ticked = this.#nowNs));
    const exchange: Exchange = {
      protocol: 'http1',
      role,
      connection: CONNECTIONS[hop % CONNECTIONS.length]!,
      requestPosition: hop,
      startNs: this.#nowNs,
      endNs: this.#nowNs,
      hop: hopKey(hop),
      tgid,
      processStartNs: 1,
      tid: 1,
      turn: tgid === SERVICE ? ++this.#turns % 65_535 : 0,
      reason: reason && readingOf(reason),
      answer: undefined,
      request: {},
      response: undefined,
      failure: undefined,
      incomplete: undefined,
    };
    this.#sink.open(exchange);
    return exchange;
  }

  #serve(): Served {
    const hop = ++this.#hops;
    const asked = this.#make('client', LOAD, hop);
    const served = this.#make('server', SERVICE, hop);
    return { asked, served, last: served };
  }

  /** A call of the service, and what answers it. */
  #call({ last }: Served): [Exchange, Exchange] {
    const hop = ++this.#hops;
    return [this.#make('client', SERVICE, hop, last), this.#make('server', BACK_ENDS, hop)];
  }

  #go(request: Served, [call, back]: [Exchange, Exchange]): void {
    this.#end(back);
    this.#end(call);
    request.last = call;
  }

  #answer({ asked, served, last }: Served): void {
    served.answer = { tid: 1, turn: ++this.#turns % 65_535, reason: readingOf(last) };
    this.#end(served);
    this.#end(asked);
  }

  #end(exchange: Exchange): void {
    exchange.endNs = this.#nowNs += STEP_NS;
    this.#sink.close(exchange);
  }
}

function readingOf(exchange: Exchange): Reading {
  const reading = new Reading(exchange.connection, undefined);
  reading.exchange = exchange;
  return reading;
}

const nothing = (): void => undefined;

/** CPU seconds of this process, all threads. */
function cpuOf(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}

/** The linker alone, on exchanges that are there: parents found a second of CPU time, and what it holds. */
export function benchLinker(): Promise<Row[]> {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const rates: number[] = [];
  const growth: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    let links = 0;
    const { open, close, tick } = makeLinker({
      onTrace: (spans) => {
        for (const { parentSpanId } of spans) if (parentSpanId !== undefined) links++;
      },
    });
    const load = new Load({ open, close, tick });
    const seconds = cpuOf(() => load.run(REQUESTS / 4));
    collect();
    const held = process.memoryUsage().heapUsed;
    const rest = cpuOf(() => load.run((3 * REQUESTS) / 4));
    collect();
    growth.push(process.memoryUsage().heapUsed / held);
    load.finish();
    if (links !== REQUESTS * LINKS) throw new Error(`${links} links, not ${REQUESTS * LINKS}`);
    // Making the exchanges is no work of the linker's.
    const making = cpuOf(() => new Load({ open: nothing, close: nothing, tick: nothing }).run(REQUESTS));
    rates.push(links / (seconds + rest - making));
  }
  const [rate, grown] = [median(rates), median(growth)];
  return Promise.resolve([
    {
      what: 'linker alone, exact links, 64 requests open',
      without: '',
      with: `${rate.toFixed(0)} links/s of CPU`,
      change: '',
      bound: `≥ ${FLOOR}`,
      met: rate >= FLOOR,
    },
    {
      what: `linker alone: heap after ${(REQUESTS * LINKS).toLocaleString('en')} links to that after a quarter of them`,
      without: '',
      with: `× ${grown.toFixed(2)}`,
      change: '',
      bound: `≤ ${FLAT}`,
      met: grown <= FLAT,
    },
  ]);
}
