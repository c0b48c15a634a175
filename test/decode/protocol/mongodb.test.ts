import assert from 'node:assert/strict';
import { deflateSync } from 'node:zlib';
import { Claim } from '../../../src/decode/decoder.ts';
import { createMongodb } from '../../../src/decode/protocol/mongodb.ts';
import type { Decoding } from '../../support/decoding.ts';
import { Decoding as NewDecoding } from '../../support/decoding.ts';
import { RecordWriter, TestEnd } from '../../support/records.ts';
import { play, type Step } from '../../support/wire.ts';

type Value = string | number | boolean | Fields | Fields[];
interface Fields {
  [name: string]: Value;
}

function i32(...values: number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length);
  values.forEach((value, i) => bytes.writeInt32LE(value | 0, 4 * i));
  return bytes;
}

function element(name: string, value: Value): Buffer {
  const key = (type: number): Buffer => Buffer.concat([Buffer.from([type]), Buffer.from(`${name}\0`)]);
  if (typeof value === 'string')
    return Buffer.concat([key(2), i32(Buffer.byteLength(value) + 1), Buffer.from(`${value}\0`)]);
  if (typeof value === 'boolean') return Buffer.concat([key(8), Buffer.from([Number(value)])]);
  if (typeof value === 'number') return Buffer.concat([key(16), i32(value)]);
  if (Array.isArray(value)) return Buffer.concat([key(4), bson(Object.fromEntries(value.entries()))]);
  return Buffer.concat([key(3), bson(value)]);
}

function bson(fields: Fields): Buffer {
  const body = Buffer.concat(Object.entries(fields).map(([name, value]) => element(name, value)));
  return Buffer.concat([i32(body.length + 5), body, Buffer.from([0])]);
}

function message(id: number, answers: number, opcode: number, body: Buffer): Buffer {
  return Buffer.concat([i32(16 + body.length, id, answers, opcode), body]);
}

/** OP_MSG */
function msg(
  id: number,
  answers: number,
  flags: number,
  fields: Fields,
  rest: Buffer = Buffer.alloc(0),
): Buffer {
  return message(id, answers, 2013, Buffer.concat([i32(flags), Buffer.from([0]), bson(fields), rest]));
}

const client = (bytes: Buffer): Step => ({ from: 'client', bytes });
const server = (bytes: Buffer): Step => ({ from: 'server', bytes });

function spans(decoding: Decoding): Array<Record<string, unknown>> {
  return decoding.closed.map((exchange) => {
    const { name, attributes, errorType } = decoding.describe(exchange);
    return { ...attributes, name, error: errorType };
  });
}

function names(steps: Step[]): unknown[] {
  return spans(play('client', steps)).map(({ name, error }) => (error === undefined ? name : [name, error]));
}

const FIND = { find: 'things', filter: {}, $db: 'shop' };

