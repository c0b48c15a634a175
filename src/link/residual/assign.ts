import type { Habits } from './habits.ts';
import { Assignment } from './posterior.ts';
import type { Call, Served } from './window.ts';

/** A group of more pairs is left alone. */
const MAX_PAIRS = 32_768;
/** Pairs that are so much less likely than the call's best, or than none, are none (a thousandth). */
const HOPELESS = 7;
/** How likely a call of a kind that requests make is made for none of them. */
const BY_ITSELF = 0.02;
const NOT_BY_ITSELF = Math.log((1 - BY_ITSELF) / BY_ITSELF);

/** The likeliest request of a call. */
export interface Best {
  readonly request: Served;
  readonly probability: number;
}

/** Pairs of calls and places of requests, as they are collected. */
class Pairs {
  readonly assignment = new Assignment();
  readonly calls: number[] = [];
  readonly requests: Served[] = [];
  places = 0;
  readonly #firstPlace = new Map<Served, number>();

  /** All places that a request has free for a call. */
  add(call: number, request: Served, free: number, logWeight: number): void {
    let first = this.#firstPlace.get(request);
    if (first === undefined) {
      this.#firstPlace.set(request, (first = this.places));
      this.places += free;
    }
    for (let place = first; place < first + free; place++) {
      this.assignment.add(call, place, logWeight);
      this.calls.push(call);
      this.requests.push(request);
    }
  }
}

/**
 * Assigns calls of one kind to requests, in the order of their starts: the likeliest request of each. `places`: how many such calls a request makes;
 * `logOdds`: that one is loose where none is known. Undefined where there are too many pairs.
 */
export function assign(
  calls: readonly Call[],
  requests: readonly Served[],
  habits: Habits,
  places: number,
  logOdds: number,
): Array<Best | undefined> | undefined {
  const pairs = new Pairs();
  const [first, last] = [
    Math.min(...calls.map(({ startNs }) => startNs)),
    Math.max(...calls.map(({ startNs }) => startNs)),
  ];
  const near = requests.filter(({ startNs, endNs }) => startNs < last && endNs >= first);
  for (const [number, call] of calls.entries()) {
    const fitting = near.filter(
      (request) =>
        request.startNs < call.startNs && request.endNs >= call.startNs && freeOf(request, call, places) > 0,
    );
    const base = logOdds + NOT_BY_ITSELF - Math.log(fitting.length);
    const logWeights = fitting.map((request) => habits.logRatio(call, request) + base);
    const least = Math.max(0, ...logWeights) - HOPELESS;
    for (const [i, request] of fitting.entries())
      if (logWeights[i]! > least) pairs.add(number, request, freeOf(request, call, places), logWeights[i]!);
    if (pairs.calls.length > MAX_PAIRS) return undefined;
  }
  return bestOf(pairs, calls.length);
}

function freeOf({ calls }: Served, { kind }: Call, places: number): number {
  let free = places;
  for (const call of calls) if (call.kind === kind) free--;
  return free;
}

function bestOf({ assignment, calls, requests, places }: Pairs, count: number): Array<Best | undefined> {
  const probabilities = assignment.solve(count, places);
  const best = new Array<Best | undefined>(count);
  let probability = 0;
  for (const [pair, call] of calls.entries()) {
    const request = requests[pair]!;
    const another = call !== calls[pair - 1] || request !== requests[pair - 1];
    probability = probabilities[pair]! + (another ? 0 : probability);
    if (probability > (best[call]?.probability ?? 0)) best[call] = { request, probability };
  }
  return best;
}
