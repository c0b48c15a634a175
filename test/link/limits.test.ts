import assert from 'node:assert/strict';

import { limitAttributes } from '../../src/link/limits.ts';
import type { Span } from '../../src/link/span.ts';

function limited(attributes: Record<string, string | number | string[]>, length: number): unknown {
  limitAttributes([{ attributes } as unknown as Span], length);
  return attributes;
}

describe('link/limits', () => {
  it('cuts text, also in lists, and nothing else', () => {
    assert.deepEqual(limited({ a: 'abcdef', b: 12345678, c: ['abcdef', 'x'], d: 'abc' }, 3), {
      ...{ a: 'abc', b: 12345678, c: ['abc', 'x'], d: 'abc' },
    });
  });

  it('counts characters and never leaves half of one', () => {
    assert.deepEqual(limited({ a: '😀😀😀', b: 'a😀b' }, 2), { a: '😀😀', b: 'a😀' });
  });
});
