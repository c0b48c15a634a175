import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CpuBudget, cpuClocks } from '../../src/capture/cpu-budget.ts';

/** A machine of four CPUs. `pass` lets time go by in steps of 10 ms, with the CPU time used and idle in each; gives back in how many it might work. */
function setUp(limit = 4): {
  pass: (steps: number, ownMs: number, idleMs: number) => number;
  looks: () => number;
  budget: CpuBudget;
  now: { own: number };
} {
  const now = { wall: 1000, own: 500, idle: 7000 };
  let looks = 0;
  const clocks = {
    cpus: 4,
    wall: () => now.wall,
    own: () => now.own,
    idle: () => {
      looks++;
      return now.idle;
    },
  };
  const budget = new CpuBudget(clocks, limit);
  const pass = (steps: number, ownMs: number, idleMs: number): number => {
    let allowed = 0;
    for (let i = 0; i < steps; i++) {
      now.wall += 10;
      now.idle += idleMs;
      if (!budget.allows()) continue;
      allowed++;
      now.own += ownMs;
    }
    return allowed;
  };
  return { pass, looks: () => looks, budget, now };
}

describe('capture/cpu-budget', () => {
  it('lets an agent that needs little work without looking at the machine', () => {
    const { pass, looks } = setUp();
    assert.equal(pass(10_000, 0.09, 0), 10_000);
    assert.equal(looks(), 1);
  });

  it('gives it 2 % of a core where nothing is idle, once what it had saved is used up', () => {
    const { pass } = setUp();
    pass(1000, 10, 0);
    const allowed = pass(100_000, 10, 0);
    assert.ok(Math.abs(allowed / 100_000 - 0.02) < 0.001, `${allowed / 1000} %`);
  });

  for (const [idleMs, share] of [
    [20, 1],
    [10, 0.25],
    [8, 0.128],
    [4, 0.016],
  ] as const) {
    it(`gives it ${share} of a core more where ${idleMs / 10} of 4 are idle`, () => {
      const { pass } = setUp();
      pass(1000, 10, idleMs);
      const allowed = pass(100_000, 10, idleMs);
      assert.ok(Math.abs(allowed / 100_000 - Math.min(1, share + 0.02)) < 0.01, `${allowed / 1000} %`);
    });
  }

  it('lets it work at once for a second after a rest', () => {
    const { pass } = setUp();
    pass(1000, 10, 0);
    pass(5600, 0, 0);
    assert.equal(pass(100, 10, 0), 100);
    assert.ok(pass(100, 10, 0) < 10);
  });

  it('makes it rest no longer than a twentieth of a second of work takes to pay for', () => {
    const { pass } = setUp();
    pass(1, 60_000, 0);
    assert.equal(pass(249, 0, 0), 0);
    assert.ok(pass(3, 0, 0) > 0);
  });

  it('lets it work at times whatever the rest of the agent uses up', () => {
    const { pass, now } = setUp();
    pass(100, 10, 0);
    let allowed = 0;
    for (let i = 0; i < 10_000; i++) {
      now.own += 5;
      allowed += pass(1, 0, 0);
    }
    assert.ok(allowed >= 40 && allowed < 45, String(allowed));
  });

  it('gives it no more than its limit in the long run, however much is idle, and says when that is why', () => {
    const { pass, budget } = setUp(0.1);
    assert.equal(pass(1, 1000, 40) + pass(1, 10, 40), 1);
    assert.ok(budget.isAtLimit);
    pass(1000, 10, 40);
    assert.ok(Math.abs(pass(10_000, 10, 40) / 10_000 - 0.1) < 0.002);
    budget.limit = 0.3;
    pass(1000, 10, 40);
    assert.ok(Math.abs(pass(10_000, 10, 40) / 10_000 - 0.3) < 0.002);
    pass(1000, 0, 40);
    assert.ok(!budget.isAtLimit);
    // Two seconds of the limit may be saved up, and what was taken beyond it is paid back.
    const atOnce = pass(100, 10, 40);
    assert.ok(Math.abs(atOnce - 90) <= 2, String(atOnce));
    pass(300, 0, 40);
    assert.equal(pass(1, 10_000, 40), 1);
    assert.equal(pass(195, 0, 40), 0);
    assert.equal(pass(10, 0, 40) > 0, true);
  });

  it('is not at its limit where the host alone makes it rest', () => {
    const { pass, budget } = setUp(0.5);
    pass(1000, 10, 0);
    assert.ok(pass(1000, 10, 0) < 25);
    assert.ok(!budget.isAtLimit);
  });

  it('reads the idle time of all CPUs and its own time', () => {
    const root = mkdtempSync(join(tmpdir(), 'undertrace-proc-'));
    writeFileSync(join(root, 'stat'), 'cpu  10 20 30 4000 500 6 7 8 9 0\ncpu0 1 2 3 4 5 6 7 8 9 0\n');
    const clocks = cpuClocks(root);
    const idle = clocks.idle();
    rmSync(root, { recursive: true });
    assert.equal(idle, 45_000);
    assert.ok(clocks.own() > 0 && clocks.wall() > 0 && clocks.cpus > 0);
    assert.ok(cpuClocks().idle() > 0);
  });
});
