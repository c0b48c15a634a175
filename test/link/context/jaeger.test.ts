import assert from 'node:assert/strict';
import { jaeger } from '../../../src/link/context/jaeger.ts';
import { makeHeaders } from './make-headers.ts';

const parse = (text: string) => jaeger.parse(makeHeaders({ jaeger: text }));

describe('link/context/jaeger', () => {
  it('reads ids of all lengths', () => {
    assert.deepEqual(parse('3bd3e7a5b1fa4d2c9f1e0d6c8a7b5e41:6f1e2d3c4b5a6978:0:1'), {
      traceId: '3bd3e7a5b1fa4d2c9f1e0d6c8a7b5e41',
      spanId: '6f1e2d3c4b5a6978',
      incomingFlags: 1,
      traceState: undefined,
    });
    // The example of OpenTelemetry's propagators.
    assert.deepEqual(parse('000000000000000000000000deadbeef:00000000deadbef0:00000000:01'), {
      traceId: '000000000000000000000000deadbeef',
      spanId: '00000000deadbef0',
      incomingFlags: 1,
      traceState: undefined,
    });
    const short = parse('a1:b:0:0');
    assert.equal(short?.traceId, `${'0'.repeat(30)}a1`);
    assert.equal(short.spanId, '000000000000000b');
  });

  it('takes the first bit of the flags alone', () => {
    const flags = ['0', '1', '2', '3', '8', '9', '00', '01', '0b', 'ff'].map(
      (f) => parse(`a:b:0:${f}`)?.incomingFlags,
    );
    assert.deepEqual(flags, [0, 1, 0, 1, 0, 1, 0, 1, 1, 1]);
  });

  it('reads what was URL-encoded, digits of either case, and a parent that is left out', () => {
    assert.equal(parse('a1%3Ab2%3a0%3A1')?.spanId, '00000000000000b2');
    assert.equal(parse('A1:B2:0:1')?.traceId, `${'0'.repeat(30)}a1`);
    assert.equal(parse('a1:b2::1')?.incomingFlags, 1);
    assert.equal(parse('a1:b2:c3:1')?.spanId, '00000000000000b2');
  });

  it('refuses what is not valid', () => {
    for (const text of [
      '',
      ':::',
      'a1',
      'a1:b2:0',
      'a1:b2:0:',
      'a1:b2:0:1:',
      'a1:b2:0:111',
      'a1:b2:0:g',
      ':b2:0:1',
      'a1::0:1',
      '0:b2:0:1',
      'a1:0:0:1',
      `${'0'.repeat(32)}:b2:0:1`,
      `a1:${'0'.repeat(16)}:0:1`,
      `${'a'.repeat(33)}:b2:0:1`,
      `a1:${'b'.repeat(17)}:0:1`,
      `a1:b2:${'c'.repeat(17)}:1`,
      'x1:b2:0:1',
      'a1%3Ab2%3A0%3',
      'a1%b2%0%1',
      ' a1:b2:0:1',
      'a1:b2:0:1,a1:b2:0:1',
    ]) {
      assert.equal(parse(text), undefined, text);
    }
  });
});
