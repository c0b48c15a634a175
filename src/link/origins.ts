import type { Connection } from '../connection/connection.ts';
import type { Role, Sending } from '../decode/exchange.ts';
import { type Pending, readAt, readBy } from './pending.ts';
import { LEAST } from './residual/subject.ts';
import { BATCH, COMPLETION, REUSE, rules, THREAD } from './rule/index.ts';
import type { Sent, Woken } from './rule/rule.ts';
import { Serving } from './serving.ts';
import { ENOUGH } from './trust.ts';

const MAX_PROCESSES = 8192;
/** A call that led to the response of its origin; another call of such a request; one where the rule is known to hold. */
const CONFIRMED = 0.99;
const ALONGSIDE = 0.97;
const PROVEN = 0.95;
/** At most, where the rule is not known to hold; where something speaks against this very link. */
const UNSURE = 0.899;
const DOUBTED = 0.5;

/** What is counted, and shown as metrics. */
export interface OriginCounts {
  /** Calls that two rules gave to different requests. */
  conflicts: number;
  /** Rules that were switched off in a process, by name. */
  switchedOff: Record<string, number>;
}

export interface OriginsOptions {
  /** Look for pools, and for whom they make calls. */
  completions?: boolean;
  /** A process has a pool, or has none any more. */
  onPool?: (tgid: number, isPool: boolean) => void;
  /** A process has ended, or there is no room for it. */
  onForgotten?: (serving: Serving) => void;
}

/**
 * For whom a process makes its calls: the links between a server's request and the client's requests that it led to.
 *
 * The rules are asked when a call is sent, and of a pool's calls when the response has woken somebody. They are checked when a response is sent, since
 * whose that is the connection tells: a chain of calls, each sent because of the response to the one before, ends there, and every link of it is
 * borne out, or is not. What is believed is decided when the span is made, which is after the response as a rule.
 */
export class Origins {
  readonly counts: OriginCounts = {
    conflicts: 0,
    switchedOff: Object.fromEntries(rules.map(({ name }) => [name, 0])),
  };
  readonly #processes = new Map<number, Serving>();
  readonly #completions: boolean;
  readonly #onPool: (tgid: number, isPool: boolean) => void;
  readonly #onForgotten: (serving: Serving) => void;

  constructor({
    completions = true,
    onPool = () => undefined,
    onForgotten = () => undefined,
  }: OriginsOptions = {}) {
    this.#onForgotten = onForgotten;
    this.#completions = completions;
    this.#onPool = onPool;
  }

  /** An exchange's request has been seen. */
  opened(pending: Pending): void {
    const { exchange } = pending;
    const { tgid, processStartNs, role } = exchange;
    let serving = this.#processes.get(tgid);
    if (serving?.startNs !== processStartNs) serving = undefined;
    if (role === 'server') {
      serving ??= this.#add(tgid, processStartNs);
      pending.serving = serving;
      pending.alone = serving.open === 0;
      serving.add(pending);
      pending.serial = serving.serial;
    } else if (serving !== undefined) {
      pending.serving = serving;
      this.#ask(pending, serving);
    }
    exchange.reason = undefined;
  }

  /** An exchange has ended. */
  closed(pending: Pending): void {
    const { exchange, serving } = pending;
    if (exchange.role !== 'server' || serving === undefined) return;
    const { answer, connection } = exchange;
    if (answer !== undefined) this.#check(pending, serving, sentBy(answer, connection, 'server'));
    exchange.answer = undefined;
    if (serving.serial !== pending.serial) pending.alone = false;
    serving.remove(pending);
  }

  /** An exchange was lost before its end. */
  dropped(pending: Pending): void {
    if (pending.exchange.role === 'server') pending.serving?.remove(pending);
  }

  onProcessExit(tgid: number): void {
    const serving = this.#processes.get(tgid);
    if (serving === undefined) return;
    this.#processes.delete(tgid);
    this.#onForgotten(serving);
    if (serving.pool.isPool) this.#onPool(tgid, false);
  }

  /** The kernel side tells whom the threads of a process wake from `nowNs` on; undefined: not any more. */
  onWatched(tgid: number, nowNs: number | undefined): void {
    this.#processes.get(tgid)?.watch(nowNs);
  }

