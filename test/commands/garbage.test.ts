import assert from 'node:assert/strict';
import { mock } from 'node:test';

import { collectGarbage } from '../../src/commands/garbage.ts';

const MIB = 1024 * 1024;
const MINUTE = 60_000;

describe('commands/garbage', () => {
  beforeEach(() => mock.timers.enable({ apis: ['setInterval'] }));
  afterEach(() => mock.timers.reset());

  it('collects once a minute where it is worth it, measured from what the last collection left', () => {
    let [bytes, collected] = [10 * MIB, 0];
    const stop = collectGarbage(
      () => {
        collected++;
        bytes -= 2 * MIB;
      },
      () => bytes,
    );
    mock.timers.tick(MINUTE);
    assert.equal(collected, 0, 'nothing has grown');
    bytes += 5 * MIB;
    mock.timers.tick(MINUTE);
    assert.equal(collected, 1);
    bytes += MIB;
    mock.timers.tick(MINUTE);
    assert.equal(collected, 1, 'too little since then');
    bytes += MIB;
    mock.timers.tick(MINUTE);
    assert.equal(collected, 2);
    bytes += 9 * MIB;
    stop();
    mock.timers.tick(10 * MINUTE);
    assert.equal(collected, 2, 'it was ended');
  });
});
