import assert from 'node:assert/strict';
import { w3c } from '../../../src/link/context/w3c.ts';
import { makeHeaders } from './make-headers.ts';

const VALID = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';

function parse(traceparent: string, tracestate?: string) {
  return w3c.parse(makeHeaders({ traceparent, ...(tracestate === undefined ? {} : { tracestate }) }));
}

describe('link/context/w3c', () => {
  it('reads version 00', () => {
    assert.deepEqual(parse(VALID, 'a=1,b=2'), {
      traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
      spanId: '00f067aa0ba902b7',
      incomingFlags: 1,
      traceState: 'a=1,b=2',
    });
    assert.equal(parse(VALID.replace(/01$/, '00'))?.incomingFlags, 0);
    assert.equal(parse(VALID.replace(/01$/, '03'))?.incomingFlags, 3);
  });

  it('reads what is known of a later version', () => {
    assert.equal(parse(`cc${VALID.slice(2)}-what-the-future-brings`)?.incomingFlags, 1);
    assert.equal(parse(`cc${VALID.slice(2)}`)?.incomingFlags, 1);
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
      assert.equal(parse(text), undefined, text);
    }
    assert.equal(w3c.parse(makeHeaders({ tracestate: 'a=1' })), undefined);
  });

  it('refuses two of them, though both are the same', () => {
    const headers = makeHeaders({ traceparent: VALID });
    headers.add('traceparent', VALID);
    assert.equal(w3c.parse(headers), undefined);
  });

  it('reads the lists of the specification, in one header and in several', () => {
    const states = [
      ['rojo=00f067aa0ba902b7,congo=t61rcWkgMzE', 'rojo=00f067aa0ba902b7,congo=t61rcWkgMzE'],
      ['rojo=1 , congo=2,\t,tenant@vendor=x y', 'rojo=1,congo=2,tenant@vendor=x y'],
    ] as const;
    for (const [text, expected] of states) assert.equal(parse(VALID, text)?.traceState, expected);
    const headers = makeHeaders({ traceparent: VALID, tracestate: 'rojo=1' });
    headers.add('tracestate', 'congo=2');
    assert.equal(w3c.parse(headers)?.traceState, 'rojo=1,congo=2');
  });

  it('leaves out a tracestate that is not valid or too long, and believes the traceparent', () => {
    for (const state of [
      '',
      ',',
      'a',
      '=1',
      'A=1',
      'a=',
      'a=1=2',
      'a=\u00e4',
      `a=${'x'.repeat(600)}`,
      Array.from({ length: 33 }, (_, i) => `k${i}=1`).join(),
    ]) {
      const context = parse(VALID, state);
      assert.equal(context?.spanId, '00f067aa0ba902b7', state);
      assert.equal(context.traceState, undefined, state);
    }
    const headers = makeHeaders({ traceparent: VALID, tracestate: `a=${'x'.repeat(600)}` });
    headers.add('tracestate', 'b=2');
    assert.equal(w3c.parse(headers)?.traceState, undefined, 'part of a list is not the list');
  });
});
