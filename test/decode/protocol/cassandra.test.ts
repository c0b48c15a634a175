import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { Claim } from '../../../src/decode/decoder.ts';
import { createCassandra } from '../../../src/decode/protocol/cassandra.ts';
import { isIdOf, Statements } from '../../../src/decode/protocol/cassandra-statements.ts';
import { Decoding } from '../../support/decoding.ts';
import { RecordWriter, TestEnd } from '../../support/records.ts';
import { play, type Step } from '../../support/wire.ts';

const CHUNK = 131_071;

function u16(value: number): Buffer {
  return Buffer.from([value >> 8, value & 255]);
}

function int(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

function envelope(version: number, stream: number, opcode: number, ...body: Array<Buffer | string>): Buffer {
  const all = Buffer.concat(body.map((part) => Buffer.from(part as string)));
  return Buffer.concat([Buffer.from([version, 0]), u16(stream), Buffer.from([opcode]), int(all.length), all]);
}

function crc24(bytes: Uint8Array): Buffer {
  let crc = 0x875060;
  for (const byte of bytes) {
    crc ^= byte << 16;
    for (let bit = 0; bit < 8; bit++) {
      crc <<= 1;
      if (crc & 0x1000000) crc ^= 0x1974f0b;
    }
  }
  return Buffer.from([crc & 255, (crc >> 8) & 255, crc >> 16]);
}

/** The CRC-32 behind the payload is not looked at. */
function segment(payload: Buffer, selfContained = true): Buffer {
  const head = Buffer.alloc(3);
  head.writeUIntLE(payload.length + (selfContained ? 0x20000 : 0), 0, 3);
  return Buffer.concat([head, crc24(head), payload, int(0)]);
}

/** Of the compressed kind, with a payload that is not. */
function storedSegment(payload: Buffer, selfContained = true): Buffer {
  const head = Buffer.alloc(5);
  head.writeUIntLE(payload.length + (selfContained ? 2 ** 34 : 0), 0, 5);
  return Buffer.concat([head, crc24(head), payload, int(0)]);
}

function segments(message: Buffer, make: (payload: Buffer, selfContained: boolean) => Buffer): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at < message.length; at += CHUNK)
    parts.push(make(message.subarray(at, at + CHUNK), false));
  return Buffer.concat(parts);
}

const longString = (text: string): Buffer => Buffer.concat([int(text.length), Buffer.from(text)]);
const query = (version: number, stream: number, text: string): Buffer =>
  envelope(version, stream, 7, longString(text), u16(1), version === 5 ? int(0) : Buffer.from([0]));
const prepare = (stream: number, text: string): Buffer => envelope(4, stream, 9, longString(text));
const execute = (stream: number, id: Buffer): Buffer =>
  envelope(4, stream, 10, u16(id.length), id, u16(1), Buffer.from([0]));
const prepared = (stream: number, id: Buffer): Buffer =>
  envelope(0x84, stream, 8, int(4), u16(id.length), id, int(0), int(0));
const done = (version: number, stream: number): Buffer => envelope(0x80 | version, stream, 8, int(1));
const startup = (version: number, ...options: string[]): Buffer =>
  envelope(version, 0, 1, u16(options.length / 2), ...options.flatMap((text) => [u16(text.length), text]));
const setKeyspace = (stream: number, name: string): Buffer =>
  envelope(0x84, stream, 8, int(3), u16(name.length), name);

const client = (bytes: Buffer): Step => ({ from: 'client', bytes });
const server = (bytes: Buffer): Step => ({ from: 'server', bytes });
const ready = (version: number): Step => server(envelope(0x80 | version, 0, 2));
const idOf = (text: string): Buffer => createHash('md5').update(text).digest();

function names(decoding: Decoding): string[] {
  return decoding.closed.map((exchange) => decoding.describe(exchange).name);
}