  /** The response of a call has woken a thread. Gives the call's origin where that is known by it. */
  woke(call: Pending, woken: Woken): Pending | undefined {
    const { serving, origin, placement } = call;
    if (serving === undefined || placement !== undefined) return undefined;
    if (serving.trust[COMPLETION]!.rests(serving.serial)) return undefined;
    const found = rules[COMPLETION]!.originOfWoken!(woken, serving);
    if (found === undefined || !mayCause(found, call)) return undefined;
    if (origin !== undefined) this.#compare(call, serving, origin === found);
    if (origin !== undefined || !call.awaitsWake) return undefined;
    call.origin = found;
    call.rules = 1 << COMPLETION;
    call.handedOver = true;
    found.completions++;
    serving.pool.found();
    return found;
  }

  /** Whether what is known by now is all that can be known soon, so that a span need not wait. */
  isSettled(pending: Pending): boolean {
    const { origin, serving } = pending;
    if (origin === undefined || pending.confirmed) return true;
    const trust = serving!.trust[bestRule(pending)]!;
    if (trust.settled || (!trust.proven && serving!.silent >= ENOUGH)) return true;
    // With nothing under way no response will tell more.
    return !origin.open && (serving!.open === 0 || (origin.alone && origin.passed));
  }

  /** The rule that a call with an origin owes it to, and how sure it is, 0.5 to 1; undefined where it is more likely wrong than right. */
  linkOf(pending: Pending): { method: string; confidence: number } | undefined {
    const rule = bestRule(pending);
    const confidence = confidenceOf(pending, rule);
    return confidence < LEAST ? undefined : { method: rules[rule]!.name, confidence };
  }

  /** Rules that are switched off, by process. */
  *switchedOff(): IterableIterator<{ tgid: number; startNs: number; rule: string }> {
    for (const [tgid, { startNs, trust }] of this.#processes)
      for (let i = 0; i < rules.length; i++) if (trust[i]!.off) yield { tgid, startNs, rule: rules[i]!.name };
  }

  #add(tgid: number, startNs: number): Serving {
    this.onProcessExit(tgid); // of the number before
    if (this.#processes.size >= MAX_PROCESSES) {
      const [oldest] = this.#processes.keys();
      this.onProcessExit(oldest!);
    }
    const serving = new Serving(startNs);
    this.#processes.set(tgid, serving);
    return serving;
  }

  #ask(pending: Pending, serving: Serving): void {
    const { exchange } = pending;
    const { reason } = exchange;
    const sent = sentBy(exchange, exchange.connection, 'client');
    let found: Pending | undefined;
    for (let i = 0; i < rules.length; i++) {
      const origin = serving.trust[i]!.rests(serving.serial)
        ? undefined
        : rules[i]!.originOf?.(sent, serving);
      if (origin === undefined || !mayCause(origin, pending)) continue;
      if (found !== undefined && found !== origin) {
        this.counts.conflicts++;
        return;
      }
      found = origin;
      pending.rules |= 1 << i;
    }
    if (serving.open > 0) this.#classify(pending, serving, found === undefined && !serving.reads(sent.tid));
    if (found === undefined) return;
    pending.origin = found;
    const isBatch = (pending.rules & (1 << BATCH)) !== 0;
    pending.via = callOf(sent, isBatch);
    if (isBatch) pending.batch = reason;
    found.calls++;
  }

  #classify(pending: Pending, serving: Serving, foreign: boolean): void {
    if (!this.#completions) return;
    const { pool } = serving;
    const watched = pool.isPool && serving.watches(pending);
    // Where nothing could be found yet, that nothing was says nothing.
    if (pool.isPool && !watched) return;
    if (pool.called(foreign)) this.#onPool(pending.exchange.tgid, pool.isPool);
    pending.awaitsWake = foreign && watched;
  }

  /** A call whose origin is known has woken a thread: for the same request or for another. */
  #compare(call: Pending, serving: Serving, same: boolean): void {
    const bit = 1 << COMPLETION;
    if (same && call.rules & bit) return; // the same thread twice
    if (same) call.rules |= bit;
    else this.counts.conflicts++;
    if (!same && call.rules === bit) call.doubted = true;
    this.#count(serving, COMPLETION, same);
  }

  /** The response of `pending` was sent: whose is it by the rules? */
  #check(pending: Pending, serving: Serving, sent: Sent): void {
    const sole = rules[THREAD]!.originOf!(sent, serving);
    // That a thread answers what it has just read says nothing about calls where it made none.
    if (sole !== undefined && (sole !== pending || pending.calls > 0)) {
      this.#judge(pending, sole === pending);
      this.#count(serving, THREAD, sole === pending);
    }
    if (pending.completions > 0) {
      // Whoever waited for the calls of a request is to answer it.
      const answers = sent.tid === pending.exchange.tid;
      this.#judge(pending, answers);
      this.#count(serving, COMPLETION, answers);
    }
    const batches = !serving.trust[BATCH]!.off;
    const last = callOf(sent, batches);
    if (last?.origin === undefined) {
      if (sole === undefined && pending.calls > 0) serving.silent++;
      return;
    }
    const passed = last.origin === pending;
    this.#judge(pending, passed);
    const used = followChain(last, passed, batches && callOf(sent, false) === undefined);
    for (let i = 0; i < rules.length; i++)
      if (i !== THREAD && (used & (1 << i)) !== 0) this.#count(serving, i, passed);
  }

  #judge(pending: Pending, passed: boolean): void {
    if (passed) pending.passed = true;
    else pending.failed = true;
  }

  #count(serving: Serving, rule: number, passed: boolean): void {
    if (serving.trust[rule]!.check(passed, serving.serial)) this.counts.switchedOff[rules[rule]!.name]!++;
  }
}

