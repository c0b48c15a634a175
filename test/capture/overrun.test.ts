import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Overrun, readCpuTimes } from '../../src/capture/overrun.ts';

/** A kernel that sheds, or not; and a machine whose CPU times the test sets, in ms. */
function setUp(): {
  overrun: Overrun;
  kernel: { shedding: number };
  pass: (wall: number, own: number, idle: number) => void;
  warnings: string[];
} {
  const kernel = { shedding: 0 };
  const times = { wall: 1000, own: 500, idle: 700 };
  const warnings: string[] = [];
  const tracer = {
    getGlobal: (): bigint => BigInt(kernel.shedding),
    setGlobal: (name: string, value: number | bigint): void => {
      assert.equal(name, 'shedding');
      kernel.shedding = Number(value);
    },
  };
  const log = {
    debug() {},
    info() {},
    warn: (_: object, text: string) => void warnings.push(text),
    error() {},
  };
  const overrun = new Overrun(
    tracer,
    log,
    () => ({ ...times }),
    () => times.wall,
  );
  const pass = (wall: number, own: number, idle: number): void => {
    times.wall += wall;
    times.own += own;
    times.idle += idle;
  };
  return { overrun, kernel, pass, warnings };
}

describe('capture/overrun', () => {
  it('leaves the kernel alone while the ring has room', () => {
    const { overrun, kernel, warnings } = setUp();
    overrun.check(true);
    assert.deepEqual([overrun.lasts, kernel.shedding, warnings], [false, 0, []]);
  });

  it('takes data again when the ring is empty and a twentieth of a core has not been used', () => {
    const { overrun, kernel, pass, warnings } = setUp();
    kernel.shedding = 1;
    overrun.check(false);
    assert.ok(overrun.lasts);
    assert.equal(warnings.length, 1);
    pass(20, 20, 0);
    overrun.check(false);
    pass(80, 0, 0);
    overrun.check(true);
    assert.equal(kernel.shedding, 1, 'after 20 ms of work in 100 ms');
    pass(250, 0, 0);
    overrun.check(true);
    assert.equal(kernel.shedding, 1, 'after 20 ms of work in 350 ms');
    pass(50, 0, 0);
    overrun.check(true);
    assert.deepEqual([kernel.shedding, overrun.lasts], [0, false], 'after 20 ms of work in 400 ms');
  });

  it('waits for room, however little it has worked', () => {
    const { overrun, kernel, pass } = setUp();
    kernel.shedding = 1;
    overrun.check(false);
    pass(1000, 1, 1000);
    overrun.check(false);
    assert.equal(kernel.shedding, 1);
  });

  it('takes data again at once where half of what was idle is enough', () => {
    const { overrun, kernel, pass } = setUp();
    kernel.shedding = 1;
    overrun.check(false);
    pass(100, 60, 120);
    overrun.check(true);
    assert.equal(kernel.shedding, 0);
  });

  it('reckons each overrun by itself, and tells of it', () => {
    const { overrun, kernel, pass, warnings } = setUp();
    kernel.shedding = 1;
    overrun.check(true);
    pass(10_000, 0, 0);
    overrun.check(true);
    assert.equal(kernel.shedding, 0);
    kernel.shedding = 1;
    overrun.check(false);
    pass(100, 50, 0);
    overrun.check(true);
    assert.equal(kernel.shedding, 1, 'what was saved before does not count');
    assert.equal(warnings.length, 2);
  });

  it('reads the idle time of all CPUs and its own time', () => {
    const root = mkdtempSync(join(tmpdir(), 'undertrace-proc-'));
    writeFileSync(join(root, 'stat'), 'cpu  10 20 30 4000 500 6 7 8 9 0\ncpu0 1 2 3 4 5 6 7 8 9 0\n');
    const { own, idle, wall } = readCpuTimes(root);
    rmSync(root, { recursive: true });
    assert.equal(idle, 45_000);
    assert.ok(own > 0 && wall > 0);
    assert.ok(readCpuTimes().idle > 0);
  });
});
