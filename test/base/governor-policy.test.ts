import assert from 'node:assert/strict';
import { GovernorPolicy, type Load } from '../../src/base/governor-policy.ts';

const IDLE: Load = { cpu: 0.1, programs: 0.05, memory: 0.5, held: false };
const BUSY: Load = { ...IDLE, cpu: 1.1 };
const HELD: Load = { ...IDLE, cpu: 0.95, held: true };
const FULL: Load = { ...IDLE, memory: 1.01 };
const BETWEEN: Load = { ...IDLE, cpu: 0.9 };
const TICK_MS = 500;

/** `pass` gives back the levels after each tick. */
function setUp(): { policy: GovernorPolicy; pass: (seconds: number, load: Load) => number[] } {
  const policy = new GovernorPolicy();
  let nowMs = 1000;
  const pass = (seconds: number, load: Load): number[] =>
    Array.from({ length: (seconds * 1000) / TICK_MS }, () => {
      nowMs += TICK_MS;
      const before = policy.level;
      const by = policy.step(nowMs, load);
      assert.equal(policy.level, before + by);
      return policy.level;
    });
  return { policy, pass };
}

describe('base/governor-policy', () => {
  it('gives nothing up below the limits', () => {
    const { pass } = setUp();
    assert.deepEqual([...new Set(pass(600, BETWEEN))], [0]);
  });

  for (const [what, load] of [
    ['more is taken', BUSY],
    ['the drain is held back', HELD],
  ] as const) {
    it(`takes a step after two seconds in which ${what} than may be, up to the last`, () => {
      const { pass } = setUp();
      assert.deepEqual(pass(2.5, load), [0, 0, 0, 0, 1]);
      assert.deepEqual(pass(2.5, load), [1, 1, 1, 1, 2]);
      assert.equal(pass(60, load).at(-1), 4);
    });
  }

  it('bears a burst', () => {
    const { pass } = setUp();
    for (let i = 0; i < 10; i++) assert.deepEqual([...pass(1.5, BUSY), ...pass(0.5, BETWEEN)], [0, 0, 0, 0]);
  });

  it('does not wait where the programs alone take more than may be', () => {
    const { pass } = setUp();
    assert.deepEqual(pass(2.5, { ...BUSY, programs: 1.01 }), [1, 2, 3, 4, 4]);
  });

  it('steps slowly for the sake of memory, and pauses nothing for it', () => {
    const { pass } = setUp();
    assert.equal(pass(10, FULL).at(-1), 0);
    assert.equal(pass(0.5, FULL).at(-1), 1);
    assert.equal(pass(300, FULL).at(-1), 3);
  });

  it('takes steps back in reverse order, each after three calm seconds', () => {
    const { pass } = setUp();
    pass(60, BUSY);
    const levels = pass(15, IDLE);
    assert.deepEqual([...new Set(levels)], [4, 3, 2, 1, 0]);
    assert.equal(levels.indexOf(3), 6);
    assert.equal(levels.indexOf(2) - levels.indexOf(3), 7);
  });

  it('takes none back between the limit and four fifths of it', () => {
    const { pass } = setUp();
    pass(60, BUSY);
    assert.deepEqual([...new Set(pass(600, BETWEEN))], [4]);
    assert.deepEqual([...new Set(pass(600, { ...IDLE, memory: 0.85 }))], [4]);
  });

  it('waits twice as long each time a step was taken back too early, and as at first once it was not', () => {
    const { policy, pass } = setUp();
    const rise = (): void => {
      while (policy.level < 4) pass(TICK_MS / 1000, BUSY);
    };
    /** Seconds until the last step is taken back. */
    const wait = (): number => {
      let ticks = 0;
      while (policy.level === 4) ticks += pass(TICK_MS / 1000, IDLE).length;
      return (ticks * TICK_MS) / 1000;
    };
    const waits = Array.from({ length: 10 }, () => {
      rise();
      return wait();
    });
    waits.slice(1).forEach((next, i) => assert.ok(next > 1.7 * waits[i]! || next >= 300, waits.join()));
    assert.ok(waits.at(-1)! < 301, waits.join());
    pass(900, IDLE);
    rise();
    assert.equal(wait(), waits[0]);
  });
});
