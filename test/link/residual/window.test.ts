import assert from 'node:assert/strict';
import { Pending } from '../../../src/link/pending.ts';
import { type Call, Window } from '../../../src/link/residual/window.ts';
import { makeExchange, MS } from '../make-exchange.ts';

const served = (startMs: number, endMs = 0): Pending =>
  new Pending(makeExchange({ role: 'server', startNs: startMs * MS, endNs: endMs * MS }));

function made(startMs: number, endMs: number, done = false): Call {
  const [startNs, endNs] = [startMs * MS, endMs * MS];
  const pending = new Pending(makeExchange({ role: 'client', startNs, endNs }));
  return { pending, kind: 0, startNs, endNs, request: undefined, done, met: false, asked: false };
}

function makeWindow(): { window: Window; overflows: () => number } {
  let overflows = 0;
  return { window: new Window(() => overflows++), overflows: () => overflows };
}

describe('link/residual/window', () => {
  it('keeps its order, whatever the order in which it is told', () => {
    const { window } = makeWindow();
    for (const startMs of [3, 1, 2]) window.opened(served(startMs));
    assert.deepEqual(
      window.requests.map(({ startNs }) => startNs / MS),
      [1, 2, 3],
    );
  });

  it('knows since when a request has been open', () => {
    const { window } = makeWindow();
    const [first, second] = [served(1, 10), served(2, 20)];
    for (const pending of [first, second]) window.opened(pending);
    window.ended(first);
    assert.equal(window.oldestOpenNs(5 * MS), 1 * MS);
    assert.equal(window.oldestOpenNs(10 * MS), 2 * MS);
    window.ended(second);
    assert.equal(window.oldestOpenNs(20 * MS), Infinity);
  });

  it('keeps requests as long as a call that is not done may belong to them', () => {
    const { window } = makeWindow();
    const early = served(1, 10);
    window.opened(early);
    window.ended(early);
    const call = made(5, 8);
    window.add(call);
    window.forget(10_000 * MS, 100 * MS);
    assert.deepEqual([window.requests.length, window.calls.length], [1, 1]);
    call.done = true;
    window.forget(10_000 * MS, 100 * MS);
    assert.deepEqual([window.requests.length, window.calls.length], [0, 0]);
  });

  it('forgets requests that stay open, and those that are lost', () => {
    const { window } = makeWindow();
    const [endless, lost] = [served(1), served(2)];
    for (const pending of [endless, lost]) window.opened(pending);
    window.lost(lost);
    assert.equal(window.find(lost), undefined);
    window.forget(9000 * MS, 100 * MS);
    assert.notEqual(window.find(endless), undefined);
    window.forget(11_000 * MS, 100 * MS);
    assert.equal(window.requests.length, 0);
  });

  it('is bounded, and counts what that costs', () => {
    const { window, overflows } = makeWindow();
    for (let i = 0; i < 4100; i++) window.opened(served(i));
    assert.equal(window.requests.length, 4096);
    assert.equal(overflows(), 4);
    for (let i = 0; i < 4100; i++) window.add(made(i, i + 1, i === 0));
    assert.equal(window.calls.length, 4096);
    assert.equal(overflows(), 7); // of the first call everything was known
  });
});
