import assert from 'node:assert/strict';
import type { Pending } from '../../../src/link/pending.ts';
import { type Guess, Matcher } from '../../../src/link/residual/matcher.ts';
import { MS } from '../make-exchange.ts';
import { type Made, simulate, type Simulation } from './simulated-service.ts';

const WAIT_NS = 2500 * MS;
const TICK_NS = 25 * MS;

interface Outcome {
  guesses: Map<Pending, Guess>;
  /** Loose calls of the second half, when the matcher has learnt. */
  loose: Made[];
  matcher: Matcher;
}

function run(simulation: Simulation, confidence = 0.97): Outcome {
  const { events, made } = simulate(simulation);
  const options = { confidenceOf: () => confidence, waitNs: WAIT_NS, minConfidence: 0.9 };
  const matcher = new Matcher(options, { overflows: 0 });
  const guesses = new Map<Pending, Guess>();
  const decided = (call: Pending, guess: Guess | undefined): void => void (guess && guesses.set(call, guess));
  let tickNs = events[0]!.atNs;
  for (const { atNs, what, pending, made: call } of events) {
    for (; tickNs <= atNs; tickNs += TICK_NS) matcher.clock(tickNs, decided);
    if (what === 'opened') matcher.window.opened(pending);
    else if (what === 'closed') {
      pending.open = false;
      matcher.window.ended(pending);
    } else if (what === 'called')
      matcher.called(pending, {
        name: 'GET',
        attributes: {},
        errorType: undefined,
        path: `/${call!.letter}/17`,
      });
  }
  for (let i = 0; i < 200; i++) matcher.clock((tickNs += TICK_NS), decided);
  const loose = made.slice(made.length / 2).filter(({ pending }) => pending.origin === undefined);
  return { guesses, loose, matcher };
}

/** Of the links that are loose: how many were guessed right, and wrong; of those that are to be parents, where there is a least confidence. */
function score({ guesses, loose }: Outcome, least = 0): { right: number; wrong: number; of: number } {
  let [right, wrong] = [0, 0];
  for (const { pending, request } of loose) {
    const guess = guesses.get(pending);
    if (guess === undefined || guess.confidence < least || (least > 0 && guess.heldBack)) continue;
    if (guess.request === request) right++;
    else wrong++;
  }
  return { right, wrong, of: loose.length };
}

/** As the rules of a pool know it: the call that is not waited for last wakes nobody. */
const asInPool = ({ letter, last }: Made): boolean => letter !== 'c' || last;

describe('link/residual/matcher', () => {
  it('finds most of what a pool leaves open', () => {
    const { right, wrong, of } = score(run({ clients: 8, requests: 3000, isKnown: asInPool }));
    assert.ok(of > 500);
    assert.ok(right > 0.85 * of, JSON.stringify({ right, wrong, of }));
    assert.ok(wrong < 0.1 * of, JSON.stringify({ right, wrong, of }));
  });

  it('is nearly always right where it is sure, and says so as often as it is right', () => {
    for (const clients of [4, 32]) {
      const outcome = run({ clients, requests: 2500, isKnown: (_, next) => next() < 0.7 });
      const sure = score(outcome, 0.9);
      assert.ok(sure.wrong <= 0.01 * sure.right, JSON.stringify({ clients, sure }));
      const told = outcome.loose.flatMap(({ pending, request }) => {
        const guess = outcome.guesses.get(pending);
        return guess === undefined ? [] : [{ ...guess, isRight: guess.request === request }];
      });
      const claimed = told.reduce((sum, { confidence }) => sum + confidence, 0);
      const right = told.filter(({ isRight }) => isRight).length;
      assert.ok(told.length > 100, String(told.length));
      assert.ok(
        Math.abs(claimed - right) < 0.03 * told.length,
        JSON.stringify({ clients, claimed, right, of: told.length }),
      );
    }
  });

  it('says nothing where nobody teaches it, or where what it is taught is not certain', () => {
    assert.equal(run({ clients: 4, requests: 1000, isKnown: () => false }).guesses.size, 0);
    assert.equal(run({ clients: 4, requests: 1000, isKnown: asInPool }, 0.9).guesses.size, 0);
  });

  it('says nothing of calls that no request was open for', () => {
    const outcome = run({ clients: 2, requests: 1500, isKnown: asInPool });
    for (const { pending } of outcome.loose) {
      const guess = outcome.guesses.get(pending);
      if (guess === undefined) continue;
      const { startNs } = pending.exchange;
      const { exchange } = guess.request;
      assert.ok(exchange.startNs < startNs && exchange.endNs >= startNs);
    }
  });

  it('forgets what is over', () => {
    const { matcher } = run({ clients: 16, requests: 3000, isKnown: asInPool });
    assert.deepEqual([matcher.window.requests.length, matcher.window.calls.length], [0, 0]);
  });
});
