import assert from 'node:assert/strict';
import { DataRecord, Flag, Verdict, type WakeRecord } from '../../src/capture/records.gen.ts';
import { Decoding } from '../support/decoding.ts';
import { RecordWriter, TestEnd } from '../support/records.ts';

const REQUEST = 'GET /a HTTP/1.1\r\nHost: h\r\n\r\n';
const RESPONSE = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello';
const CREATED = 'HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n';

function setUp(options: ConstructorParameters<typeof Decoding>[0] = {}) {
  const writer = new RecordWriter();
  return { writer, decoding: new Decoding(options) };
}

function statuses(decoding: Decoding): unknown[] {
  return decoding.spans().map((span) => span['http.response.status_code']);
}

describe('connection/connection-table', () => {
  it('takes another inode at the same address for another connection', () => {
    const { writer, decoding } = setUp();
    const sock = 0xffff888000123000;
    new TestEnd(writer, { sock, inode: 7 }).send(REQUEST);
    new TestEnd(writer, { sock, inode: 8 }).send(REQUEST).receive(RESPONSE);
    decoding.feed(writer);
    assert.equal(decoding.closed.length, 2);
    assert.equal(decoding.closed[0]!.failure, 'connection_closed');
    assert.equal(decoding.closed[1]!.failure, undefined);
    assert.equal(decoding.stage.table.size, 1);
  });

  it('drops the least recently used connection when the table is full, and counts it', () => {
    const { writer, decoding } = setUp({ maxConnections: 2 });
    const ends = [1, 2, 3].map(() => new TestEnd(writer));
    ends[0]!.send(REQUEST);
    ends[1]!.send(REQUEST);
    ends[0]!.receive(RESPONSE).send(REQUEST.slice(0, 10));
    ends[2]!.send(REQUEST);
    decoding.feed(writer);
    assert.equal(decoding.dropped.length, 1);
    assert.equal(decoding.ledger.exchanges.lost.evicted, 1);
    assert.equal(decoding.stage.table.counters.evicted, 1);
    assert.ok(decoding.stage.table.find(ends[0]!.sock));
    assert.equal(decoding.stage.table.find(ends[1]!.sock), undefined);
  });

  it('counts what an evicted connection still held', () => {
    const { writer, decoding } = setUp({ maxConnections: 1 });
    new TestEnd(writer).send(REQUEST.slice(0, 5)).send(REQUEST.slice(5, 9));
    new TestEnd(writer).send(REQUEST);
    decoding.feed(writer);
    assert.equal(decoding.ledger.delivered.lost.evicted, 2);
  });

  it('forgets idle connections', () => {
    const { writer, decoding } = setUp({ idleNs: 10e9 });
    new TestEnd(writer).send(REQUEST).receive(RESPONSE);
    writer.clock(5e9).clock(9e9);
    decoding.feed(writer);
    assert.equal(decoding.stage.table.size, 1);
    writer.clock(20e9);
    decoding.feed(writer);
    assert.equal(decoding.stage.table.size, 0);
    assert.equal(decoding.stage.table.counters.expired, 1);
  });

  it('forgets what a thread received when no exchange can be open for it any more', () => {
    const { writer, decoding } = setUp({ exchangeTimeoutNs: 10e9 });
    new TestEnd(writer).receive(REQUEST);
    const bytes = writer.take();
    decoding.drain(bytes);
    const received = new DataRecord().over(bytes).at(0);
    const isRemembered = (): boolean =>
      decoding.stage.table.reasonOf(received as unknown as WakeRecord) !== undefined;
    decoding.feed(writer.clock(received.timeNs + 9e9));
    assert.ok(isRemembered());
    decoding.feed(writer.clock(received.timeNs + 20e9));
    assert.ok(!isRemembered());
  });

  it('goes on decoding a connection that was idle', () => {
    const { writer, decoding } = setUp();
    const end = new TestEnd(writer).send(REQUEST).receive(RESPONSE);
    writer.clock(5e9).clock(9e9);
    end.send(REQUEST).receive(CREATED);
    decoding.feed(writer);
    assert.deepEqual(statuses(decoding), [200, 201]);
  });

  it('puts records of two threads into the order of their positions', () => {
    const { writer, decoding } = setUp();
    const end = new TestEnd(writer);
    const cut = [0, 4, 11, 20, REQUEST.length];
    for (const i of [0, 2, 3, 1]) {
      end.send(REQUEST.slice(cut[i], cut[i + 1]), { position: cut[i]! });
    }
    end.txPosition = REQUEST.length;
    end.receive(RESPONSE);
    decoding.feed(writer);
    assert.deepEqual(statuses(decoding), [200]);
    assert.equal(decoding.ledger.delivered.out, 5);
  });

  it('counts bytes that were seen already as duplicates', () => {
    const { writer, decoding } = setUp();
    const end = new TestEnd(writer);
    end.send(REQUEST).send(REQUEST, { position: 0 }).receive(RESPONSE);
    decoding.feed(writer);
    assert.equal(decoding.ledger.delivered.lost.duplicate, 1);
    assert.deepEqual(statuses(decoding), [200]);
  });

  it('uses the new part of a record that repeats bytes', () => {
    const { writer, decoding } = setUp();
    const end = new TestEnd(writer);
    end.send(REQUEST.slice(0, 10)).send(REQUEST.slice(4), { position: 4 }).receive(RESPONSE);
    decoding.feed(writer);
    assert.deepEqual(statuses(decoding), [200]);
  });

  it('keeps what waits for the next drain, though the buffer it came in is overwritten', () => {
    const whole = `${REQUEST}${REQUEST.replace('/a', '/b')}`;
    for (let cut = 1; cut < whole.length; cut++) {
      const { writer, decoding } = setUp();
      const end = new TestEnd(writer).send(whole.slice(0, cut));
      decoding.feed(writer);
      end.send(whole.slice(cut)).receive(`${RESPONSE}${CREATED.slice(0, 20)}`);
      decoding.feed(writer);
      end.receive(CREATED.slice(20));
      decoding.feed(writer);
      const seen = decoding.spans().map((span) => [span['url.full'], span['http.response.status_code']]);
      const expected = [
        ['http://h/a', 200],
        ['http://h/b', 201],
      ];
      assert.deepEqual(seen, expected, `cut at ${cut}`);
    }
  });

  it('keeps what waits behind a hole, though the buffer it came in is overwritten', () => {
    const { writer, decoding } = setUp();
    const end = new TestEnd(writer).send(REQUEST).receive(RESPONSE);
    decoding.feed(writer);
    const timeNs = writer.nowNs + 1;
    end.send(REQUEST.slice(10), { position: REQUEST.length + 10 }).receive(CREATED);
    decoding.feed(writer);
    end.send(REQUEST.slice(0, 10), { position: REQUEST.length, timeNs, enterNs: timeNs });
    decoding.feed(writer);
    assert.deepEqual(statuses(decoding), [200, 201]);
  });

  it('takes an unsure record where it continues the stream, and gives it up behind a hole that stays', () => {
    const { writer, decoding } = setUp();
    const end = new TestEnd(writer);
    end.send(REQUEST.slice(0, 10)).send(REQUEST.slice(10), { flags: Flag.unsure }).receive(RESPONSE);
    end.send('lost', { flags: Flag.unsure, position: REQUEST.length + 50 });
    decoding.feed(writer);
    assert.deepEqual(statuses(decoding), [200]);
    assert.equal(decoding.ledger.delivered.lost.unsynchronised, 0);
    writer.clock().clock().clock();
    decoding.feed(writer);
    assert.equal(decoding.ledger.delivered.lost.unsynchronised, 1);
    assert.equal(decoding.stage.table.find(end.sock)!.held, 0);
  });

  it('takes an unsure record that came before the one it continues', () => {
    const { writer, decoding } = setUp();
    const end = new TestEnd(writer, { accepted: true }).receive(REQUEST).send(RESPONSE);
    decoding.feed(writer);
    const [position, timeNs] = [REQUEST.length, writer.nowNs + 1];
    end.receive(REQUEST.slice(10), { flags: Flag.unsure, position: position + 10 });
    decoding.feed(writer);
    end.receive(REQUEST.slice(0, 10), { position, timeNs }).send(CREATED);
    decoding.feed(writer);
    assert.deepEqual(statuses(decoding), [200, 201]);
    assert.equal(decoding.ledger.delivered.lost.unsynchronised, 0);
  });

  it('believes a sure record rather than an unsure one of the same place', () => {
    const { writer, decoding } = setUp();
    const end = new TestEnd(writer, { accepted: true }).receive(REQUEST).send(RESPONSE);
    decoding.feed(writer);
    const [position, timeNs, rest] = [REQUEST.length, writer.nowNs + 1, REQUEST.slice(10)];
    end.receive('x'.repeat(rest.length), { flags: Flag.unsure, position: position + 10 });
    decoding.feed(writer);
    end.receive(rest, { position: position + 10 }).receive(REQUEST.slice(0, 10), { position, timeNs });
    end.send(CREATED);
    decoding.feed(writer);
    assert.deepEqual(statuses(decoding), [200, 201]);
    assert.equal(decoding.ledger.delivered.lost.duplicate, 1);
  });

  it('gives up a hole when the drain has ended twice, and finds the next message', () => {
    const { writer, decoding } = setUp();
    const end = new TestEnd(writer).send(REQUEST).receive(RESPONSE);
    end.lose('send', 100).lose('receive', 50).send(REQUEST).receive(CREATED);
    end.send(REQUEST.replace('/a', '/b')).receive(RESPONSE);
    decoding.feed(writer);
    assert.deepEqual(statuses(decoding), [200]);
    writer.clock().clock();
    end.send(REQUEST.replace('/a', '/c')).receive(CREATED);
    decoding.feed(writer);
    assert.equal(decoding.closed.length, 4);
    const paths = decoding.spans().map((span) => [span['url.full'], span['http.response.status_code']]);
    assert.deepEqual(paths.at(-1), ['http://h/c', 201]);
    for (const [url, status] of paths)
      assert.ok(status === undefined || (url === 'http://h/c') === (status === 201));
  });

  it('keeps no more than its bound of one connection, and counts the rest', () => {
    const { writer, decoding } = setUp({ connectionBuffer: 4096 });
    const end = new TestEnd(writer);
    end.send('GET /a HTTP/1.1\r\nHost: h\r\n');
    for (let i = 0; i < 100; i++) end.send(`X-Filler-${i}: ${'x'.repeat(100)}\r\n`);
    end.send('\r\n').receive(RESPONSE);
    end.send(REQUEST).receive(CREATED);
    decoding.feed(writer);
    assert.ok(decoding.ledger.delivered.lost.overflow > 0);
    assert.deepEqual(statuses(decoding), [200, 201]);
    assert.equal(decoding.spans()[0]!['undertrace.http.head_truncated'], true);
  });

  it('takes the length and last time of an elided run from the next record', () => {
    const { writer, decoding } = setUp();
    const end = new TestEnd(writer);
    const total = 12_000_000_000;
    end.send(REQUEST).receive(`HTTP/1.1 200 OK\r\nContent-Length: ${total}\r\n\r\n`);
    end.receive('x'.repeat(8192));
    decoding.feed(writer);
    assert.deepEqual(
      [...decoding.stage.elidedWaiting()].map((c) => c.sock),
      [end.sock],
    );
    assert.equal(decoding.closed.length, 0);
    const gap = end.elide('receive', total - 8192, 4711, 77e9);
    writer.nowNs = 80e9;
    end.send(REQUEST, { fields: gap }).receive(CREATED);
    decoding.feed(writer);
    assert.deepEqual(statuses(decoding), [200, 201]);
    assert.equal(decoding.spans()[0]!['http.response.body.size'], total);
    assert.equal(decoding.closed[0]!.endNs, 77e9);
    assert.deepEqual([...decoding.stage.elidedWaiting()], []);
  });

  it('ends a message with an elision record', () => {
    const { writer, decoding } = setUp();
    const end = new TestEnd(writer);
    end.send(REQUEST).receive('HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n' + 'x'.repeat(10_000));
    end.elision('receive', 40_000).elision('receive', 50_000);
    decoding.feed(writer);
    assert.deepEqual(statuses(decoding), [200]);
    assert.equal(decoding.closed[0]!.endNs, writer.nowNs - 1000);
  });

  it('uses records without payload for the length of a body', () => {
    const { writer, decoding } = setUp();
    const end = new TestEnd(writer, { accepted: true });
    end.receive(REQUEST).send('HTTP/1.1 200 OK\r\nContent-Length: 50000\r\n\r\n');
    end.send('', { beyond: 30_000 }).send('', { beyond: 20_000 });
    end.receive(REQUEST).send(CREATED);
    decoding.feed(writer);
    assert.deepEqual(statuses(decoding), [200, 201]);
  });

  it('takes data that comes after the end of its connection', () => {
    const { writer, decoding } = setUp();
    const end = new TestEnd(writer).send(REQUEST);
    end.event('destroyed', { tcp_state: 7 }).receive(RESPONSE);
    writer.clock().clock().clock();
    decoding.feed(writer);
    assert.deepEqual(statuses(decoding), [200]);
    assert.equal(decoding.closed[0]!.failure, undefined);
    assert.equal(decoding.stage.table.size, 0);
  });

  it('ends a connection over a unix socket with its close', () => {
    const { writer, decoding } = setUp();
    const end = new TestEnd(writer, { transport: 'unix', accepted: true });
    end.event('accept').receive('POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nabc').send(RESPONSE);
    writer.clock().clock();
    decoding.feed(writer);
    assert.deepEqual(statuses(decoding), []);
    end.event('close');
    writer.clock().clock().clock();
    decoding.feed(writer);
    assert.deepEqual(statuses(decoding), [200]);
    assert.equal(decoding.stage.table.size, 0);
  });

  it('leaves a connection open whose socket another process still holds', () => {
    const { writer, decoding } = setUp();
    const end = new TestEnd(writer, { accepted: true, tgid: 200 }).receive(REQUEST);
    end.event('close', { tgid: 100, tcp_state: 1 });
    for (let i = 0; i < 30; i++) writer.clock(writer.nowNs + 10e6);
    end.send(RESPONSE);
    decoding.feed(writer);
    assert.deepEqual(statuses(decoding), [200]);
  });

  it('tells a reset, a time-out and a close apart', () => {
    const { writer, decoding } = setUp();
    const reset = new TestEnd(writer).send(REQUEST);
    reset.event('failed', { result: -104 }).event('destroyed');
    new TestEnd(writer).send(REQUEST).event('failed', { result: -110 });
    new TestEnd(writer).send(REQUEST).event('destroyed');
    new TestEnd(writer).send(REQUEST).event('failed', { result: -113 });
    new TestEnd(writer).send(REQUEST).event('destroyed', { result: -104 });
    writer.clock().clock().clock();
    decoding.feed(writer);
    assert.deepEqual(
      decoding.closed.map((exchange) => decoding.describe(exchange).errorType),
      [
        ...['connection_reset', 'connection_timed_out', 'connection_closed', 'connection_failed'],
        'connection_reset',
      ],
    );
  });

  it('tells a response that was lost at the end from one that never came', () => {
    const { writer, decoding } = setUp();
    const lost = new TestEnd(writer).send(REQUEST).lose('receive', 100);
    const cut = new TestEnd(writer).send(REQUEST).receive(RESPONSE.slice(0, 20)).lose('receive', 100);
    const none = new TestEnd(writer).send(REQUEST).lose('receive', 1); // the peer's FIN
    const unix = new TestEnd(writer, { transport: 'unix' }).event('connect').send(REQUEST);
    for (const end of [lost, cut, none]) end.event('destroyed');
    unix.lose('receive', 100).event('close');
    writer.clock().clock().clock();
    decoding.feed(writer);
    assert.deepEqual(
      decoding.closed.map(({ failure, incomplete }) => failure ?? incomplete),
      ['response_lost', 'response_lost', 'connection_closed', 'response_lost'],
    );
  });

  it('counts refused connections by errno', () => {
    const { writer, decoding } = setUp();
    new TestEnd(writer).event('connect', { result: -111 });
    new TestEnd(writer).event('connect', { result: -115 });
    decoding.feed(writer);
    assert.deepEqual(decoding.stage.table.counters.connectFailures, { 111: 1 });
  });

  it('closes what a dead process left open on unix sockets', () => {
    const { writer, decoding } = setUp();
    new TestEnd(writer, { transport: 'unix', tgid: 42 }).send(REQUEST);
    writer.add('exit', { tgid: 42 });
    writer
      .clock(writer.nowNs + 2e9)
      .clock()
      .clock()
      .clock();
    decoding.feed(writer);
    assert.equal(decoding.closed[0]!.failure, 'connection_closed');
  });

  it('gives both ends of a unix pair its path and one hop key', () => {
    const { writer, decoding } = setUp();
    const client = new TestEnd(writer, {
      transport: 'unix',
      sock: 0xffff888000aaa000,
      peer: 0xffff888000bbb000,
    });
    const server = new TestEnd(writer, {
      transport: 'unix',
      sock: 0xffff888000bbb000,
      peer: 0xffff888000aaa000,
    });
    server.event('seen', {}, '/run/app.sock');
    client.event('seen');
    client.send(REQUEST);
    server.receive(REQUEST).send(RESPONSE);
    client.receive(RESPONSE);
    decoding.feed(writer);
    const [inner, outer] = decoding.closed;
    assert.ok(inner!.hop);
    assert.deepEqual(inner!.hop, outer!.hop);
    assert.equal(outer!.connection.remoteAddress, '/run/app.sock');
    assert.equal(inner!.connection.localAddress, '/run/app.sock');
    assert.deepEqual([inner!.role, outer!.role], ['server', 'client']);
    assert.equal(decoding.spans()[1]!['network.transport'], 'unix');
  });

  it('aligns the counts of an old unix pair at a read that left nothing', () => {
    const { writer, decoding } = setUp();
    const old = { transport: 'unix', rxPosition: 0 } as const;
    const client = new TestEnd(writer, { ...old, sock: 0xffff888000ccc000, peer: 0xffff888000ddd000 });
    const server = new TestEnd(writer, { ...old, sock: 0xffff888000ddd000, peer: 0xffff888000ccc000 });
    client.txPosition = 5000;
    server.rxPosition = 300;
    const plain = { fields: { flags: 0 } };
    for (let i = 0; i < 2; i++) {
      client.send(REQUEST, plain);
      server.receive(REQUEST, { fields: { flags: Flag.drained } }).send(RESPONSE, plain);
      client.receive(RESPONSE, { fields: { flags: Flag.drained } });
    }
    decoding.feed(writer);
    assert.deepEqual(
      decoding.closed.map((exchange) => exchange.hop === undefined),
      [true, true, false, false],
    );
    assert.deepEqual(decoding.closed[2]!.hop, decoding.closed[3]!.hop);
  });

  it('gives up datagram sockets and counts them by port', () => {
    const { writer, decoding } = setUp();
    const end = new TestEnd(writer, { remotePort: 53 });
    const fields = { protocol: 17, sock_type: 2, position_kind: 3 };
    end.send('query', { fields }).receive('answer', { fields });
    decoding.feed(writer);
    assert.deepEqual(
      decoding.verdicts.map((call) => call.verdict),
      [Verdict.drop],
    );
    const [entry] = decoding.stage.unrecognised.list();
    assert.deepEqual(
      [entry!.transport, entry!.port, entry!.class, entry!.records, entry!.bytes],
      ['udp', 53, 'datagram', 2, 11],
    );
    assert.equal(decoding.ledger.delivered.lost.unrecognised, 2);
  });
});
