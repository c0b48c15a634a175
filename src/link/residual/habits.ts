import { binOf, Evidence, sinceBegin, type Stretch, untilEnd } from './evidence.ts';

/** So many calls of a kind must be known before anything is said of others. */
const ENOUGH = 50;
/** More calls of one kind than one in so many requests make are an exception. */
const RARE = 200;
/** A request that makes more calls of a kind than this leaves each of them to chance. */
const MAX_PLACES = 4;
/** Counts are halved from here on. */
const MAX_COUNT = 4000;

/** A call whose request is known for certain. */
export interface KnownCall extends Stretch {
  readonly kind: number;
}

/** A request as far as it is known. */
export interface KnownRequest extends Stretch {
  readonly calls: readonly KnownCall[];
}

/** What is known of one kind of call. */
class Habit {
  readonly begin = new Evidence();
  readonly end = new Evidence();
  /** By the kind of the other call. */
  readonly beside = new Map<number, Evidence>();
  /** Requests by the calls of this kind that they were seen to make, from one on. */
  readonly #requests = new Float64Array(MAX_PLACES + 1);
  #count = 0;

  get known(): number {
    return this.begin.count;
  }

  learnNumber(calls: number): void {
    this.#requests[Math.min(calls, MAX_PLACES + 1) - 1]!++;
    if (++this.#count < MAX_COUNT) return;
    for (let i = 0; i <= MAX_PLACES; i++) this.#requests[i]! /= 2;
    this.#count /= 2;
  }

  /** How many calls of this kind a request makes, but for exceptions; undefined where it is more than can be told. */
  get places(): number | undefined {
    let more = this.#count;
    for (let calls = 1; calls <= MAX_PLACES; calls++) {
      more -= this.#requests[calls - 1]!;
      if (more * RARE <= this.#count) return calls;
    }
    return undefined;
  }
}

/** What there is in one direction of time: the strongest evidence counts whole, the rest by the order. */
class Side {
  #best: Evidence | undefined;
  #bin = 0;
  #rest = 0;

  /** `holds`: whether more than the order is to be believed. */
  add(evidence: Evidence, bin: number, holds = true): void {
    if (!holds || (this.#best !== undefined && evidence.information <= this.#best.information)) {
      this.#rest += evidence.logOrderRatio(bin);
      return;
    }
    this.#rest += this.#best?.logOrderRatio(this.#bin) ?? 0;
    this.#best = evidence;
    this.#bin = bin;
  }

  get logRatio(): number {
    return this.#rest + (this.#best?.logRatio(this.#bin) ?? 0);
  }
}

/**
 * How the requests of one process make their calls, learnt from those whose calls are known: which come when after which, and how many of a kind. Of
 * what is learnt the strongest evidence in either direction of time counts as it is; the rest by the order alone, since gaps go together.
 */
export class Habits {
  readonly #habits = new Map<number, Habit>();

  /** How many calls of a kind a request makes; undefined where too little is known. */
  placesOf(kind: number): number | undefined {
    const habit = this.#habits.get(kind);
    return habit === undefined || habit.known < ENOUGH ? undefined : habit.places;
  }

  /** A request is over, all of whose calls that will be known are known. `othersOf`: requests that a call could have been for, and was not. */
  learn(request: KnownRequest, othersOf: (call: KnownCall) => readonly KnownRequest[]): void {
    const numbers = new Map<number, number>();
    for (const call of request.calls) {
      const habit = this.#habitOf(call.kind);
      numbers.set(call.kind, (numbers.get(call.kind) ?? 0) + 1);
      learnFrom(habit, call, request, true);
      for (const other of othersOf(call)) learnFrom(habit, call, other, false);
    }
    for (const [kind, calls] of numbers) this.#habitOf(kind).learnNumber(calls);
  }

  /** The logarithm of how many times likelier a pair is if the call belongs to the request. */
  logRatio(call: KnownCall, request: KnownRequest): number {
    const { begin, end, beside } = this.#habitOf(call.kind);
    const before = new Side();
    const after = new Side();
    before.add(begin, sinceBegin(call, request));
    if (request.endNs !== Infinity) after.add(end, untilEnd(call, request), end.holds);
    for (const other of request.calls) {
      const evidence = beside.get(other.kind);
      if (evidence === undefined) continue;
      if (evidence.forwards) before.add(evidence, binOf(call, other));
      else after.add(evidence, binOf(call, other), evidence.holds);
    }
    return before.logRatio + after.logRatio;
  }

  /** A loose call most likely belongs to a request: whether what is known of others holds for it, too. */
  compare(call: KnownCall, request: KnownRequest): void {
    const { end, beside } = this.#habitOf(call.kind);
    if (request.endNs !== Infinity) end.meet(untilEnd(call, request));
    for (const other of request.calls) beside.get(other.kind)?.meet(binOf(call, other));
  }

  #habitOf(kind: number): Habit {
    let habit = this.#habits.get(kind);
    if (habit === undefined) this.#habits.set(kind, (habit = new Habit()));
    return habit;
  }
}

function learnFrom(habit: Habit, call: KnownCall, request: KnownRequest, own: boolean): void {
  habit.begin.learn(sinceBegin(call, request), own);
  if (request.endNs !== Infinity) habit.end.learn(untilEnd(call, request), own);
  for (const other of request.calls) {
    if (other === call) continue;
    let evidence = habit.beside.get(other.kind);
    if (evidence === undefined) habit.beside.set(other.kind, (evidence = new Evidence()));
    evidence.learn(binOf(call, other), own);
  }
}
