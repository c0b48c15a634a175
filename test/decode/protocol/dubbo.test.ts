import assert from 'node:assert/strict';
import { countParameters, readException, readRequestBody } from '../../../src/decode/protocol/dubbo-body.ts';
import { HessianReader } from '../../../src/decode/protocol/dubbo-hessian.ts';
import { Claim } from '../../../src/decode/decoder.ts';
import { createDubbo } from '../../../src/decode/protocol/dubbo.ts';
import { Decoding } from '../../support/decoding.ts';
import { random } from '../../support/random.ts';
import { RecordWriter, TestEnd } from '../../support/records.ts';

const HESSIAN2 = 2;
const NO_IDS: ReadonlySet<string> = new Set();
const OPTIONS = {
  redactedQueryKeys: [],
  requestIdHeaders: ['x-request-id'],
  queryText: { mode: 'off', limit: 0 },
} as const;

function bytesOf(...parts: Array<number | string>): Buffer {
  return Buffer.concat(parts.map((part) => (typeof part === 'number' ? Buffer.of(part) : Buffer.from(part))));
}

/** A short text. */
function str(value: string): Buffer {
  return Buffer.concat([Buffer.of(value.length), Buffer.from(value)]);
}

function frame(flags: number, status: number, id: number, body: Uint8Array): Buffer {
  const header = Buffer.alloc(16);
  header.set([0xda, 0xbb, flags, status]);
  header.writeUInt32BE(id, 8);
  header.writeUInt32BE(body.length, 12);
  return Buffer.concat([header, body]);
}

function callBody(method: string, descriptor: string, args: Uint8Array, attachments: string[]): Buffer {
  return Buffer.concat([
    ...['2.0.2', 'a.Service', '0.0.0', method, descriptor].map(str),
    args,
    Buffer.from('H'),
    ...attachments.map(str),
    Buffer.from('Z'),
  ]);
}

function call(id: number, method: string): Buffer {
  return frame(0xc2, 0, id, callBody(method, '', Buffer.alloc(0), []));
}

function answer(id: number, status = 20): Buffer {
  return frame(0x02, status, id, status === 20 ? Buffer.of(0x95, 0x48, 0x5a) : str('why'));
}

/** Every kind of Hessian 2 value, each with what is in it. */
const VALUES: Buffer[] = [
  ...[0x80, 0xbf, 0xd8, 0xef, 0x5b, 0x5c, 0x4e, 0x54, 0x46].map((code) => bytesOf(code)),
  bytesOf(0xc8, 1),
  bytesOf(0xd4, 1, 2),
  bytesOf('I', 0, 0, 0, 7),
  bytesOf(0xf8, 1),
  bytesOf(0x3c, 1, 2),
  bytesOf(0x59, 0, 0, 0, 7),
  bytesOf('L', 0, 0, 0, 0, 0, 0, 0, 7),
  bytesOf(0x5d, 1),
  bytesOf(0x5e, 1, 2),
  bytesOf(0x5f, 0, 0, 0, 7),
  bytesOf('D', 0, 0, 0, 0, 0, 0, 0, 7),
  bytesOf(0x4a, 0, 0, 0, 0, 0, 0, 0, 7),
  bytesOf(0x4b, 0, 0, 0, 7),
  bytesOf(0x03, 'abc'),
  bytesOf(0x02, 'ü€'),
  bytesOf(0x30, 3, 'abc'),
  bytesOf('R', 0, 2, 'ab', 'R', 0, 1, 'c', 'S', 0, 2, 'de'),
  bytesOf('R', 0, 2, 'ab', 0x01, 'c'),
  bytesOf(0x23, 1, 2, 3),
  bytesOf(0x34, 3, 1, 2, 3),
  bytesOf('A', 0, 2, 1, 2, 'B', 0, 1, 3),
  bytesOf('A', 0, 2, 1, 2, 0x21, 3),
  bytesOf(0x51, 0x90),
  bytesOf(0x55, 0x01, 't', 0x91, 0x92, 'Z'),
  bytesOf('V', 0x90, 0x92, 0x91, 0x92),
  bytesOf(0x57, 0x91, 'Z'),
  bytesOf(0x58, 0x92, 0x91, 0x92),
  bytesOf(0x72, 0x01, 't', 0x91, 0x92),
  bytesOf(0x79, 0x7a, 0x91, 0x48, 'Z'),
  bytesOf('M', 0x01, 't', 0x01, 'k', 0x48, 0x01, 'x', 'N', 'Z', 'Z'),
  bytesOf('C', 0x01, 'c', 0x92, 0x01, 'a', 0x01, 'b', 0x60, 0x91, 'C', 0x01, 'd', 0x90, 0x61),
  bytesOf('C', 0x01, 'c', 0x91, 0x01, 'a', 'O', 0x90, 0x78),
];

