import assert from 'node:assert/strict';
import { Decoding } from '../../support/decoding.ts';
import { RecordWriter, TestEnd } from '../../support/records.ts';

const HANDSHAKE = 'GET /ws HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade\r\nUpgrade: WebSocket\r\n\r\n';
const SWITCHED = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: WebSocket\r\n\r\n';
/** Text messages: of a server, and of a client with a mask of zeros. */
const text = (content: string): string => `\x81${String.fromCharCode(content.length)}${content}`;
const masked = (content: string): string =>
  `\x81${String.fromCharCode(0x80 | content.length)}\0\0\0\0${content}`;
const MINUTE = 60e9;

function start(options = {}): { writer: RecordWriter; decoding: Decoding; end: TestEnd } {
  const writer = new RecordWriter();
  const end = new TestEnd(writer, { accepted: true });
  end.event('accept').receive(HANDSHAKE).send(SWITCHED);
  return { writer, decoding: new Decoding(options), end };
}

describe('decode/websocket', () => {
  it('stays open while nothing happens, and counts what it sends itself as sent', () => {
    const { writer, decoding, end } = start();
    end.receive(masked('hello')).send(text('one') + text('two'));
    writer.clock().clock(writer.nowNs + 10 * MINUTE);
    decoding.feed(writer);
    assert.equal(decoding.closed.length, 0);
    end.receive(masked('bye')).send('\x88\x02\x03\xe8');
    writer.clock();
    decoding.feed(writer);
    const [span] = decoding.spans();
    assert.deepEqual(
      ['messages.sent', 'messages.received', 'bytes.sent', 'bytes.received', 'close_code'].map(
        (key) => span![`undertrace.websocket.${key}`],
      ),
      [2, 2, 6, 8, 1000],
    );
    assert.equal(decoding.closed[0]!.protocol, 'websocket');
    assert.ok(decoding.closed[0]!.endNs - decoding.closed[0]!.startNs > 10 * MINUTE);
  });

  it('counts nothing once frames were lost, and finds the close all the same', () => {
    const { writer, decoding, end } = start();
    end.receive(masked('hello')).lose('receive', 20).receive(masked('again'));
    writer.clock().clock().clock();
    end.receive('\x88\x82\0\0\0\0\x03\xf3');
    writer.clock();
    decoding.feed(writer);
    const [span] = decoding.spans();
    assert.equal(span!['undertrace.websocket.messages.received'], undefined);
    assert.equal(span!['undertrace.websocket.close_code'], 1011);
    assert.equal(span!['error.type'], '1011');
  });

  it('leaves the handshake as it is where it is switched off', () => {
    const { writer, decoding, end } = start({ protocolsOff: ['websocket'] });
    end.receive(masked('hello')).send(text('one'));
    end.event('close').event('destroyed', { tcp_state: 7 });
    writer.clock().clock().clock();
    decoding.feed(writer);
    const [exchange] = decoding.closed;
    assert.deepEqual([exchange!.protocol, decoding.closed.length], ['http', 1]);
    assert.ok(exchange!.endNs > exchange!.startNs);
    assert.equal(decoding.spans()[0]!['http.response.status_code'], 101);
  });
});
