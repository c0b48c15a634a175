import assert from 'node:assert/strict';
import { ProgramMeasure } from '../../src/capture/program-measure.ts';
import { Counter } from '../../src/capture/records.gen.ts';

const log = { warn: (): void => assert.fail('nothing is to be said') };
const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 1));

/** A kernel in which, between two looks, 100 system calls make 10 records: 300 ns each on enter, 500 ns on exit, 1 ms in all else. */
function setUp(periodMs: number, sampleMs: number): { measure: ProgramMeasure; held: boolean[] } {
  const held: boolean[] = [];
  let looks = 0;
  const program = (name: string, runTimeNs: number, runCount: number) => ({
    ...{ name, id: 1, attached: true, recursionMisses: 0 },
    ...{ runTimeNs: looks * runTimeNs, runCount: looks * runCount },
  });
  const tracer = {
    holdStats: (on: boolean) => held.push(on),
    programStats: () => {
      looks++;
      return [
        program('syscall_enter', 30_000, 100),
        program('syscall_exit', 50_000, 100),
        program('process_exec', 1_000_000, 1),
      ];
    },
    sumPerCpuArray: () => {
      const counters = new BigUint64Array(32);
      counters[Counter.produced] = BigInt(looks * 10);
      return counters;
    },
  };
  const measure = new ProgramMeasure(tracer, log, periodMs, sampleMs);
  measure.start();
  return { measure, held };
}

describe('capture/program-measure', () => {
  it('holds the statistics on in samples, and knows for how long it did', async () => {
    const { measure, held } = setUp(1, 2);
    while (held.length === 0) await turn();
    while (held.length < 2) {
      assert.ok(measure.seconds >= 0);
      await turn();
    }
    const first = measure.seconds;
    assert.ok(first >= 0.001, String(first));
    while (held.length < 4) await turn();
    measure.stop();
    assert.ok(measure.seconds > first);
    assert.deepEqual(held.slice(0, 4), [true, false, true, false]);
  });

  it('tells what the programs cost from the difference within a sample', async () => {
    const { measure, held } = setUp(1, 2);
    const before = measure.cost;
    while (held.length < 2) await turn();
    measure.stop();
    assert.equal(before, undefined);
    const { share, perSyscall, perRecord } = measure.cost!;
    assert.ok(Math.abs(perSyscall! - 800e-9) < 1e-12, String(perSyscall));
    assert.ok(Math.abs(perRecord! - 108e-6) < 1e-9, String(perRecord));
    assert.ok(share > 0 && share <= 1.08, String(share));
  });

  it('does not wait for the period to end when it is hurried, nor when it is asked to measure', () => {
    const { measure, held } = setUp(60_000, 60_000);
    measure.hurried = true;
    measure.hurried = true;
    measure.measure();
    assert.deepEqual(held, [true]);
    measure.stop();
    measure.measure();
    assert.deepEqual(held, [true, false, true]);
    measure.stop();
  });

  it('lets go of the statistics when it is stopped in the middle of a sample', async () => {
    const { measure, held } = setUp(1, 60_000);
    while (held.length === 0) await turn();
    measure.stop();
    assert.deepEqual(held, [true, false]);
    const { seconds } = measure;
    assert.ok(seconds > 0);
    await turn();
    assert.equal(measure.seconds, seconds);
  });

  it('says once that the kernel refuses, and does not ask again', async () => {
    let asked = 0;
    const holdStats = (): void => {
      asked++;
      throw new Error('Operation not permitted');
    };
    const said: object[] = [];
    const warn = (fields: object): number => said.push(fields);
    const never = (): never => assert.fail('nothing is to be measured');
    const kernel = { holdStats, programStats: never, sumPerCpuArray: never };
    const measure = new ProgramMeasure(kernel, { warn }, 1, 1);
    measure.start();
    while (said.length === 0) await turn();
    for (let i = 0; i < 5; i++) await turn();
    measure.hurried = true;
    measure.measure();
    measure.stop();
    assert.equal(asked, 1);
    assert.deepEqual(said, [{ error: 'Operation not permitted' }]);
    assert.equal(measure.seconds, 0);
  });
});