/** One object, filled anew for every question. */
let sent: Sent | undefined;

function sentBy({ tid, turn, reason, place }: Sending, connection: Connection, role: Role): Sent {
  if (sent === undefined) return (sent = { tid, turn, reason, place, connection, role });
  sent.tid = tid;
  sent.turn = turn;
  sent.reason = reason;
  sent.place = place;
  sent.connection = connection;
  sent.role = role;
  return sent;
}

/** A cause starts before what it causes; so no request to the own process is taken for its own cause, and origins form no circle. */
function mayCause(origin: Pending, { exchange, hop }: Pending): boolean {
  return origin.exchange.startNs < exchange.startNs && (hop === undefined || origin.hop !== hop);
}

/** The call whose response a thread had read, if that is what it was; of several, where `batches`, the one whose place this has. */
function callOf({ reason, place }: Sent, batches: boolean): Pending | undefined {
  const read = readBy(reason) ?? (batches ? readAt(reason, place) : undefined);
  return read?.exchange.role === 'client' ? read : undefined;
}

/**
 * Marks the calls of a chain that ended in a response, from the last one back; `batched`: the response is held for the last one's by its place. Returns
 * the rules that this says something about, as bits: all that were used; where the chain is broken and went over a connection that may have been
 * handed on, or through a batch, that is where. A batch of which nothing is believed since not each message has led to one explains it by itself.
 */
function followChain(last: Pending, passed: boolean, batched: boolean): number {
  let used = 0;
  let weak = batched ? 1 << BATCH : 0;
  let uneven = false;
  for (let call: Pending | undefined = last; call !== undefined && !call.doubted; call = call.via) {
    if (passed) call.confirmed = true;
    else call.doubted = true;
    used |= call.rules;
    if (call.rules === 1 << REUSE || call.rules === 1 << BATCH) weak |= call.rules;
    uneven ||= isUneven(call);
  }
  if (passed) return used | weak;
  return uneven ? 0 : weak || used;
}

/** Of a batch it turned out that not each message has led to one. */
function isUneven({ batch }: Pending): boolean {
  return batch !== undefined && batch.sends !== (batch.exchange as unknown[]).length;
}

/** The rule of those that found the origin which is surest now; of equals the one that is made for such a thread. */
function bestRule(pending: Pending): number {
  let best = -1;
  let most = 0;
  for (let i = 0; i < rules.length; i++) {
    if ((pending.rules & (1 << i)) === 0) continue;
    const confidence = confidenceOf(pending, i);
    const fits = best === THREAD && pending.exchange.turn > 0;
    if (confidence > most || (confidence === most && fits)) [best, most] = [i, confidence];
  }
  return best;
}

function confidenceOf(pending: Pending, rule: number): number {
  const origin = pending.origin!;
  const trust = pending.serving!.trust[rule]!;
  const doubted = Math.min(DOUBTED, trust.rate);
  if (origin.failed) return doubted;
  for (let call: Pending | undefined = pending; call !== undefined; call = call.via)
    if (call.doubted || isUneven(call)) return doubted;
  if (trust.off) return Math.min(UNSURE, trust.rate);
  if (pending.confirmed) return CONFIRMED;
  if (origin.passed && (trust.proven || origin.alone)) return ALONGSIDE;
  return trust.proven ? PROVEN : Math.min(UNSURE, trust.rate);
}
