import assert from 'node:assert/strict';
import { Decoding } from '../../support/decoding.ts';
import { RecordWriter, TestEnd } from '../../support/records.ts';

const QUERY = 0;
const RESPONSE = 0x8400;
const A = 1;
const SOA = 6;
const AXFR = 252;
const NAME = 'example.test';

const u16 = (n: number): Buffer => Buffer.from([n >> 8, n & 255]);
const labels = (name: string): Buffer =>
  Buffer.concat([
    ...name.split('.').map((part) => Buffer.from([part.length, ...Buffer.from(part)])),
    Buffer.from([0]),
  ]);
const record = (type: number, data: Buffer): Buffer =>
  Buffer.concat([labels(NAME), u16(type), u16(1), u16(0), u16(60), u16(data.length), data]);
const soa = record(SOA, Buffer.concat([labels('ns.test'), labels('admin.test'), Buffer.alloc(20)]));
const address = record(A, Buffer.from([192, 0, 2, 1]));

interface Parts {
  id: number;
  flags: number;
  /** What is asked for; undefined: the message has no question. */
  type?: number;
  answers?: Buffer[];
}

/** As over TCP. */
function message({ id, flags, type, answers = [] }: Parts): Buffer {
  const question = type === undefined ? [] : [labels(NAME), u16(type), u16(1)];
  const counts = [type === undefined ? 0 : 1, answers.length, 0, 0].map(u16);
  const body = Buffer.concat([u16(id), u16(flags), ...counts, ...question, ...answers]);
  return Buffer.concat([u16(body.length), body]);
}

function setUp() {
  const writer = new RecordWriter();
  return { writer, decoding: new Decoding() };
}

describe('decode/protocol/dns', () => {
  it('takes a transfer for one exchange, of which only the first message has a question (RFC 5936, 2.2.1)', () => {
    const { writer, decoding } = setUp();
    const end = new TestEnd(writer);
    end.event('connect').send(message({ id: 7, flags: QUERY, type: AXFR }));
    end.receive(message({ id: 7, flags: RESPONSE, type: AXFR, answers: [soa, address] }));
    end.receive(message({ id: 7, flags: RESPONSE, answers: [address, address] }));
    decoding.feed(writer);
    assert.equal(decoding.closed.length, 0);
    end.receive(message({ id: 7, flags: RESPONSE, answers: [address, soa] }));
    end.send(message({ id: 8, flags: QUERY, type: A }));
    end.receive(message({ id: 8, flags: RESPONSE, type: A, answers: [address] }));
    decoding.feed(writer);
    assert.deepEqual(
      decoding.closed.map((exchange) => [decoding.describe(exchange).name, exchange.incomplete]),
      [
        ['DNS AXFR', undefined],
        ['DNS A', undefined],
      ],
    );
  });

  it('waits for no message with more records than fit into it, nor for one that says nothing', () => {
    // An answer of esbuild to a ping: length, number, the end of an empty object. As DNS it has 2304 bytes, no question, and 1536 records.
    const ping = (id: number): Buffer => Buffer.from([9, 0, 0, 0, id & 255, id >> 8, 0, 0, 6, 0, 0, 0, 0]);
    const silent = message({ id: 1, flags: RESPONSE, answers: [address, address] });
    for (const part of [ping, () => silent]) {
      const { writer, decoding } = setUp();
      const end = new TestEnd(writer, { txPosition: 1000, rxPosition: 1000 });
      for (let id = 0x0181; id < 0x0181 + 80; id += 2) end.send(part(id));
      decoding.feed(writer);
      assert.equal(decoding.closed.length, 0);
      assert.equal(decoding.ledger.delivered.held(), 0);
      const { unrecognised, unsynchronised } = decoding.ledger.delivered.lost;
      assert.equal(unrecognised + unsynchronised, 40);
      assert.ok(decoding.stage.unrecognised.list().length > 0, 'it is not given up');
    }
  });
});
