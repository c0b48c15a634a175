import assert from 'node:assert/strict';
import { Verdict } from '../../../src/capture/records.gen.ts';
import { Claim } from '../../../src/decode/decoder.ts';
import { probeKafka } from '../../../src/decode/protocol/kafka-probe.ts';
import { Partitions, TopicNames } from '../../../src/decode/protocol/kafka-topics.ts';
import { Decoding } from '../../support/decoding.ts';
import { random } from '../../support/random.ts';
import { RecordWriter, TestEnd } from '../../support/records.ts';

const i16 = (n: number): Buffer => Buffer.from([(n >> 8) & 255, n & 255]);
const i32 = (n: number): Buffer => Buffer.from([n >>> 24, (n >> 16) & 255, (n >> 8) & 255, n & 255]);
const i64 = (n: number): Buffer => Buffer.concat([i32(0), i32(n)]);
const str = (s: string): Buffer => Buffer.concat([i16(s.length), Buffer.from(s)]);
const framed = (...parts: Buffer[]): Buffer => {
  const body = Buffer.concat(parts);
  return Buffer.concat([i32(body.length), body]);
};
const list = (...elements: Buffer[]): Buffer => Buffer.concat([i32(elements.length), ...elements]);

function request(key: number, version: number, id: number, ...body: Buffer[]): Buffer {
  return framed(i16(key), i16(version), i32(id), str('me'), ...body);
}

/** A batch of format 2 that claims so many records. */
function batch(count: number, size = 80): Buffer {
  const bytes = Buffer.alloc(size);
  bytes.writeInt32BE(size - 12, 8);
  bytes[16] = 2;
  bytes.writeInt32BE(count, 57);
  return bytes;
}

const partition = (index: number, records: Buffer): Buffer =>
  Buffer.concat([i32(index), i32(records.length), records]);
const topic = (name: string, ...partitions: Buffer[]): Buffer =>
  Buffer.concat([str(name), list(...partitions)]);
const produce = (id: number, acks: number, ...topics: Buffer[]): Buffer =>
  request(0, 7, id, i16(-1), i16(acks), i32(1000), list(...topics));
/** Fetch 11 of a session. */
function fetch(id: number, epoch: number, asked: Buffer, forgotten: Buffer, waitMs = 500): Buffer {
  const head = [i32(-1), i32(waitMs), i32(1), i32(1), Buffer.from([0]), i32(77), i32(epoch)];
  return request(1, 11, id, ...head, asked, forgotten, str(''));
}
const fetched = (index: number): Buffer => Buffer.concat([i32(index), i32(0), i64(0), i64(-1), i32(1)]);
const nothingFetched = (id: number): Buffer => framed(i32(id), i32(0), i16(0), i32(77), list());
const heartbeat = (id: number): Buffer => request(12, 0, id, str('g'), i32(1), str('m'));
const beaten = (id: number, code = 0): Buffer => framed(i32(id), i16(code));

function setUp(options: ConstructorParameters<typeof Decoding>[0] = {}) {
  const writer = new RecordWriter();
  return { writer, decoding: new Decoding(options), end: new TestEnd(writer) };
}

/** Names, and what is known of destination and number of messages. */
function outcome(decoding: Decoding): unknown[][] {
  return decoding.closed.map((exchange) => {
    const { name, attributes, errorType } = decoding.describe(exchange);
    const partitionId = attributes['messaging.destination.partition.id'];
    return [name, partitionId, attributes['messaging.batch.message_count'], errorType];
  });
}

