import assert from 'node:assert/strict';

import { parseTraceparent } from '../../src/link/strategy/header.ts';

const VALID = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';

describe('link/strategy/header', () => {
  it('reads version 00', () => {
    assert.deepEqual(parseTraceparent(VALID, 'a=1,b=2'), {
      traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
      spanId: '00f067aa0ba902b7',
      incomingFlags: 1,
      traceState: 'a=1,b=2',
    });
    assert.equal(parseTraceparent(VALID.replace(/01$/, '00'), undefined)?.incomingFlags, 0);
  });

  it('reads what is known of a later version', () => {
    assert.equal(parseTraceparent(`cc${VALID.slice(2)}-what-the-future-brings`, undefined)?.incomingFlags, 1);
    assert.equal(parseTraceparent(`cc${VALID.slice(2)}`, undefined)?.incomingFlags, 1);
  });

  it('refuses what is not valid', () => {
    for (const text of [
      '',
      'x',
      `ff${VALID.slice(2)}`,
      `${VALID}-more`,
      `${VALID}0`,
      `cc${VALID.slice(2)}.future`,
      VALID.replace('4bf9', '4BF9'),
      VALID.replaceAll('-', '_'),
      '00-00000000000000000000000000000000-00f067aa0ba902b7-01',
      '00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01',
      '00-4bf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b7-01',
      '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-1',
      '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0g',
    ]) {
      assert.equal(parseTraceparent(text, undefined), undefined, text);
    }
  });

  it('leaves out a tracestate that is too long', () => {
    assert.equal(parseTraceparent(VALID, `a=${'x'.repeat(600)}`)?.traceState, undefined);
  });
});
