import assert from 'node:assert/strict';
import { Claim } from '../../../src/decode/decoder.ts';
import { createRocketmq } from '../../../src/decode/protocol/rocketmq.ts';
import { parseBinary, parseJson } from '../../../src/decode/protocol/rocketmq-header.ts';
import { Decoding } from '../../support/decoding.ts';
import { random } from '../../support/random.ts';
import { RecordWriter, TestEnd } from '../../support/records.ts';

const decoder = createRocketmq({
  redactedQueryKeys: [],
  requestIdHeaders: [],
  queryText: { mode: 'off', limit: 0 },
});
const i32 = (n: number): Buffer => Buffer.from([n >>> 24, (n >> 16) & 255, (n >> 8) & 255, n & 255]);

function frame(header: Record<string, unknown> | string, body = ''): Buffer {
  const text = typeof header === 'string' ? header : JSON.stringify(header);
  const parts = [i32(4 + text.length + body.length), i32(text.length), Buffer.from(text), Buffer.from(body)];
  return Buffer.concat(parts);
}
const command = (code: number, opaque: number, flag: number, extFields?: Record<string, string>) => ({
  ...{ code, extFields, flag, language: 'JAVA', opaque, version: 401 },
});
const pull = (opaque: number): Buffer =>
  frame(
    command(11, opaque, 0, { topic: 't', queueId: '2', consumerGroup: 'g', suspendTimeoutMillis: '15000' }),
  );
const claim = (bytes: Buffer): Claim => decoder.probe(bytes, 0, bytes.length, true, true);

function setUp(options: ConstructorParameters<typeof Decoding>[0] = {}) {
  const writer = new RecordWriter();
  return { writer, decoding: new Decoding(options), end: new TestEnd(writer) };
}

describe('decode/protocol/rocketmq', () => {
  it('takes a pull that found nothing for no failure, and counts what one found', () => {
    const { writer, decoding, end } = setUp();
    end.send(pull(1)).receive(frame(command(19, 1, 1)));
    end.send(pull(2)).receive(frame(command(0, 2, 1), '\0\0\0\x06ab\0\0\0\x05c'));
    end.send(pull(3)).receive(frame(command(0, 3, 1), '\0\0\0\x06ab\0\0\0\x77c'));
    end.send(pull(4)).receive(frame(command(24, 4, 1)));
    end.send(pull(5)).receive(frame(command(999, 5, 1)));
    decoding.feed(writer);
    const seen = decoding.closed.map((exchange) => {
      const { name, attributes, errorType } = decoding.describe(exchange);
      return [name, attributes['messaging.batch.message_count'], errorType];
    });
    assert.deepEqual(seen, [
      ['pull t', 0, undefined],
      ['pull t', 2, undefined],
      ['pull t', undefined, undefined],
      ['pull t', 0, 'SUBSCRIPTION_NOT_EXIST'],
      ['pull t', 0, '999'],
    ]);
  });

  it('says the number of a code that has no name', () => {
    const { writer, decoding, end } = setUp();
    end.send(frame(command(7777, 1, 0))).receive(frame(command(0, 1, 1)));
    decoding.feed(writer);
    const { name, attributes } = decoding.describe(decoding.closed[0]!);
    assert.deepEqual([name, attributes['undertrace.rocketmq.code']], ['_OTHER', 7777]);
  });

  it('waits for a pull that may take long', () => {
    const { writer, decoding, end } = setUp({ exchangeTimeoutNs: 1e9 });
    end.send(pull(1));
    end.send(frame(command(11, 2, 0, { topic: 'long', suspendTimeoutMillis: '30000' })));
    writer.nowNs += 5e9;
    for (let i = 0; i < 4; i++) writer.clock();
    decoding.feed(writer);
    assert.deepEqual(
      decoding.closed.map((exchange) => decoding.describe(exchange).errorType),
      ['timeout'],
    );
  });

  it('knows who asks what', () => {
    assert.equal(claim(pull(1)), Claim.request);
    assert.equal(claim(frame(command(40, 1, 2, { consumerGroup: 'g' }))), Claim.response);
    assert.equal(claim(frame(command(307, 1, 0, { consumerGroup: 'g' }))), Claim.like);
    assert.equal(claim(frame(command(0, 1, 1))), Claim.like);
  });

  it('takes other JSON, and other bytes, for nothing of its own', () => {
    assert.equal(claim(frame({ code: 1, opaque: 2, message: 'something else entirely' })), Claim.no);
    assert.equal(claim(frame({ jsonrpc: '2.0', method: 'x', params: [], id: 1 })), Claim.no);
    assert.equal(claim(frame('{"code":1,"flag":0,"language":"JAVA","opaque":1,"version":1}}')), Claim.no);
    const next = random(3);
    for (let round = 0; round < 20_000; round++) {
      const bytes = Buffer.from(Array.from({ length: 64 }, () => Math.floor(next() * 256)));
      bytes.writeInt32BE(60, 0);
      if (round % 2 === 0) bytes.writeInt32BE((1 << 24) + 40, 4);
      assert.equal(claim(bytes), Claim.no, bytes.toString('hex'));
    }
  });

  it('reads JSON as a parser does, and never throws', () => {
    const texts = [
      '{"code":0,"opaque":-5,"flag":1,"version":1,"language":"GO"}\n',
      ' { "code" : 3 , "opaque" : 4 , "extFields" : null , "x" : [ 1 , {"a":[]} , "]" ] } ',
      '{"opaque":1,"code":2,"extFields":{"b":"t\\u0001\\"\\\\\\n","e":7},"remark":"{\\"code\\":9}"}',
      '{"code":1.5,"opaque":1}',
      '{"code":"1","opaque":1}',
    ];
    const next = random(11);
    for (let round = 0; round < 5000; round++) {
      const bytes = Buffer.from(texts[round % texts.length]!);
      if (round >= texts.length) bytes[Math.floor(next() * bytes.length)] = Math.floor(next() * 128);
      let parsed: Record<string, unknown> | undefined;
      try {
        parsed = JSON.parse(bytes.toString()) as Record<string, unknown>;
      } catch {
        parsed = undefined;
      }
      const header = parseJson(bytes, 0, bytes.length);
      if (parsed === undefined || header === undefined) continue;
      assert.deepEqual([header.code, header.opaque], [parsed['code'], parsed['opaque']], bytes.toString());
      const fields = parsed['extFields'] as Record<string, unknown> | null | undefined;
      if (fields && 'b' in fields) assert.equal(header.field('b'), fields['b']);
    }
    assert.equal(parseJson(Buffer.from(texts[0]!), 0, texts[0]!.length)?.opaque, -5);
    assert.equal(parseJson(Buffer.from(texts[3]!), 0, texts[3]!.length), undefined);
    assert.equal(parseJson(Buffer.from('['.repeat(5000)), 0, 5000), undefined);
    assert.equal(parseJson(Buffer.from('{"a":'.repeat(5000)), 0, 25_000), undefined);
  });

  it('takes no binary header whose lengths do not agree', () => {
    const header = Buffer.from('000b00013d00000007000000000000000000000008' + '0001620000000174', 'hex');
    assert.equal(parseBinary(header, 0, header.length)?.field('b'), 't');
    for (let i = 13; i < header.length; i++) {
      for (const flip of [1, 0x80]) {
        const bytes = Buffer.from(header);
        bytes[i]! ^= flip;
        const parsed = parseBinary(bytes, 0, bytes.length);
        if (i < 23 || (i > 23 && i < 28)) assert.equal(parsed, undefined, `${i}`);
      }
    }
  });
});
