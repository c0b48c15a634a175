import assert from 'node:assert/strict';
import { Habits, type KnownCall, type KnownRequest } from '../../../src/link/residual/habits.ts';
import { MS } from '../make-exchange.ts';

const [A, B] = [0, 1];

const call = (kind: number, startMs: number, endMs: number): KnownCall => ({
  ...{ kind, startNs: startMs * MS, endNs: endMs * MS },
});

/** A request that calls A after 1 ms, and B a tenth of a millisecond after A has ended. */
function request(startMs: number, more: readonly KnownCall[] = []): KnownRequest {
  const calls = [call(A, startMs + 1, startMs + 5), call(B, startMs + 5.1, startMs + 9), ...more];
  return { startNs: startMs * MS, endNs: (startMs + 9.2) * MS, calls };
}

/** What requests taught, each with another that began 3 ms before it. */
function learnt(requests: number, more: (startMs: number) => readonly KnownCall[] = () => []): Habits {
  const habits = new Habits();
  for (let n = 0; n < requests; n++) {
    const startMs = 100 * n;
    habits.learn(request(startMs, more(startMs)), () => [request(startMs - 3)]);
  }
  return habits;
}

/** The same request, of which B is not known. */
function lacking(startMs: number): KnownRequest {
  const whole = request(startMs);
  return { ...whole, calls: whole.calls.slice(0, 1) };
}

describe('link/residual/habits', () => {
  it('say nothing of a kind of which too little is known', () => {
    assert.equal(learnt(49).placesOf(A), undefined);
    assert.equal(learnt(50).placesOf(A), 1);
    assert.equal(learnt(50).placesOf(7), undefined);
  });

  it('know how many calls of a kind requests make, but for exceptions', () => {
    const twice = (startMs: number): KnownCall[] => [call(A, startMs + 6, startMs + 7)];
    assert.equal(learnt(60, twice).placesOf(A), 2);
    assert.equal(learnt(300, (startMs) => (startMs === 100 ? twice(startMs) : [])).placesOf(A), 1);
    const many = (startMs: number): KnownCall[] =>
      Array.from({ length: 5 }, (_, i) => call(A, startMs + 6 + i / 10, startMs + 7));
    assert.equal(learnt(60, many).placesOf(A), undefined);
  });

  it('tell the request of a call from others by what its own calls lie like', () => {
    const habits = learnt(100);
    const loose = call(B, 5.1, 9);
    const own = habits.logRatio(loose, lacking(0));
    assert.ok(own > 1, String(own));
    for (const startMs of [-3, -1, 3]) {
      const other = habits.logRatio(loose, lacking(startMs));
      assert.ok(other < own - 1, `${startMs}: ${other}, own ${own}`);
    }
  });

  it('believe no gap behind a call before loose calls have been seen to have it', () => {
    // What is known of B and the end of its request: always 0.2 ms.
    const habits = learnt(100);
    const open: KnownRequest = { ...lacking(0), calls: [] };
    const near = call(B, 5, 9);
    const far = call(B, 5, 5.5);
    assert.equal(habits.logRatio(near, open), habits.logRatio(far, open));
    for (let i = 0; i < 40; i++) habits.compare(near, open);
    assert.ok(habits.logRatio(near, open) > habits.logRatio(far, open) + 1);
    for (let i = 0; i < 80; i++) habits.compare(far, open);
    assert.equal(habits.logRatio(near, open), habits.logRatio(far, open));
  });
});
