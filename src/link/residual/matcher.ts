import type { Description } from '../../decode/exchange.ts';
import type { Pending } from '../pending.ts';
import { Allowance } from './allowance.ts';
import { assign, type Best } from './assign.ts';
import { Habits } from './habits.ts';
import { Kinds } from './kinds.ts';
import type { ResidualCounts } from './residual.ts';
import { Subject } from './subject.ts';
import { type Call, type Served, Window } from './window.ts';

const MS = 1_000_000;
/** So long after its end what the rules find out about a request or a call is known. */
const SETTLED_NS = 50 * MS;
/** What is over is remembered for so long at least: others beside it are to be told from it. */
const KEEP_NS = 200 * MS;
/** Links that teach have at least this confidence. */
const SURE = 0.95;
/** Loose calls of which it is as good as known what they belong to. */
const LIKELY = 0.8;
/** So many calls are decided at once, with so many before and after them that compete with them. */
const AT_ONCE = 64;
const AROUND = 64;
/** For so many loose calls one that is known is hidden among them, and others in further turns until there are many answers. */
const HIDE_ONE_IN = 4;
const TURNS = 4;
/** Requests beside one in the window, that its calls are not for: near ones and far ones. */
const BESIDE = [-61, -29, -11, -5, -2, -1, 1, 2, 5, 11, 29, 61];

/** What the matcher has to say of a call. */
export interface Guess {
  readonly request: Pending;
  /** 0 to 1: how often such guesses are right. */
  readonly confidence: number;
  /** It is to be no parent, however sure it is. */
  readonly heldBack: boolean;
}

export interface MatcherOptions {
  /** Of a call whose origin is known. */
  confidenceOf: (call: Pending) => number;
  /** How long a call waits for the requests that were open with it. */
  waitNs: number;
  /** From which confidence on a guess becomes a parent. */
  minConfidence: number;
}

export type OnDecided = (call: Pending, guess: Guess | undefined) => void;

/**
 * Finds the requests of the calls of one process that no rule has an answer for, by what the others teach.
 *
 * Calls and requests are collected until all requests that were open when a call was made are over. Then it is assigned together with those of its kind
 * that compete with it. A guess is never the reason of another: it neither teaches nor stands in the way of what the rules know.
 */
export class Matcher {
  readonly window: Window;
  readonly #kinds = new Kinds();
  readonly #habits = new Habits();
  readonly #allowance: Allowance;
  readonly #subjects = new Map<number, Subject>();
  readonly #confidenceOf: (call: Pending) => number;
  readonly #waitNs: number;
  readonly #counts: ResidualCounts;
  #dueNs = 0;
  #hidden = 0;

  constructor({ confidenceOf, waitNs, minConfidence }: MatcherOptions, counts: ResidualCounts) {
    this.window = new Window(() => counts.overflows++);
    this.#allowance = new Allowance(minConfidence);
    this.#counts = counts;
    this.#confidenceOf = confidenceOf;
    this.#waitNs = waitNs;
  }

  /** A call has ended. Returns whether it is to wait for something that may be said of it. */
  called(pending: Pending, description: Description): boolean {
    const { startNs, endNs, connection } = pending.exchange;
    const kind = this.#kinds.of(connection, description);
    if (kind === undefined) return false;
    const call = { pending, kind, startNs, endNs, request: undefined, done: false, met: false, asked: false };
    this.window.add(call);
    return !isKnown(call) && this.#subjectOf(kind).isHopeful;
  }

