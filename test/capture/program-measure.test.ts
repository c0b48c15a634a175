import assert from 'node:assert/strict';
import { ProgramMeasure } from '../../src/capture/program-measure.ts';

const log = { warn: (): void => assert.fail('nothing is to be said') };
const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 1));

describe('capture/program-measure', () => {
  it('holds the statistics on in samples, and knows for how long it did', async () => {
    const held: boolean[] = [];
    const measure = new ProgramMeasure({ holdStats: (on) => held.push(on) }, log, 1, 2);
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
    const measure = new ProgramMeasure({ holdStats: (on) => held.push(on) }, log, 1, 60_000);
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
    const measure = new ProgramMeasure({ holdStats }, { warn }, 1, 1);
    while (said.length === 0) await turn();
    for (let i = 0; i < 5; i++) await turn();
    measure.stop();
    assert.equal(asked, 1);
    assert.deepEqual(said, [{ error: 'Operation not permitted' }]);
    assert.equal(measure.seconds, 0);
  });
});
