import assert from 'node:assert/strict';
import { ProgramMeasure } from '../../src/capture/program-measure.ts';

const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 1));

describe('capture/program-measure', () => {
  it('holds the statistics on in samples, and knows for how long it did', async () => {
    const held: boolean[] = [];
    const measure = new ProgramMeasure({ holdStats: (on) => held.push(on) }, 1, 2);
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

  it('lets go of the statistics when it is stopped in the middle of a sample', async () => {
    const held: boolean[] = [];
    const measure = new ProgramMeasure({ holdStats: (on) => held.push(on) }, 1, 60_000);
    while (held.length === 0) await turn();
    measure.stop();
    assert.deepEqual(held, [true, false]);
    const { seconds } = measure;
    assert.ok(seconds > 0);
    await turn();
    assert.equal(measure.seconds, seconds);
  });
});