  /** Time has come to `nowNs`. */
  clock(nowNs: number, onDecided: OnDecided): void {
    if (nowNs < this.#dueNs) return;
    this.#dueNs = nowNs + SETTLED_NS;
    const { window } = this;
    for (const call of window.calls) if (!call.done && isKnown(call)) this.#file(call, nowNs);
    const openNs = window.oldestOpenNs(nowNs - SETTLED_NS);
    for (const [kind, ripe] of this.#ripe(nowNs, openNs)) this.#decideAll(kind, ripe, nowNs, onDecided);
    this.#learn(nowNs, openNs);
    window.forget(nowNs, KEEP_NS);
  }

  /** Nothing more will be decided. */
  stop(onDecided: OnDecided): void {
    for (const { done, pending } of this.window.calls) if (!done) onDecided(pending, undefined);
  }

  /** Puts a call to its request, once what the rules say of it is certain. */
  #file(call: Call, nowNs: number): void {
    const { origin } = call.pending;
    const waits = call.endNs + this.#waitNs > nowNs;
    if (origin!.open && waits) return;
    if (this.#confidenceOf(call.pending) >= SURE) {
      this.#allowance.known();
      call.request = this.window.find(origin!);
      call.request?.calls.push(call);
    } else if (waits) {
      return;
    }
    call.done = true;
  }

  /** Loose calls for which there is nothing left to wait for, by their kinds. */
  #ripe(nowNs: number, openNs: number): Map<number, Call[]> {
    const ripe = new Map<number, Call[]>();
    for (const call of this.window.calls) {
      const { done, startNs, endNs, kind } = call;
      if (done || isKnown(call) || endNs + SETTLED_NS > nowNs) continue;
      if (openNs <= startNs && endNs + this.#waitNs > nowNs) continue;
      const calls = ripe.get(kind);
      if (calls === undefined) ripe.set(kind, [call]);
      else calls.push(call);
    }
    return ripe;
  }

  #decideAll(kind: number, ripe: readonly Call[], nowNs: number, onDecided: OnDecided): void {
    const subject = this.#subjectOf(kind);
    const places = this.#habits.placesOf(kind);
    if (places !== undefined) {
      const loose = this.window.calls.filter(
        (call) => call.kind === kind && !isKnown(call) && call.endNs + SETTLED_NS <= nowNs,
      );
      for (let from = 0; from < ripe.length; from += AT_ONCE) {
        const some = ripe.slice(from, from + AT_ONCE);
        const group = around(some, loose);
        for (let turn = 0; turn < (subject.calibration.rich ? 1 : TURNS); turn++)
          this.#askKnown(kind, places, some, group);
        subject.askedUntilNs = Math.max(subject.askedUntilNs, some.at(-1)!.startNs);
        if (subject.calibration.ready || some.some(({ met }) => !met))
          this.#decide(some, group, places, onDecided);
      }
    }
    // What can wait until it is known how sure the answer is does so.
    for (const call of ripe) {
      if (call.done || (!subject.calibration.ready && call.endNs + this.#waitNs > nowNs)) continue;
      call.done = true;
      onDecided(call.pending, undefined);
    }
  }

  /** Answers for those that are ripe, once it is known how sure an answer is. */
  #decide(ripe: readonly Call[], group: readonly Call[], places: number, onDecided: OnDecided): void {
    const subject = this.#subjectOf(ripe[0]!.kind);
    const found = assign(group, this.window.requests, this.#habits, places, subject.logOdds);
    if (found === undefined) this.#counts.overflows += ripe.length;
    const first = group.indexOf(ripe[0]!);
    const { ready } = subject.calibration;
    for (const [i, call] of group.slice(first).entries()) {
      if (!ripe.includes(call)) continue;
      const best = found?.[first + i];
      if (!call.met) this.#meet(call, best, subject);
      if (!ready) continue;
      call.done = true;
      onDecided(call.pending, best && this.#guess(best, subject));
    }
  }

  #meet(call: Call, best: Best | undefined, subject: Subject): void {
    call.met = true;
    subject.met(best?.probability ?? 0, best === undefined ? 0 : kindsOf(best.request));
    if (best !== undefined && best.probability > LIKELY) this.#habits.compare(call, best.request);
  }

  #guess({ request, probability }: Best, subject: Subject): Guess | undefined {
    const sureness = subject.sureness(probability);
    if (sureness === undefined) return undefined;
    const { confidence } = sureness;
    return { request: request.pending, confidence, heldBack: this.#allowance.holdsBack(sureness) };
  }

  /**
   * Hides calls that are known among the loose ones, and looks whether they are found. Of their requests as much is left known as is of those of loose
   * calls.
   */
  #askKnown(kind: number, places: number, ripe: readonly Call[], group: readonly Call[]): void {
    const subject = this.#subjectOf(kind);
    const { askedUntilNs: fromNs } = subject;
    const untilNs = ripe.at(-1)!.startNs;
    const known = this.window.calls.filter(
      ({ kind: its, request, asked, startNs }) =>
        its === kind &&
        request !== undefined &&
        !request.learnt &&
        !asked &&
        startNs >= fromNs &&
        startNs <= untilNs,
    );
    if (known.length === 0) return;
    const size = Math.max(2, Math.round(ripe.length / HIDE_ONE_IN));
    // Spread over the time, so that they compete with the loose ones rather than with each other.
    const step = Math.max(1, Math.floor(known.length / size));
    const hidden = known.filter((_, i) => i % step === 0).slice(0, size);
    const before = new Map(hidden.map(({ request }) => [request!, request!.calls]));
    for (const call of hidden) {
      call.asked = true;
      const kinds = subject.seen(this.#hidden++);
      const { request } = call;
      request!.calls = request!.calls.filter(
        (other) => other !== call && (other.kind === kind || ((kinds >>> other.kind) & 1) === 1),
      );
    }
    const found = assign([...hidden, ...group], this.window.requests, this.#habits, places, subject.logOdds);
    for (const [request, calls] of before) request.calls = calls;
    if (found === undefined) return;
    for (const [i, { request }] of hidden.entries())
      subject.calibration.learn(found[i]?.probability ?? 0, found[i]?.request === request);
  }

  /** Learns from requests that are over, as are all that were open with them. */
  #learn(nowNs: number, openNs: number): void {
    const { requests } = this.window;
    for (const [place, served] of requests.entries()) {
      const { learnt, endNs } = served;
      if (learnt || endNs + SETTLED_NS > nowNs || (endNs >= openNs && endNs + this.#waitNs / 2 > nowNs))
        continue;
      served.learnt = true;
      this.#habits.learn(served, (call) =>
        BESIDE.map((step) => requests[place + step]).filter(
          (other): other is Served =>
            other !== undefined && other.startNs < call.startNs && other.endNs >= call.startNs,
        ),
      );
      for (const [kind, subject] of this.#subjects) {
        const places = this.#habits.placesOf(kind) ?? 0;
        const known = served.calls.reduce((sum, call) => sum + Number(call.kind === kind), 0);
        subject.vacant(Math.max(0, places - known));
      }
    }
  }

  #subjectOf(kind: number): Subject {
    let subject = this.#subjects.get(kind);
    if (subject === undefined) this.#subjects.set(kind, (subject = new Subject()));
    return subject;
  }
}

/** Those of a list and the ones that compete with them. */
function around(some: readonly Call[], all: readonly Call[]): Call[] {
  const from = Math.max(0, all.indexOf(some[0]!) - AROUND);
  return all.slice(from, all.indexOf(some.at(-1)!) + 1 + AROUND);
}

function isKnown({ pending }: Call): boolean {
  return pending.origin !== undefined;
}

/** What is known of a request, as bits. */
function kindsOf({ calls }: Served): number {
  return calls.reduce((kinds, { kind }) => kinds | (1 << kind), 0);
}