describe('decode/protocol/kafka', () => {
  it('knows of a request that is too long to be read what is sure', () => {
    const { writer, decoding, end } = setUp();
    end.send(heartbeat(1)).receive(beaten(1));
    end.send(produce(2, 0, topic('big', partition(3, batch(9, 20_000)))));
    end.send(produce(3, 0, topic('big', partition(3, batch(9, 20_000)), partition(4, batch(1)))));
    end.send(
      produce(4, 0, topic('big', partition(3, batch(9, 20_000))), topic('small', partition(0, batch(1)))),
    );
    end.send(produce(5, 0, topic('next', partition(0, batch(2)))));
    decoding.feed(writer);
    assert.deepEqual(outcome(decoding), [
      ['Heartbeat', undefined, undefined, undefined],
      ['send big', '3', 9, undefined],
      ['send big', undefined, undefined, undefined],
      ['send', undefined, undefined, undefined],
      ['send next', '0', 2, undefined],
    ]);
  });

  it('says of a request that was not captured in full what there was', () => {
    const { writer, decoding, end } = setUp();
    end.send(heartbeat(1)).receive(beaten(1));
    const bytes = produce(2, -1, topic('orders', partition(0, batch(1))));
    end.send(bytes, { captured: 40 }).receive(framed(i32(2), list(), i32(0)));
    decoding.feed(writer);
    assert.deepEqual(outcome(decoding)[1], ['send orders', undefined, undefined, undefined]);
  });

  it('follows a fetch session', () => {
    const { writer, decoding, end } = setUp();
    const none = list();
    const step = (id: number, epoch: number, asked: Buffer, forgotten = none): TestEnd =>
      end.send(fetch(id, epoch, asked, forgotten)).receive(nothingFetched(id));
    step(1, 0, list(topic('a', fetched(0))));
    step(2, 1, none);
    step(3, 2, list(topic('a', fetched(1))));
    step(4, 3, list(topic('b', fetched(0))), list(topic('a', i32(0), i32(1))));
    step(5, 0, list(topic('c', ...Array.from({ length: 100 }, (_, i) => fetched(i)))));
    step(6, 1, none, list(topic('c', i32(0))));
    decoding.feed(writer);
    const names = outcome(decoding).map(([name, id]) => [name, id]);
    const bare = undefined;
    assert.deepEqual(names, [
      ['poll a', '0'],
      ['poll a', '0'],
      ['poll a', bare],
      ['poll b', '0'],
      ['poll c', bare],
      ['poll c', bare],
    ]);
  });

  it('knows nothing of a session that changed while records were lost', () => {
    const { writer, decoding, end } = setUp();
    end.send(fetch(1, 0, list(topic('a', fetched(0))), list())).receive(nothingFetched(1));
    end.lose('send', 100);
    end.send(fetch(3, 2, list(), list())).receive(nothingFetched(3));
    writer.clock().clock().clock();
    decoding.feed(writer);
    assert.deepEqual(
      outcome(decoding).map(([name]) => name),
      ['poll a', 'poll'],
    );
  });

  it('waits for a fetch that may take long, and for the members of a group', () => {
    const { writer, decoding, end } = setUp({ exchangeTimeoutNs: 1e9 });
    end.send(fetch(1, -1, list(topic('a', fetched(0))), list(), 60_000));
    end.send(request(11, 0, 2, str('g'), i32(9), str(''), str('consumer'), list()));
    end.send(heartbeat(3));
    writer.nowNs += 5e9;
    for (let i = 0; i < 4; i++) writer.clock();
    decoding.feed(writer);
    assert.deepEqual(outcome(decoding), [['Heartbeat', undefined, undefined, 'timeout']]);
  });

  it('counts messages of the old formats, and none that is compressed', () => {
    const old = (attributes: number): Buffer => {
      const bytes = Buffer.alloc(30);
      bytes.writeInt32BE(18, 8);
      bytes[16] = 1;
      bytes[17] = attributes;
      return bytes;
    };
    const { writer, decoding, end } = setUp();
    const send = (id: number, records: Buffer): TestEnd =>
      end.send(request(0, 2, id, i16(0), i32(1), list(topic('t', partition(0, records)))));
    send(1, Buffer.concat([old(0), old(0)]));
    send(2, old(1));
    decoding.feed(writer);
    assert.deepEqual(
      outcome(decoding).map(([, , count]) => count),
      [2, undefined],
    );
  });

  it('reads of versions to come only the head', () => {
    const { writer, decoding, end } = setUp();
    end.send(heartbeat(1)).receive(beaten(1));
    const later = framed(i16(12), i16(6), i32(2), str('me'), Buffer.from('\0something else'));
    end.send(later).receive(framed(i32(2), Buffer.from('\0what?')));
    end.send(heartbeat(3)).receive(beaten(3, 27));
    decoding.feed(writer);
    assert.deepEqual(
      outcome(decoding).map(([name, , , error]) => [name, error]),
      [
        ['Heartbeat', undefined],
        ['Heartbeat', undefined],
        ['Heartbeat', 'REBALANCE_IN_PROGRESS'],
      ],
    );
  });

  it('asks for more of a run of many requests', () => {
    const { writer, decoding, end } = setUp();
    end.send(heartbeat(1)).receive(beaten(1));
    const long = 'group'.repeat(20);
    for (let id = 2; id <= 800; id++) end.send(request(12, 0, id, str(long), i32(1), str('m')));
    for (let id = 2; id <= 800; id++) end.receive(beaten(id));
    decoding.strict = false;
    decoding.feed(writer);
    decoding.check();
    assert.equal(decoding.closed.length, 800);
    assert.deepEqual(
      decoding.verdicts.map(({ verdict, budget }) => [verdict, budget]),
      [
        [Verdict.elide, 1_048_576],
        [Verdict.elide, 1_048_576],
      ],
    );
  });

  it('asks for less of a run once a request was long, and for more when there are many', () => {
    const { writer, decoding, end } = setUp();
    end
      .send(produce(1, -1, topic('big', partition(0, batch(9, 70_000)))))
      .receive(framed(i32(1), list(), i32(0)));
    end
      .send(produce(2, -1, topic('big', partition(0, batch(9, 70_000)))))
      .receive(framed(i32(2), list(), i32(0)));
    const long = 'group'.repeat(20);
    for (let id = 3; id <= 600; id++) end.send(request(12, 0, id, str(long), i32(1), str('m')));
    for (let id = 3; id <= 600; id++) end.receive(beaten(id));
    end
      .send(produce(601, -1, topic('big', partition(0, batch(9, 70_000)))))
      .receive(framed(i32(601), list(), i32(0)));
    decoding.strict = false;
    decoding.feed(writer);
    decoding.check();
    assert.equal(decoding.closed.length, 601);
    assert.deepEqual(
      decoding.verdicts.map(({ budget }) => budget),
      [1_048_576, 65_536, 1_048_576],
    );
  });

  it('keeps a bounded number of partitions and of names', () => {
    const partitions = new Partitions();
    for (let i = 0; i < 1000; i++) partitions.add('t', i);
    assert.equal([...partitions.all()].length, 32);
    assert.deepEqual([partitions.topic, partitions.partition], ['t', undefined]);
    const names = new TopicNames();
    for (let i = 0; i < 3000; i++) names.learn(`\0${i}`, `t${i}`);
    assert.deepEqual([names.nameOf('\x000'), names.nameOf('\x002999')], [undefined, 't2999']);
  });

  it('takes nothing else for its own', () => {
    const next = random(7);
    const claims = (bytes: Buffer): Claim => probeKafka(bytes, 0, bytes.length, true);
    for (let round = 0; round < 20_000; round++) {
      const bytes = Buffer.from(Array.from({ length: 64 }, () => Math.floor(next() * 256)));
      if (round % 2 === 0) bytes.writeInt32BE(60, 0);
      assert.notEqual(claims(bytes), Claim.request);
      assert.notEqual(claims(bytes), Claim.likeRequest, bytes.toString('hex'));
    }
    for (const text of [
      'GET / HTTP/1.1\r\n\r\n',
      'SSH-2.0-x\r\n',
      '220 mail ESMTP\r\n',
      '*1\r\n$4\r\nPING\r\n',
    ])
      assert.equal(claims(Buffer.from(text)), Claim.no);
    const tls = Buffer.from('16030100c8010000c40303', 'hex');
    assert.equal(claims(tls), Claim.no);
    // ZooKeeper's connect request.
    const zookeeper = framed(i32(0), i64(0), i32(30_000), i64(0), i32(16), Buffer.alloc(16));
    assert.ok(claims(zookeeper) === Claim.no || claims(zookeeper) === Claim.likeResponse);
    // A client that gives no name is believed once it is answered.
    const nameless = framed(i16(18), i16(0), i32(1), str(''));
    assert.equal(claims(nameless), Claim.likeRequest);
    assert.equal(claims(heartbeat(1)), Claim.request);
  });
});
