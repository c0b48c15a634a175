import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { skywalking } from '../../../src/link/context/skywalking.ts';
import { makeHeaders } from './make-headers.ts';

const parse = (text: string) => skywalking.parse(makeHeaders({ skywalking: text }));
const base64 = (text: string): string => Buffer.from(text).toString('base64');
const REST = ['shop', 'shop@10.0.0.1', '/orders', '10.0.0.2:80'].map(base64).join('-');

function header(trace: string, segment: string, index = '0', sample = '1'): string {
  return `${sample}-${base64(trace)}-${base64(segment)}-${index}-${REST}`;
}

describe('link/context/skywalking', () => {
  /** As a Java agent sent it. */
  const SENT =
    '1-YTRlYzZmYzhjY2FiNGJiNGI2ODIwNjQ2OThjYzk3ZTYuNzQuMTYyMTgzODExMDQ1NTAwMDk=' +
    '-YTRlYzZmYzhjY2FiNGJiNGI2ODIwNjQ2OThjYzk3ZTYuNzQuMTYyMTgzODExMDQ1NTAwMDg=-2' +
    '-b25lbW9yZS1h-ZTFkMmZiYjYzYmJhNDMwNDk5YWY4OTVjMDQwZTMyZmVAMTkyLjE2OC4xLjEwMQ==' +
    '-L29uZW1vcmUtYS9nZXQ=-MTkyLjE2OC4xLjEwMjo4MA==';

  it('reads the ids of the Java agent by the rule of the Collector', () => {
    // a4ec6fc8ccab4bb4b682064698cc97e6.74.16218381104550009: bytes 4 to 7 xor 74 and 8 to 15 xor the last number, both little-endian.
    assert.deepEqual(parse(SENT), {
      traceId: 'a4ec6fc886ab4bb4cf12975a1052aee6',
      spanId: '68fef89296f9e552',
      incomingFlags: 1,
      traceState: undefined,
    });
  });

  it('takes 32 hex digits and UUIDs as they are', () => {
    const context = parse(
      header('56a5e1c519ae4c76a2b8b11d92cead7f', 'de5980b8-fce3-4a37-aab9-b4ac3af7eedd', '3', '0'),
    );
    assert.deepEqual(context, {
      traceId: '56a5e1c519ae4c76a2b8b11d92cead7f',
      // (de xor 03) 5980b8 fce34a37 xor aab9b4ac 3af7eedd
      spanId: '77e03414c614a4ea',
      incomingFlags: 0,
      traceState: undefined,
    });
    const numbered = '56a5e1c519ae4c76a2b8b11d92cead7f.12.16563474296430001';
    const java = parse(header(numbered, '56a5e1c519ae4c76a2b8b11d92cead7f.12.16563474296420001'));
    assert.deepEqual([java?.traceId, java?.spanId], ['56a5e1c515ae4c7613e51e7cf616977f', '552bffb9e3b8db09']);
    const dashed = parse(header('DE5980B8-fce3-4a37-aab9-b4ac3af7eedd', '56a5e1c519ae4c76a2b8b11d92cead7f'));
    assert.equal(dashed?.traceId, 'de5980b8fce34a37aab9b4ac3af7eedd');
  });

  it('hashes any other text', () => {
    const sha = (text: string): string => createHash('sha256').update(text).digest('hex');
    const context = parse(header('order-4711', 'segment-1', '7'));
    assert.equal(context?.traceId, sha('order-4711').slice(0, 32));
    assert.equal(context.spanId, sha('segment-1.7').slice(0, 16));
  });

  it('gives each span of a segment its own id', () => {
    for (const segment of ['56a5e1c519ae4c76a2b8b11d92cead7f.12.16563474296430001', 'any-text']) {
      const ids = [0, 1, 255, 256, 4294967295].map((i) => parse(header('t', segment, String(i)))?.spanId);
      assert.equal(new Set(ids).size, 5, segment);
    }
  });

  it('reads fields that are empty, and base64 without its padding', () => {
    assert.ok(parse(`1-${base64('trace')}-${base64('segment')}-0----`));
    assert.deepEqual(parse(`1-dHJhY2U-c2VnbWVudA-0----`), parse(`1-dHJhY2U=-c2VnbWVudA==-0----`));
  });

  it('refuses what is not valid', () => {
    const [trace, segment] = [base64('trace'), base64('segment')];
    for (const text of [
      '',
      '-------',
      '1',
      `1-${trace}-${segment}-0`,
      `1-${trace}-${segment}-0-${REST}-`,
      `1-${trace}-${segment}-0-${REST}-x`,
      `2-${trace}-${segment}-0-${REST}`,
      `-${trace}-${segment}-0-${REST}`,
      `1--${segment}-0-${REST}`,
      `1-${trace}--0-${REST}`,
      `1-${trace}-${segment}--${REST}`,
      `1-${trace}-${segment}-x-${REST}`,
      `1-${trace}-${segment}-4294967296-${REST}`,
      `1-${trace}-${segment}-0-a_b-b-c-d`,
      `1-tr_ce-${segment}-0-${REST}`,
      `1-${trace}-${base64('a b')}-0-${REST}`,
      `1-${base64('\u00e4')}-${segment}-0-${REST}`,
      `1-${base64('x'.repeat(257))}-${segment}-0-${REST}`,
      header('0'.repeat(32), 'segment'),
      header('trace', '0'.repeat(32)),
      `${header('trace', 'segment')},${header('trace', 'segment')}`,
      `${header('trace', 'segment')}${'A'.repeat(2048)}`,
    ]) {
      assert.equal(parse(text), undefined, text);
    }
  });
});
