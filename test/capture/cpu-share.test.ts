import assert from 'node:assert/strict';
import { CpuShare } from '../../src/capture/cpu-share.ts';

/** Lets time pass in which the process used so much CPU; gives back what the scheduler was told so far. */
function setUp(refuse = false): {
  work: (passed: number, used: number) => void;
  told: boolean[];
  warnings: string[];
} {
  let [now, used] = [1000, 300];
  const told: boolean[] = [];
  const warnings: string[] = [];
  const addon = {
    runInIdleTime: (only: boolean): void => {
      told.push(only);
      if (refuse) throw new Error('EPERM');
    },
  };
  const log = {
    debug() {},
    info() {},
    warn: (_: object, text: string) => void warnings.push(text),
    error() {},
  };
  const share = new CpuShare(
    addon,
    log,
    () => used,
    () => now,
  );
  const work = (passedMs: number, usedMs: number): void => {
    now += passedMs;
    used += usedMs;
    share.settle();
  };
  return { work, told, warnings };
}

describe('capture/cpu-share', () => {
  it('says nothing while a twentieth of a core is enough', () => {
    const { work, told } = setUp();
    for (let i = 0; i < 1000; i++) work(100, 5);
    assert.deepEqual(told, []);
  });

  it('works beyond that in idle time only, until it has been paid for', () => {
    const { work, told } = setUp();
    work(50, 50); // 50 saved
    assert.deepEqual(told, []);
    work(20, 20);
    assert.deepEqual(told, [true]);
    work(20, 10);
    assert.deepEqual(told, [true], 'told once');
    for (let i = 0; i < 10; i++) work(100, 0);
    assert.deepEqual(told, [true, false]);
  });

  it('owes and saves no more than 50 ms', () => {
    const { work, told } = setUp();
    work(10_000, 10_000);
    assert.deepEqual(told, [true]);
    work(999, 0);
    assert.deepEqual(told, [true]);
    work(2, 0);
    assert.deepEqual(told, [true, false]);
    work(100_000, 0);
    work(60, 55);
    assert.deepEqual(told, [true, false, true]);
  });

  it('gives up, and says so once, where the kernel refuses', () => {
    const { work, told, warnings } = setUp(true);
    for (let i = 0; i < 10; i++) work(100, 100);
    assert.deepEqual([told.length, warnings.length], [1, 1]);
  });
});