describe('decode/protocol/dubbo', () => {
  it('skips every value of Hessian 2, and none that is cut', () => {
    const reader = new HessianReader();
    for (const value of VALUES) {
      reader.over(Buffer.concat([value, Buffer.from('!')]), 0, value.length + 1);
      assert.ok(reader.skip(), value.toString('hex'));
      assert.equal(reader.at, value.length, value.toString('hex'));
      for (let length = 0; length < value.length; length++)
        assert.equal(reader.over(value, 0, length).skip(), false, `${value.toString('hex')}, ${length}`);
    }
  });

  it('comes to an end with any bytes, and with values as deep as there are', () => {
    const next = random(7);
    const reader = new HessianReader();
    for (let round = 0; round < 20_000; round++) {
      const bytes = Uint8Array.from({ length: 1 + Math.floor(next() * 40) }, () => Math.floor(next() * 256));
      reader.over(bytes, 0, bytes.length);
      while (reader.at < bytes.length && reader.skip());
    }
    const deep = Buffer.alloc(1000, 0x79);
    assert.equal(reader.over(Buffer.concat([deep, Buffer.from('N')]), 0, 1001).skip(), false);
  });

  it('reads attachments behind all of them as arguments', () => {
    const args = Buffer.concat(VALUES);
    // The two that define classes add to those of the ones before.
    const body = callBody('m', 'I'.repeat(VALUES.length), args.subarray(0, args.length - 8), []);
    assert.equal(readRequestBody(HESSIAN2, body, 0, body.length, true, NO_IDS).method, 'm');
    const attachments = ['x-request-id', 'one', 'group', 'g', 'sw8', '1-a', 'other', 'x'];
    const simple = callBody('m', '[I[[JLa/B;', bytesOf(0x90, 0x4e, 0x01, 'a'), attachments);
    const request = readRequestBody(HESSIAN2, simple, 0, simple.length, true, new Set(['x-request-id']));
    assert.deepEqual(
      [request.service, request.version, request.group, request.contextHeaders?.skywalking],
      ['a.Service', '', 'g', '1-a'],
    );
    assert.deepEqual(request.contextHeaders?.requestIds, ['one']);
  });

  it('believes no attachments that do not end with the body', () => {
    const body = Buffer.concat([callBody('m', 'I', bytesOf(0x90), ['b3', '0']), bytesOf(0x90)]);
    assert.equal(readRequestBody(HESSIAN2, body, 0, body.length - 1, true, NO_IDS).contextHeaders?.b3, '0');
    assert.equal(readRequestBody(HESSIAN2, body, 0, body.length, true, NO_IDS).contextHeaders, undefined);
  });

  it('keeps what was captured of a body that is cut', () => {
    const body = callBody('method', 'I', bytesOf(0x90), ['b3', '0']);
    const seen = new Set<string>();
    for (let length = 0; length <= body.length; length++) {
      const { service, method, contextHeaders } = readRequestBody(HESSIAN2, body, 0, length, false, NO_IDS);
      seen.add([service, method, contextHeaders?.b3].join());
    }
    assert.deepEqual([...seen], [',,', 'a.Service,,', 'a.Service,method,', 'a.Service,method,0']);
  });

  it('counts the parameters of a descriptor', () => {
    assert.deepEqual(
      ['', 'I', 'Ljava/lang/String;', '[[Ljava/util/List;ZJ', 'Lx', 'V', undefined].map(countParameters),
      [0, 1, 1, 3, -1, -1, -1],
    );
  });

  it('names the class of an exception, or says that there was one', () => {
    const thrown = bytesOf(0x93, 'C', 0x05, 'a.Bad', 0x90, 0x60);
    assert.equal(readException(HESSIAN2, thrown, 0, thrown.length), 'a.Bad');
    assert.equal(readException(HESSIAN2, thrown, 0, 1), '');
    assert.equal(readException(HESSIAN2, bytesOf(0x94, 'N'), 0, 2), undefined);
  });

  it('calls spans by the system where the serialization is another one', () => {
    const writer = new RecordWriter();
    const decoding = new Decoding();
    const end = new TestEnd(writer);
    const protobuf = frame(0xc0 | 22, 0, 1, bytesOf(0x0a, 5, '2.0.2'));
    end.send(protobuf).receive(frame(22, 60, 1, bytesOf(0x0a, 1, 'x')));
    decoding.feed(writer);
    const { name, attributes, errorType } = decoding.describe(decoding.closed[0]!);
    assert.deepEqual([name, attributes['rpc.method'], errorType], ['dubbo', undefined, 'SERVICE_NOT_FOUND']);
  });

  it('pairs a thousand calls in flight by their ids, in any order', () => {
    const writer = new RecordWriter();
    const decoding = new Decoding();
    const end = new TestEnd(writer);
    const ids = Array.from({ length: 1000 }, (_, i) => i);
    for (const id of ids) end.send(call(id, `m${id}`));
    const all = Buffer.concat(ids.reverse().map((id) => answer(id, id % 10 === 0 ? 70 : 20)));
    for (let at = 0; at < all.length; at += 700) end.receive(all.subarray(at, at + 700));
    decoding.strict = false;
    decoding.feed(writer);
    assert.equal(decoding.closed.length, 1000);
    for (const exchange of decoding.closed) {
      const { name, errorType } = decoding.describe(exchange);
      assert.equal(errorType, /0$/.test(name) ? 'SERVICE_ERROR' : undefined, name);
    }
  });

  it('counts heartbeats as nothing, from either end', () => {
    const writer = new RecordWriter();
    const decoding = new Decoding();
    const end = new TestEnd(writer);
    const beat = frame(0xe2, 0, 9, bytesOf('N'));
    const echo = frame(0x22, 20, 9, bytesOf('N'));
    end.receive(beat).send(echo).send(beat).receive(echo);
    end
      .send(call(1, 'm'))
      .receive(answer(1))
      .receive(frame(0xa2, 0, 3, bytesOf(0x01, 'R')));
    decoding.feed(writer);
    assert.deepEqual(
      decoding.closed.map((exchange) => [exchange.role, decoding.describe(exchange).name]),
      [['client', 'a.Service/m']],
    );
    assert.equal(decoding.ledger.exchanges.in, 1);
  });

  it('finds the next frame behind one whose body was not captured', () => {
    const writer = new RecordWriter();
    const decoding = new Decoding();
    const end = new TestEnd(writer);
    const large = frame(0xc2, 0, 1, callBody('large', 'I', Buffer.alloc(60_000, 0x90), []));
    end.send(large, { captured: 100 }).receive(answer(1)).send(call(2, 'next')).receive(answer(2));
    decoding.feed(writer);
    const names = decoding.closed.map((exchange) => decoding.describe(exchange).name);
    assert.deepEqual(names, ['a.Service/large', 'a.Service/next']);
  });

  it('claims no bytes of other protocols', () => {
    const dubbo = createDubbo(OPTIONS);
    const claim = (bytes: Uint8Array) => dubbo.probe(bytes, 0, bytes.length, false, false);
    const others = [
      'GET / HTTP/1.1\r\n\r\n',
      'SSH-2.0-OpenSSH\r\n',
      '\x16\x03\x01\x02\x00\x01',
      '*1\r\n$4\r\nPING\r\n',
    ];
    for (const text of others)
      assert.equal(claim(Buffer.from(text.padEnd(64, '\0'), 'latin1')), Claim.no, text);
    const next = random(11);
    let claimed = 0;
    for (let round = 0; round < 50_000; round++) {
      const bytes = Uint8Array.from({ length: 32 }, () => Math.floor(next() * 256));
      assert.equal(claim(bytes), Claim.no);
      bytes.set([0xda, 0xbb]);
      if (claim(bytes) !== Claim.no) claimed++;
    }
    // Of one in 65,536 random bytes the magic is right, too.
    assert.ok(claimed <= 5, `${claimed} of 50,000 with the magic`);
  });
});
