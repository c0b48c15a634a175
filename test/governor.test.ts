import assert from 'node:assert/strict';
import { Governor, type GovernorOptions } from '../src/governor.ts';
import { DEFAULTS } from './support/defaults.ts';

const TICK_MS = 500;
const LIMITS = { ...DEFAULTS.limits, cpu: 0.5, memoryBytes: 1000 };

/** An agent of which the process takes `own` and the programs take `programs` of a core; a pause is not told of while `stuck`. */
function setUp(own: number, programs: number) {
  const now = { wall: 0, own: 0 };
  const did: string[] = [];
  const lines: string[] = [];
  const state = { own, stuck: false, rss: 500 };
  const capture = {
    ...{ budget: { limit: 0 }, figures: { records: 0, highWater: 0, held: 0 } },
    shedding: {
      capPayload: (bytes: number | undefined) => did.push(`cap ${bytes}`),
      keepConnections: (part: number) => did.push(`connections ${part}`),
    },
    pause: () => did.push('pause'),
    resume: () => {
      if (!state.stuck) did.push('resume');
      return !state.stuck;
    },
  };
  const pipeline = { decode: { budgetCap: 8192 }, linker: { exportedShare: 1 } };
  const cost = { share: programs, perSyscall: undefined, perRecord: undefined };
  const measure = { cost, hurried: false, measure: () => did.push('measure') };
  const log = {
    repeated: (level: string, _key: string, { step }: { step: string }) => lines.push(`${level} ${step}`),
  };
  const clocks = { wall: () => now.wall, own: () => now.own };
  const options = { capture, pipeline, measure, log, clocks, limits: LIMITS, rss: () => state.rss };
  const governor = new Governor(options as unknown as GovernorOptions);
  governor.tick();
  const pass = (seconds: number): void => {
    for (let i = 0; i < (seconds * 1000) / TICK_MS; i++) {
      now.wall += TICK_MS;
      now.own += TICK_MS * state.own;
      governor.tick();
    }
  };
  return { governor, pass, did, lines, state, capture, pipeline, measure };
}

describe('governor', () => {
  it('leaves everything as it is below the limits, and measures the programs more often near them', () => {
    const { governor, pass, did, lines, capture, measure, state } = setUp(0.1, 0.05);
    pass(60);
    assert.deepEqual([did, lines, measure.hurried], [[], [], false]);
    // The process may take what the programs leave.
    assert.equal(capture.budget.limit, 0.45);
    state.own = 0.3;
    pass(60);
    assert.deepEqual([did, lines, measure.hurried], [[], [], true]);
    const { level, step, changes, cpu } = governor.figures;
    assert.deepEqual([level, step, changes], [0, 'nothing', { up: 0, down: 0 }]);
    assert.ok(Math.abs(cpu.process - 0.3) < 1e-9 && cpu.programs === 0.05 && cpu.limit === 0.5);
  });

  it('takes every step and takes it back, says so, and counts the time spent at each', () => {
    const { governor, pass, did, lines, state, pipeline } = setUp(0.6, 0.05);
    pass(60);
    assert.deepEqual(
      did.filter((what) => what !== 'measure'),
      ['cap 2048', 'connections 0.125', 'pause'],
    );
    assert.deepEqual([pipeline.decode.budgetCap, pipeline.linker.exportedShare], [2048, 0.125]);
    assert.deepEqual(lines, ['warn payload', 'warn traces', 'warn connections', 'warn pause']);
    state.own = 0.1;
    did.length = lines.length = 0;
    pass(60);
    assert.deepEqual(
      did.filter((what) => what !== 'measure'),
      ['resume', 'connections 1', 'cap undefined'],
    );
    assert.deepEqual([pipeline.decode.budgetCap, pipeline.linker.exportedShare], [8192, 1]);
    assert.deepEqual(lines, ['info connections', 'info traces', 'info payload', 'info nothing']);
    const { level, changes, secondsAt } = governor.figures;
    assert.deepEqual([level, changes], [0, { up: 4, down: 4 }]);
    assert.ok(secondsAt.pause > 50 && secondsAt.nothing > 40, JSON.stringify(secondsAt));
    assert.equal(
      Object.values(secondsAt).reduce((sum, seconds) => sum + seconds, 0),
      120,
    );
  });

  it('leaves the drain a part of the limit when the programs take all of it', () => {
    const { pass, capture, governor } = setUp(0.1, 0.7);
    pass(3);
    assert.ok(Math.abs(capture.budget.limit - 0.1) < 1e-9);
    assert.equal(governor.figures.step, 'pause');
  });

  it('stays where it is until the pipeline has been told of a pause', () => {
    const { governor, pass, state } = setUp(0.6, 0.05);
    pass(60);
    Object.assign(state, { own: 0.1, stuck: true });
    pass(60);
    assert.deepEqual([governor.figures.step, governor.figures.changes.down], ['pause', 0]);
    state.stuck = false;
    pass(0.5);
    assert.equal(governor.figures.step, 'connections');
  });

  it('steps when the drain is held back, and when memory is above its limit', () => {
    for (const cause of ['held', 'rss'] as const) {
      const { governor, pass, state, capture } = setUp(0.1, 0.05);
      for (let i = 0; i < 40; i++) {
        if (cause === 'held') capture.figures.held++;
        else state.rss = 1001;
        pass(0.5);
      }
      assert.ok(governor.figures.level > 0, cause);
    }
  });

  it('obeys the limits of another configuration', () => {
    const { governor, pass, lines } = setUp(0.6, 0.05);
    governor.limits = { ...LIMITS, cpu: 2 };
    pass(60);
    assert.deepEqual(lines, []);
    governor.limits = { ...LIMITS, cpu: 2, memoryBytes: 100 };
    pass(60);
    assert.equal(governor.figures.step, 'connections');
  });
});