describe('decode/cassandra', () => {
  for (const [kind, make, options] of [
    ['plain', segment, []],
    ['compressed', storedSegment, ['COMPRESSION', 'lz4']],
  ] as const) {
    it(`ends a response of many ${kind} segments with the last`, () => {
      const rows = envelope(0x85, 1, 8, int(2), int(4), int(1), Buffer.alloc(300_000));
      const decoding = play('client', [
        client(startup(5, 'CQL_VERSION', '3.0.0', ...options)),
        ready(5),
        client(make(query(5, 1, 'SELECT a FROM t'))),
        server(segments(rows, make).subarray(0, 200_000)),
        server(segments(rows, make).subarray(200_000)),
        client(make(query(5, 1, 'SELECT b FROM u'))),
        server(make(done(5, 1))),
      ]);
      assert.deepEqual(names(decoding), ['STARTUP', 'SELECT t', 'SELECT u']);
      const [, large, next] = decoding.closed;
      assert.ok(large!.endNs < next!.startNs && next!.startNs - large!.endNs < 5000);
      assert.equal(large!.incomplete, undefined);
    });

    it(`gives each of several envelopes in a ${kind} segment a place of its own`, () => {
      const many = [1, 2, 3].map((stream) => query(5, stream, `SELECT a FROM t${stream}`));
      const answers = [3, 1, 2].map((stream) => done(5, stream));
      const decoding = play('server', [
        client(startup(5, 'CQL_VERSION', '3.0.0', ...options)),
        ready(5),
        client(make(Buffer.concat(many))),
        server(make(Buffer.concat(answers))),
      ]);
      assert.deepEqual(names(decoding).sort(), ['SELECT t1', 'SELECT t2', 'SELECT t3', 'STARTUP']);
      assert.equal(new Set(decoding.closed.map(({ requestPosition }) => requestPosition)).size, 4);
    });
  }

  it('skips the middle of a long response that was not captured', () => {
    const writer = new RecordWriter();
    const decoding = new Decoding();
    const end = new TestEnd(writer, { localPort: 40_000, remotePort: 9042 });
    const rows = segments(envelope(0x85, 1, 8, int(2), int(4), int(1), Buffer.alloc(300_000)), segment);
    end.send(startup(5, 'CQL_VERSION', '3.0.0')).receive(envelope(0x85, 0, 2));
    end.send(segment(query(5, 1, 'SELECT a FROM t'))).receive(rows, { captured: 8192 });
    end.send(segment(query(5, 1, 'SELECT b FROM u'))).receive(segment(done(5, 1)));
    decoding.feed(writer.clock());
    assert.deepEqual(names(decoding), ['STARTUP', 'SELECT t', 'SELECT u']);
    assert.ok(decoding.closed.every(({ incomplete }) => incomplete === undefined));
  });

  it('knows a statement on all connections if its id is made of its text, else on its own', () => {
    const text = 'SELECT a FROM t WHERE b = ?';
    const other = 'SELECT c FROM u WHERE d = ?';
    const strange = Buffer.from('any sixteen byte');
    const writer = new RecordWriter();
    const decoding = new Decoding();
    const one = new TestEnd(writer, { localPort: 40_000, remotePort: 9042 });
    const two = new TestEnd(writer, { localPort: 40_001, remotePort: 9042 });
    one.send(prepare(1, text)).receive(prepared(1, idOf(text)));
    one.send(prepare(1, other)).receive(prepared(1, strange));
    for (const end of [one, two])
      for (const id of [idOf(text), strange]) end.send(execute(1, id)).receive(done(4, 1));
    decoding.feed(writer.clock());
    assert.deepEqual(names(decoding).slice(2), ['SELECT t', 'SELECT u', 'SELECT t', 'EXECUTE']);
  });

  it('knows no keyspace once it may have been changed unseen', () => {
    const steps = [
      client(query(4, 1, 'USE shop')),
      server(setKeyspace(1, 'shop')),
      client(query(4, 1, 'SELECT a FROM t')),
      server(done(4, 1)),
      client(query(4, 1, 'USE other')),
      server(setKeyspace(1, 'other')),
      client(query(4, 1, 'SELECT b FROM t')),
      server(done(4, 1)),
    ];
    const keyspaces = (lost: number[]): unknown[] => {
      const decoding = play('client', steps, { lost: new Set(lost) });
      return decoding.closed.map((each) => decoding.describe(each).attributes['db.namespace']);
    };
    assert.deepEqual(keyspaces([]), [undefined, 'shop', 'shop', 'other']);
    assert.deepEqual(keyspaces([4, 5]), [undefined, 'shop', undefined]);
    assert.deepEqual(keyspaces([5]), [undefined, 'shop', 'shop', undefined]);
  });

  it('bounds what it keeps of statements', () => {
    const statements = new Statements(3, 100);
    for (let i = 0; i < 10; i++) {
      statements.set(`id${i}`, { text: 'x'.repeat(10), summary: undefined });
      statements.get('id0');
    }
    assert.deepEqual([statements.size, statements.get('id0') !== undefined], [3, true]);
    statements.set('long', { text: 'x'.repeat(200), summary: undefined });
    assert.equal(statements.size, 0);
    assert.ok(isIdOf(idOf('shopSELECT 1').toString('latin1'), 'SELECT 1', [undefined, 'shop']));
    assert.ok(!isIdOf('x', 'SELECT 1', [undefined]));
  });

  it('claims only what agrees with its header', () => {
    const cassandra = createCassandra({
      redactedQueryKeys: [],
      requestIdHeaders: [],
      queryText: { mode: 'sanitized', limit: 1000 },
    });
    const claim = (bytes: Buffer): Claim => cassandra.probe(bytes, 0, bytes.length, true, true);
    assert.equal(claim(query(4, 1, 'SELECT 1')), Claim.request);
    assert.equal(claim(done(3, 1)), Claim.response);
    assert.equal(claim(segment(query(5, 1, 'SELECT 1'))), Claim.request);
    assert.equal(claim(storedSegment(done(5, 1))), Claim.response);
    const flipped = segment(query(5, 1, 'SELECT 1'));
    flipped[3]! ^= 1;
    assert.equal(claim(flipped), Claim.no);
    assert.equal(claim(segment(query(4, 1, 'SELECT 1'))), Claim.no);
    // SOCKS 4, TPKT of RDP, an unknown error, a text that is no text.
    assert.equal(claim(Buffer.from('04011f900a0000016a6f686e00', 'hex')), Claim.no);
    assert.equal(claim(Buffer.from('030000130ee000000000000100080003000000', 'hex')), Claim.no);
    assert.equal(claim(envelope(0x84, 1, 0, int(99), u16(0))), Claim.no);
    assert.equal(claim(query(4, 1, '\0\u0001\u0002')), Claim.no);
  });
});