describe('decode/mongodb', () => {
  it('ends an exhaust cursor with the last reply where each answers the one before, as of mongod', () => {
    const decoding = play('client', [
      client(msg(7, 0, 0x10000, { getMore: 1, collection: 'things', $db: 'shop' })),
      server(msg(100, 7, 2, { ok: true })),
      server(msg(101, 100, 2, { ok: true })),
      server(msg(102, 101, 0, { ok: false, code: 43 })),
      client(msg(8, 0, 0, FIND)),
      server(msg(103, 8, 0, { ok: true })),
    ]);
    assert.deepEqual(
      spans(decoding).map(({ name, error }) => [name, error]),
      [
        ['getMore things', '43'],
        ['find things', undefined],
      ],
    );
    const [first, second] = decoding.closed;
    assert.ok(first!.endNs < second!.startNs && first!.endNs > first!.startNs + 3000);
  });

  it('does not take the end of the connection for a failure of what may wait for ever', () => {
    const hello = { hello: 1, maxAwaitTimeMS: 10_000, $db: 'admin' };
    const end: Step = { from: 'client', how: 'close' };
    assert.deepEqual(names([client(msg(1, 0, 0, hello)), end]), ['hello admin']);
    assert.deepEqual(names([client(msg(1, 0, 0, FIND)), end]), [['find things', 'connection_closed']]);
  });

  it('reads messages with a checksum and with document sequences before the body', () => {
    const documents = [bson({ a: 1 }), bson({ a: 2 })];
    const size = 4 + 'documents\0'.length + documents[0]!.length * 2;
    const sequence = Buffer.concat([Buffer.from([1]), i32(size), Buffer.from('documents\0'), ...documents]);
    const body = Buffer.concat([Buffer.from([0]), bson({ insert: 'things', $db: 'shop' })]);
    const decoding = play('client', [
      client(msg(1, 0, 1, FIND, i32(0x12345678))),
      server(msg(2, 1, 1, { ok: true }, i32(0))),
      client(message(3, 0, 2013, Buffer.concat([i32(0), sequence, body]))),
      server(msg(4, 3, 0, { ok: true })),
    ]);
    assert.deepEqual(
      spans(decoding).map((span) => [span['name'], span['db.operation.batch.size']]),
      [
        ['find things', undefined],
        ['insert things', 2],
      ],
    );
  });

  it('reads what drivers sent before OP_MSG', () => {
    const head = (name: string): Buffer => Buffer.concat([i32(0), Buffer.from(`${name}\0`), i32(0, -1)]);
    const query = Buffer.concat([
      head('shop.$cmd'),
      bson({ $query: { count: 'things' }, $readPreference: {} }),
    ]);
    const reply = Buffer.concat([i32(0, 0, 0, 0, 1), bson({ n: 1, ok: true })]);
    const insert = Buffer.concat([i32(0), Buffer.from('shop.things\0'), bson({ a: 1 })]);
    assert.deepEqual(
      names([
        client(message(1, 0, 2004, query)),
        server(message(2, 1, 1, reply)),
        client(message(3, 0, 2002, insert)),
        client(message(4, 0, 2004, Buffer.concat([head('shop.things'), bson({ a: 1 })]))),
        server(message(5, 4, 1, Buffer.concat([i32(2, 0, 0, 0, 1), bson({ $err: 'no', code: 13 })]))),
      ]),
      ['count things', 'insert things', ['find things', '13']],
    );
  });

  it('says what is known of a message that was not captured in full', () => {
    const writer = new RecordWriter();
    const decoding = new NewDecoding();
    const end = new TestEnd(writer, { localPort: 40_000, remotePort: 27_017 });
    const documents = Array.from({ length: 900 }, (_, i) => ({ text: `document ${i}` }));
    end.send(msg(1, 0, 0, { insert: 'things', $db: 'shop', documents }), { captured: 8192 });
    end.receive(msg(2, 1, 0, { ok: true }));
    decoding.feed(writer.clock());
    const [span] = spans(decoding);
    assert.equal(span!['name'], 'insert things');
    assert.equal(span!['db.namespace'], 'shop');
    assert.equal(span!['db.operation.batch.size'], undefined);
  });

  it('does not inflate what is longer than it looks at', () => {
    const bomb = deflateSync(Buffer.alloc(4_000_000));
    const body = Buffer.concat([i32(2013, 1000), Buffer.from([2]), bomb]);
    const [span] = spans(
      play('client', [client(message(1, 0, 2012, body)), server(msg(2, 1, 0, { ok: true }))]),
    );
    assert.equal(span!['name'], 'mongodb');
    assert.equal(span!['undertrace.mongodb.compressor'], 'zlib');
  });

  it('finds the next message behind a document that breaks the rules', () => {
    const broken = msg(1, 0, 0, FIND);
    broken[broken.length - 1] = 1;
    const good = [client(msg(3, 0, 0, FIND)), server(msg(4, 3, 0, { ok: true }))];
    assert.deepEqual(names([...good, client(broken), ...good]), ['find things', 'find things']);
  });

  it('claims only what agrees in its lengths', () => {
    const mongodb = createMongodb();
    const claim = (bytes: Buffer): Claim => mongodb.probe(bytes, 0, bytes.length, true, true);
    assert.equal(claim(msg(1, 0, 0, FIND)), Claim.request);
    assert.equal(claim(msg(1, 2, 0, { ok: true })), Claim.response);
    const long = Buffer.concat([msg(1, 0, 0, FIND), Buffer.alloc(1)]);
    long.writeInt32LE(long.length, 0);
    assert.equal(claim(long), Claim.no);
    assert.equal(claim(msg(1, 0, 4, FIND)), Claim.no);
    assert.equal(claim(msg(1, 0, 0, { 'a b': 1 })), Claim.no);
    assert.equal(
      claim(message(1, 0, 2012, Buffer.concat([i32(2013, 500), Buffer.from([2, 1, 2, 3, 4, 5])]))),
      Claim.no,
    );
    assert.equal(claim(msg(1, 0, 0, FIND).subarray(0, 24)), Claim.no);
  });
});
