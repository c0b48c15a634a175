import assert from 'node:assert/strict';

import { Fifo } from '../../src/base/fifo.ts';

describe('Fifo', () => {
  it('gives back what it was given in the same order, however it grows', () => {
    const fifo = new Fifo<number>();
    let pushed = 0;
    let shifted = 0;
    for (let round = 1; round <= 100; round++) {
      for (let n = 0; n < round * 3; n++) fifo.push(pushed++);
      for (let n = 0; n < round * 2; n++) {
        assert.equal(fifo.first, shifted);
        assert.equal(fifo.shift(), shifted++);
      }
    }
    while (shifted < pushed) assert.equal(fifo.shift(), shifted++);
    assert.equal(fifo.shift(), undefined);
    assert.equal(fifo.first, undefined);
  });
});
