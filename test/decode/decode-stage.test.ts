import assert from 'node:assert/strict';
import { Verdict } from '../../src/capture/records.gen.ts';
import { Decoding } from '../support/decoding.ts';
import { RecordWriter, TestEnd, type TestEndOptions } from '../support/records.ts';

const REQUEST = 'GET /a?token=1&x=2 HTTP/1.1\r\nHost: example.org:8080\r\nUser-Agent: t/1\r\n\r\n';
/** Of no protocol that is decoded. */
const UNKNOWN = '\u0001\u0002 twenty bytes of it \u0003';
const RESPONSE = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello';

describe('decode/decode-stage', () => {
  it('gives one exchange an end with the same hop key, the client one around the server one', () => {
    const writer = new RecordWriter();
    const decoding = new Decoding();
    const client = new TestEnd(writer);
    const server = new TestEnd(writer, { accepted: true });
    for (let i = 0; i < 3; i++) {
      client.send(REQUEST);
      server.receive(REQUEST).send(RESPONSE);
      client.receive(RESPONSE);
    }
    decoding.feed(writer);
    assert.equal(decoding.closed.length, 6);
    for (let i = 0; i < 6; i += 2) {
      const [inner, outer] = decoding.closed.slice(i, i + 2);
      assert.deepEqual([inner!.role, outer!.role], ['server', 'client']);
      assert.deepEqual(inner!.hop, outer!.hop);
      assert.deepEqual(inner!.hop, { kind: 'tcp', high: 3000 + (i / 2) * REQUEST.length, low: 7000 });
      assert.ok(
        outer!.startNs < inner!.startNs && inner!.startNs < inner!.endNs && inner!.endNs < outer!.endNs,
      );
    }
    assert.equal(decoding.ledger.delivered.out, 12);
    assert.deepEqual(
      decoding.verdicts.map((call) => call.verdict),
      [Verdict.elide, Verdict.elide],
    );
  });

  it('gives up at once what looks like a protocol and is answered in another one', () => {
    // RESP arrays of texts that are no command of Redis; nothing that decodes answers so.
    const asked = '*1\r\n$7\r\nUNHEARD\r\n';
    const writer = new RecordWriter();
    const decoding = new Decoding();
    const client = new TestEnd(writer);
    client.send(asked).send(asked).send(asked);
    decoding.feed(writer);
    assert.equal(decoding.verdicts.length, 0);
    client.receive(UNKNOWN);
    decoding.feed(writer);
    assert.deepEqual(
      decoding.verdicts.map((call) => call.verdict),
      [Verdict.drop],
    );
    assert.equal(decoding.ledger.delivered.lost.unrecognised, 4);
    assert.equal(decoding.closed.length, 0);
  });

  it('ends an exchange once where the end shows that another protocol is spoken', () => {
    const frame = (flag: number, opaque: number): string => {
      const header = JSON.stringify({ code: 320, extFields: {}, flag, language: 'GO', opaque, version: 479 });
      const sizes = Buffer.alloc(8);
      sizes.writeUInt32BE(4 + header.length);
      sizes.writeUInt32BE(header.length, 4);
      return sizes.toString('latin1') + header;
    };
    const writer = new RecordWriter();
    const decoding = new Decoding();
    const client = new TestEnd(writer, { accepted: false });
    // The answer of a client waits for a question that may be late. Behind that something calls itself a length and is none.
    client
      .send(frame(1, 2))
      .send(frame(0, 3))
      .receive(frame(1, 3))
      .send(`${frame(0, 4)}${'x'.repeat(200)}`);
    client.event('close', { tcp_state: 4 });
    // The connection is over before that one is late.
    for (let i = 0; i < 3; i++) writer.clock(writer.nowNs + 5e6);
    decoding.strict = false;
    decoding.feed(writer);
    decoding.check();
    const ended = [...decoding.closed, ...decoding.dropped];
    assert.ok(decoding.dropped.length > 0);
    assert.equal(new Set(ended).size, ended.length);
    assert.deepEqual(new Set(ended), new Set(decoding.opened));
  });

  it('still waits for an answer where the first bytes are too few to tell', () => {
    const asked = '*1\r\n$7\r\nUNHEARD\r\n';
    const writer = new RecordWriter();
    const decoding = new Decoding();
    const client = new TestEnd(writer);
    client.send(asked).receive('-E').receive('RR unknown command\r\n');
    decoding.feed(writer);
    assert.deepEqual(
      [...decoding.stage.reports()].map(({ protocol }) => protocol),
      ['redis'],
    );
  });

  it('gives the two ends of a unix connection one hop key, and another one when the addresses are used again', () => {
    const writer = new RecordWriter();
    const decoding = new Decoding();
    const [here, there] = [0xffff888000a00000, 0xffff888000b00000];
    for (const inode of [7001, 7003]) {
      const pair = { transport: 'unix', tgid: 100 } as const;
      const client = new TestEnd(writer, { ...pair, sock: here, peer: there, inode });
      const server = new TestEnd(writer, {
        ...{ ...pair, accepted: true, sock: there, peer: here, inode: inode + 1, rxFirst: inode },
      });
      client.send(REQUEST);
      server.receive(REQUEST).send(RESPONSE);
      client.receive(RESPONSE);
    }
    decoding.feed(writer);
    const [first, second, third, fourth] = decoding.closed.map((exchange) => exchange.hop);
    assert.equal(first?.kind, 'unix');
    assert.deepEqual(first, second);
    assert.deepEqual(third, fourth);
    assert.notDeepEqual(first, third);
  });

  it('says of every connection what it carried, what was lost of it, and what came of it', () => {
    const writer = new RecordWriter();
    const decoding = new Decoding();
    const end = new TestEnd(writer, { accepted: true });
    end.receive(REQUEST).send(RESPONSE).receive(REQUEST).send(RESPONSE).receive(REQUEST);
    end.receive('\0 is no method\r\n\r\n');
    decoding.feed(writer);
    const [report] = decoding.stage.reports();
    const { connection, protocol, exchanges, open } = report!;
    assert.deepEqual({ protocol, exchanges, open }, { protocol: 'http', exchanges: 3, open: 1 });
    assert.deepEqual([connection.records, connection.lost], [6, { malformed: 1 }]);
    assert.equal(decoding.ledger.delivered.lost.malformed, 1);
  });

  it('counts what had been read of a message when a part of it is missing', () => {
    const writer = new RecordWriter();
    const decoding = new Decoding();
    const end = new TestEnd(writer, { accepted: true });
    end.receive(REQUEST).send(RESPONSE);
    end.receive(REQUEST.slice(0, 10)).receive(REQUEST.slice(10, 20));
    end.lose('receive', 10).receive(REQUEST.slice(30));
    for (let i = 0; i < 4; i++) writer.clock();
    decoding.feed(writer);
    assert.equal(decoding.ledger.delivered.lost.unsynchronised, 3);
    assert.equal(decoding.ledger.delivered.out, 2);
  });

  it('keeps its books over a head that comes byte by byte', () => {
    const writer = new RecordWriter();
    const decoding = new Decoding();
    const end = new TestEnd(writer, { accepted: true });
    for (const byte of REQUEST) end.receive(byte);
    end.send(RESPONSE);
    decoding.feed(writer);
    assert.equal(decoding.closed.length, 1);
    assert.equal(decoding.ledger.delivered.out, REQUEST.length + 1);
  });

  it('counts a request whose head was not captured, and goes on at the next one', () => {
    const writer = new RecordWriter();
    const decoding = new Decoding();
    const end = new TestEnd(writer, { accepted: true });
    const upload = REQUEST.replace('GET', 'POST').replace('\r\n\r\n', '\r\nContent-Length: 20000\r\n\r\n');
    end.receive(upload).send(RESPONSE);
    // The rest of the body and the next head in one read, of which nothing is captured.
    end.receive('', { beyond: 20_000 + REQUEST.length }).send(RESPONSE.replace('200', '201'));
    end.receive(REQUEST).send(RESPONSE.replace('200', '202'));
    decoding.feed(writer);
    const statuses = decoding.spans().map((span) => span['http.response.status_code']);
    assert.deepEqual(statuses, [200, 202]);
    assert.equal(decoding.ledger.exchanges.lost.head_cut, 1);
  });

  it('gives a connection up in which no message begins any more', () => {
    const writer = new RecordWriter();
    const decoding = new Decoding();
    const end = new TestEnd(writer, { accepted: true });
    end.receive(REQUEST).send(RESPONSE);
    for (let i = 0; i < 300; i++) end.receive(`\u0001garbage ${i}`);
    decoding.feed(writer);
    const [report] = [...decoding.stage.reports()];
    assert.equal(report!.byteClass, 'damaged');
    assert.equal(decoding.verdicts.at(-1)!.verdict, Verdict.drop);
  });

  it('wants to know when a process that serves asks others in a protocol that is not decoded, and nothing of the rest', () => {
    const writer = new RecordWriter();
    const decoding = new Decoding();
    const verdictOf = ({ sock }: TestEnd): number | undefined =>
      decoding.verdicts.findLast(({ connection }) => connection.sock === sock)?.verdict;
    const opaque = (options: TestEndOptions): TestEnd => {
      const end = new TestEnd(writer, options);
      for (let i = 0; i < 5; i++) end.send(UNKNOWN).receive(UNKNOWN);
      return end;
    };
    const [before, ofOther] = [opaque({ tgid: 1 }), opaque({ tgid: 2 })];
    decoding.feed(writer);
    assert.deepEqual([verdictOf(before), verdictOf(ofOther)], [Verdict.drop, Verdict.drop]);
    new TestEnd(writer, { tgid: 1, accepted: true }).receive(REQUEST);
    const [after, served] = [opaque({ tgid: 1 }), opaque({ tgid: 1, accepted: true })];
    decoding.feed(writer);
    assert.deepEqual([verdictOf(before), verdictOf(after)], [Verdict.header, Verdict.header]);
    assert.deepEqual([verdictOf(served), verdictOf(ofOther)], [Verdict.drop, Verdict.drop]);
    writer.add('exit', { tgid: 1 });
    const next = opaque({ tgid: 1 });
    decoding.feed(writer);
    assert.equal(verdictOf(next), Verdict.drop);
  });

  it('tells why a request was sent: what its thread had read, or who had asked for the answer that it read', () => {
    const writer = new RecordWriter();
    const decoding = new Decoding();
    const at = (turn: number, step: number) => ({ fields: { turn, step } });
    const served = new TestEnd(writer, { accepted: true });
    const [first, second, third] = [new TestEnd(writer), new TestEnd(writer), new TestEnd(writer)];
    const database = new TestEnd(writer);
    served.receive(REQUEST, at(1, 1));
    first.send(REQUEST, at(1, 1));
    database.send(UNKNOWN, at(1, 1)).receive(UNKNOWN, at(2, 2));
    second.send(REQUEST, at(2, 2));
    third.send(REQUEST, at(3, 2));
    first.receive(RESPONSE, at(3, 3));
    served.send(RESPONSE, at(3, 3));
    decoding.feed(writer);
    const [request, ...calls] = decoding.opened;
    assert.deepEqual(
      calls.map(({ reason }) => reason?.exchange),
      [request, undefined, undefined],
    );
    assert.equal(calls[1]!.reason!.askedBy!.exchange, request);
    assert.equal(calls[2]!.reason, undefined, 'the thread had waited');
    assert.equal(request!.answer!.reason!.exchange, calls[0]);
  });

  it('forgets who asked where no answer comes', () => {
    for (const [afterNs, known] of [
      [30e9, true],
      [70e9, false],
    ] as const) {
      const writer = new RecordWriter();
      const decoding = new Decoding();
      const at = (step: number) => ({ fields: { step } });
      new TestEnd(writer, { accepted: true }).receive(REQUEST, at(1));
      const database = new TestEnd(writer).send(UNKNOWN, at(1));
      writer.clock(writer.nowNs + afterNs);
      database.receive(UNKNOWN, at(2));
      new TestEnd(writer).send(REQUEST, at(2));
      decoding.feed(writer);
      assert.equal(decoding.opened.at(-1)!.reason!.askedBy !== undefined, known);
    }
  });
});
