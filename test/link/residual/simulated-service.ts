import { answerOf } from '../../../src/decode/live-exchange.ts';
import { Pending } from '../../../src/link/pending.ts';
import { random } from '../../support/random.ts';
import { hopKey, makeExchange, MS } from '../make-exchange.ts';

export interface Simulation {
  clients: number;
  requests: number;
  /** Whether the rules know for whom a call was made. */
  isKnown: (call: Made, next: () => number) => boolean;
  seed?: number;
}

/** A call as it was made. */
export interface Made {
  pending: Pending;
  request: Pending;
  letter: string;
  /** Of the two calls that are made together: this one is waited for last. */
  last: boolean;
}

export interface Event {
  atNs: number;
  what: 'opened' | 'closed' | 'calls' | 'called';
  pending: Pending;
  made?: Made;
}

/**
 * A service in simulated time: a closed loop of clients; each request calls A, then B and C together, then D, and answers; a call takes a millisecond
 * and an exponentially distributed time of 6 ms in the mean, and what lies between a tenth of a millisecond. A request has a thread of its own, which
 * makes the calls that are known.
 */
export function simulate({ clients, requests, isKnown, seed = 1 }: Simulation): {
  events: Event[];
  made: Made[];
} {
  const next = random(seed);
  const exponential = (mean: number): number => -Math.log(1 - next()) * mean;
  const events: Event[] = [];
  const made: Made[] = [];
  let serial = 0;
  const freeNs = Array.from({ length: clients }, () => 1000 * MS + next() * 20 * MS);
  for (let n = 0; n < requests; n++) {
    const client = freeNs.indexOf(Math.min(...freeNs));
    const startNs = Math.round(freeNs[client]!);
    const tid = n + 1;
    const request = new Pending(
      makeExchange({ role: 'server', startNs, endNs: 0, tid, hop: hopKey(++serial) }),
    );
    request.exchange.answer = answerOf({ tid, turn: 0, reason: undefined });
    let nowNs = startNs;
    const call = (letter: string): Made => {
      const from = Math.round(nowNs + 20_000 + exponential(0.1 * MS));
      const until = Math.round(from + MS + exponential(6 * MS));
      const pending = new Pending(
        makeExchange({
          ...{ role: 'client', tgid: 200, startNs: from, endNs: until, tid, hop: hopKey(++serial) },
          description: { path: `/${letter}/17` },
        }),
      );
      const one = { pending, request, letter, last: true };
      made.push(one);
      return one;
    };
    const first = call('a');
    nowNs = first.pending.exchange.endNs;
    const [b, c] = [call('b'), call('c')];
    nowNs = Math.max(b.pending.exchange.endNs, c.pending.exchange.endNs);
    for (const one of [b, c]) one.last = one.pending.exchange.endNs === nowNs;
    const d = call('d');
    nowNs = d.pending.exchange.endNs;
    const endNs = Math.round(nowNs + 20_000 + exponential(0.1 * MS));
    request.exchange.endNs = endNs;
    freeNs[client] = endNs + exponential(0.5 * MS);
    events.push(
      { atNs: startNs, what: 'opened', pending: request },
      { atNs: endNs, what: 'closed', pending: request },
    );
    for (const one of [first, b, c, d])
      events.push(
        { atNs: one.pending.exchange.startNs, what: 'calls', pending: one.pending, made: one },
        { atNs: one.pending.exchange.endNs, what: 'called', pending: one.pending, made: one },
      );
  }
  for (const one of made) {
    if (isKnown(one, next)) one.pending.origin = one.request;
    // Sent by a thread that serves nothing.
    else Object.assign(one.pending.exchange, { tid: requests + 1 });
  }
  return { events: events.sort((a, b) => a.atNs - b.atNs), made };
}
