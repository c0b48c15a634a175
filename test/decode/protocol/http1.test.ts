import assert from 'node:assert/strict';
import { PROTOCOLS } from '../../../src/base/settings.ts';
import { gzipSync } from 'node:zlib';
import { Verdict } from '../../../src/capture/records.gen.ts';
import { Decoding } from '../../support/decoding.ts';
import { RecordWriter, TestEnd, type TestEndOptions } from '../../support/records.ts';

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

/** What others say of the same bytes is not asked. */
const ALONE = { protocolsOff: PROTOCOLS.filter((protocol) => protocol !== 'http') };

function setUp(options: TestEndOptions = {}, decode: ConstructorParameters<typeof Decoding>[0] = {}) {
  const writer = new RecordWriter();
  return { writer, decoding: new Decoding(decode), end: new TestEnd(writer, options) };
}

function get(path: string, more = ''): string {
  return `GET ${path} HTTP/1.1\r\nHost: h\r\n${more}\r\n`;
}

/** [url, status, error, what is incomplete] of the closed exchanges. */
function outcome(decoding: Decoding): unknown[] {
  return decoding
    .spans()
    .map((span) =>
      [
        (span['url.full'] as string).replace('http://h', ''),
        span['http.response.status_code'] ?? null,
        span['error.type'] ?? null,
        span['undertrace.exchange.incomplete'] ?? null,
      ].filter((value, i) => i < 2 || value !== null),
    );
}

describe('decode/protocol/http1', () => {
  it('pairs pipelined requests in order and asks for a larger budget', () => {
    const { writer, decoding, end } = setUp();
    end.send(get('/1') + get('/2')).send(get('/3'));
    end.receive(OK + OK.replace('200', '201')).receive(OK.replace('200', '202'));
    decoding.feed(writer);
    assert.deepEqual(outcome(decoding), [
      ['/1', 200],
      ['/2', 201],
      ['/3', 202],
    ]);
    assert.deepEqual(
      decoding.verdicts.map((call) => [call.verdict, call.budget]),
      [
        [Verdict.elide, 8192],
        [Verdict.full, 65536],
      ],
    );
  });

  it('waits for a request whose record comes after its response', () => {
    const { writer, decoding, end } = setUp();
    end.send(get('/0')).receive(OK);
    const sentNs = writer.nowNs + 500;
    end.receive(OK.replace('200', '201'), { timeNs: sentNs + 1500 });
    end.send(get('/1'), { timeNs: sentNs + 100, enterNs: sentNs });
    decoding.feed(writer);
    assert.deepEqual(outcome(decoding), [
      ['/0', 200],
      ['/1', 201],
    ]);
  });

  it('gives a response without a request up after two drains', () => {
    const { writer, decoding, end } = setUp();
    end.send(get('/0')).receive(OK).receive(OK.replace('200', '408'));
    writer.clock().clock().clock();
    end.send(get('/1')).receive(OK.replace('200', '201'));
    decoding.feed(writer);
    assert.deepEqual(outcome(decoding), [
      ['/0', 200],
      ['/1', 201],
    ]);
    assert.equal(decoding.ledger.exchanges.lost.orphan_response, 1);
  });

  it('ends an exchange whose server answers before the body has come when both are over', () => {
    const { writer, decoding, end } = setUp();
    end
      .send('POST /up HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n12345')
      .receive(OK.replace('200', '413'));
    decoding.feed(writer);
    assert.equal(decoding.closed.length, 0);
    end.send('67890').send(get('/next')).receive(OK);
    decoding.feed(writer);
    assert.deepEqual(outcome(decoding), [
      ['/up', 413, '413'],
      ['/next', 200],
    ]);
    assert.equal(decoding.spans()[0]!['http.request.body.size'], 10);
  });

  it('takes a response until the close, also across elided bytes', () => {
    const { writer, decoding, end } = setUp();
    end.send(get('/stream')).receive('HTTP/1.0 200 OK\r\n\r\n').receive('x'.repeat(9000));
    end.event('destroyed', end.elide('receive', 91_000, 9, 50e9));
    writer.nowNs = 51e9;
    writer.clock().clock().clock();
    decoding.feed(writer);
    assert.deepEqual(outcome(decoding), [['/stream', 200]]);
    assert.equal(decoding.spans()[0]!['http.response.body.size'], 100_000);
    assert.equal(decoding.closed[0]!.endNs, 50e9);
  });

  it('lets a half-closed client read its response until the server closes', () => {
    const { writer, decoding, end } = setUp();
    end.send(get('/half')).event('shutdown').receive('HTTP/1.0 200 OK\r\n\r\none');
    for (let i = 0; i < 30; i++) writer.clock(writer.nowNs + 10e6);
    decoding.feed(writer);
    assert.equal(decoding.closed.length, 0);
    end.receive('two');
    const endedNs = writer.nowNs;
    end.event('destroyed');
    writer.clock().clock().clock();
    decoding.feed(writer);
    assert.deepEqual(outcome(decoding), [['/half', 200]]);
    assert.equal(decoding.spans()[0]!['http.response.body.size'], 6);
    assert.equal(decoding.closed[0]!.endNs, endedNs);
  });

  it('ends a response until close when its server shuts the sending down', () => {
    const { writer, decoding, end } = setUp({ accepted: true });
    end.receive(get('/x')).send('HTTP/1.0 200 OK\r\n\r\none').event('shutdown');
    for (let i = 0; i < 15; i++) writer.clock(writer.nowNs + 10e6);
    decoding.feed(writer);
    assert.equal(decoding.closed.length, 1);
    assert.equal(decoding.spans()[0]!['http.response.body.size'], 3);
  });

  it('fails a response that is cut off by a reset', () => {
    const { writer, decoding, end } = setUp();
    end.send(get('/a')).receive('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort');
    end.event('failed', { result: -104 });
    writer.clock().clock().clock();
    decoding.feed(writer);
    assert.deepEqual(outcome(decoding), [['/a', 200, 'connection_reset']]);
  });

  it('never guesses the end of a chunked body that is elided: the next request tells it', () => {
    const { writer, decoding, end } = setUp();
    end.send(get('/big')).receive('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2000\r\n');
    end.receive('x'.repeat(8192), { captured: 8100 });
    const fields = end.elide('receive', 50_000, 5, 60e9);
    writer.nowNs = 61e9;
    writer.clock().clock().clock();
    decoding.feed(writer);
    assert.equal(decoding.closed.length, 0);
    assert.equal([...decoding.stage.elidedWaiting()].length, 1);
    end.send(get('/next'), { fields }).receive(OK);
    decoding.feed(writer);
    assert.deepEqual(outcome(decoding), [
      ['/big', 200],
      ['/next', 200],
    ]);
    assert.equal(decoding.closed[0]!.endNs, 60e9);
    assert.equal(decoding.spans()[0]!['http.response.body.size'], undefined);
  });

  it('times out an unanswered request, and does not pair its late response with the next one', () => {
    const { writer, decoding, end } = setUp({}, { exchangeTimeoutNs: 5e9 });
    end.send(get('/slow'));
    const heardNs = writer.nowNs;
    writer.clock(writer.nowNs + 20e9);
    end.send(get('/next')).receive('HTTP/1.1 204 late\r\n\r\n').receive(OK.replace('200', '201'));
    decoding.feed(writer);
    assert.deepEqual(outcome(decoding), [
      ['/slow', null, 'timeout'],
      ['/next', 201],
    ]);
    assert.equal(decoding.closed[0]!.endNs, heardNs + 5e9);
    assert.equal(decoding.ledger.exchanges.lost.orphan_response, 1);
  });

  it('refuses lengths that contradict each other, and goes on at the next message', () => {
    for (const fields of [
      'Content-Length: 2\r\nContent-Length: 3\r\n',
      'Content-Length: 2\r\nTransfer-Encoding: chunked\r\n',
      'Content-Length: +2\r\n',
      'Content-Length: 2, 3\r\n',
      'Transfer-Encoding: gzip\r\n',
    ]) {
      const { writer, decoding, end } = setUp();
      end.send(`POST /bad HTTP/1.1\r\nHost: h\r\n${fields}\r\nxx`);
      end.receive('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n');
      writer.clock().clock().clock();
      end.send(get('/next')).receive(OK);
      decoding.feed(writer);
      assert.deepEqual(outcome(decoding), [['/next', 200]], fields);
      assert.equal(decoding.ledger.delivered.lost.malformed, 1, fields);
    }
  });

  it('reads equal lengths as one, bare line feeds and folded fields', () => {
    const { writer, decoding, end } = setUp();
    end
      .send('POST /a HTTP/1.1\nHost: h\nX-Folded: a\n b\nContent-Length: 2, 2\nContent-Length: 2\n\nxx')
      .receive(OK);
    end.send('\r\n\r\n' + get('/b')).receive(OK);
    decoding.feed(writer);
    assert.deepEqual(outcome(decoding), [
      ['/a', 200],
      ['/b', 200],
    ]);
    assert.equal(decoding.spans()[0]!['http.request.body.size'], 2);
  });

  it('reads chunk extensions, upper-case sizes and trailers', () => {
    const { writer, decoding, end } = setUp();
    end
      .send(get('/c'))
      .receive(
        'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\nA;x="y"\r\n0123456789\r\n2 \r\nab\r\n0\r\nX-T: 1\r\n\r\n',
      );
    end.send(get('/d')).receive(OK);
    decoding.feed(writer);
    assert.deepEqual(outcome(decoding), [
      ['/c', 200],
      ['/d', 200],
    ]);
    assert.equal(decoding.spans()[0]!['http.response.body.size'], 12);
  });

  it('accepts a request after a refused expectation with no body between', () => {
    const { writer, decoding, end } = setUp();
    const head = 'PUT /x HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n';
    end.send(head).receive(OK.replace('200 OK', '417 No')).send(get('/y')).receive(OK);
    end.send(head).receive(OK.replace('200 OK', '413 No')).send('012345678').send(get('/z')).receive(OK);
    decoding.feed(writer);
    assert.deepEqual(outcome(decoding), [
      ['/x', 417, '417'],
      ['/y', 200],
      ['/x', 413, '413'],
      ['/z', 200],
    ]);
  });

  it('hands a CONNECT tunnel on: HTTP inside is decoded, TLS is given up', () => {
    const { writer, decoding, end } = setUp({}, ALONE);
    end
      .send('CONNECT example.org:80 HTTP/1.1\r\nHost: example.org:80\r\n\r\n')
      .receive('HTTP/1.1 200 OK\r\n\r\n');
    end.send(get('/inside')).receive(OK);
    const tls = new TestEnd(writer);
    tls
      .send('CONNECT example.org:443 HTTP/1.1\r\nHost: example.org:443\r\n\r\n')
      .receive('HTTP/1.1 200 OK\r\n\r\n');
    tls.send(Uint8Array.of(0x16, 3, 1, 0, 200, ...Buffer.alloc(200))).receive(OK);
    decoding.feed(writer);
    assert.deepEqual(outcome(decoding), [
      ['example.org:80', 200],
      ['/inside', 200],
      ['example.org:443', 200],
    ]);
    assert.deepEqual(
      decoding.stage.unrecognised.list().map((entry) => entry.class),
      ['tls'],
    );
  });

  it('uses what was captured of a head beyond the budget, and finds the next message', () => {
    const { writer, decoding, end } = setUp();
    const long = get('/long', `Cookie: ${'c'.repeat(9000)}\r\nX-Late: 1\r\n`);
    end.send(long, { captured: 8192 }).receive(OK);
    end.send(get('/next')).receive(OK);
    decoding.feed(writer);
    assert.deepEqual(outcome(decoding), [
      ['/long', 200],
      ['/next', 200],
    ]);
    assert.equal(decoding.spans()[0]!['undertrace.http.head_truncated'], true);
  });

  it('joins a connection in the middle of a body', () => {
    const { writer, decoding, end } = setUp({ txPosition: 7_000_000_000, rxPosition: 9_000_000_000 });
    end.receive('tail of something').receive('and more\r\n');
    end.send(get('/first')).receive(OK);
    decoding.feed(writer);
    assert.deepEqual(outcome(decoding), [['/first', 200]]);
    assert.equal(decoding.ledger.delivered.lost.unsynchronised, 2);
    assert.equal(decoding.closed[0]!.hop!.high, (3000 + 7_000_000_000) % 2 ** 32);
  });

  it('describes the forms of a target and of the method', () => {
    const cases: Array<[string, Record<string, unknown>]> = [
      ['OPTIONS * HTTP/1.1\r\nHost: h:8080\r\n\r\n', { 'url.full': 'http://h:8080', 'server.port': 8080 }],
      [
        'GET http://user:pw@other/x?sig=1#f HTTP/1.1\r\nHost: h\r\n\r\n',
        { 'url.full': 'http://other/x?sig=REDACTED', 'server.address': 'other', 'server.port': 80 },
      ],
      [
        'get / HTTP/1.1\r\nHost: [::1]:81\r\n\r\n',
        { 'http.request.method': '_OTHER', 'server.address': '::1' },
      ],
      [
        'GET /old HTTP/1.0\r\n\r\n',
        { 'url.full': 'http://127.0.0.1/old', 'network.protocol.version': '1.0' },
      ],
    ];
    for (const [request, expected] of cases) {
      const { writer, decoding, end } = setUp();
      end.send(request).receive(OK);
      decoding.feed(writer);
      const [span] = decoding.spans();
      for (const [key, value] of Object.entries(expected)) assert.equal(span![key], value, request);
    }
  });

  it('names the client that proxies wrote down', () => {
    for (const [field, client, scheme] of [
      ['X-Forwarded-For: 203.0.113.9, 10.0.0.1\r\nX-Forwarded-Proto: https', '203.0.113.9', 'https'],
      ['Forwarded: for="[2001:db8::1]:4711";proto=https', '2001:db8::1', 'https'],
      ['X-Other: 1', '127.0.0.1', 'http'],
    ]) {
      const { writer, decoding, end } = setUp({ accepted: true });
      end.receive(get('/p', `${field}\r\n`)).send(OK);
      decoding.feed(writer);
      assert.deepEqual(
        [decoding.spans()[0]!['client.address'], decoding.spans()[0]!['url.scheme']],
        [client, scheme],
      );
    }
  });

  it('keeps no credentials', () => {
    const { writer, decoding, end } = setUp();
    end
      .send(get('/s?api_key=topsecret&a=1', 'Authorization: Basic topsecret\r\nCookie: topsecret\r\n'))
      .receive(OK);
    decoding.feed(writer);
    const exchange = decoding.closed[0]!;
    assert.doesNotMatch(JSON.stringify(decoding.describe(exchange)), /topsecret/);
    assert.equal(decoding.spans()[0]!['url.full'], 'http://h/s?api_key=REDACTED&a=1');
  });

  it('passes a trace context through', () => {
    const { writer, decoding, end } = setUp();
    const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
    end.send(get('/t', `traceparent: ${traceparent}\r\ntracestate: a=1\r\ntracestate: b=2\r\n`)).receive(OK);
    decoding.feed(writer);
    const description = decoding.describe(decoding.closed[0]!);
    assert.equal(description.contextHeaders?.traceparent, traceparent);
    assert.equal(description.contextHeaders.tracestate, 'a=1,b=2');
  });

  it('claims no bytes of other protocols', () => {
    const foreign: Array<[string, string | Uint8Array]> = [
      ['tls', Uint8Array.of(0x16, 3, 1, 2, 0, 1, ...Buffer.alloc(300, 7))],
      ['http2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n' + '\0\0\0\x04\0\0\0\0\0'.repeat(8)],
      ['ssh', 'SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n'.padEnd(80, 'x')],
      ['text', '220 mail.example.org ESMTP Postfix (Debian/GNU) ready for your orders now\r\n'],
      ['text', '*3\r\n$3\r\nSET\r\n$3\r\nkey\r\n$40\r\n0123456789012345678901234567890123456789\r\n'],
      ['text', 'GET /key\r\nGET /other-key\r\nGET /yet-another-key\r\nGET /and-more-keys-still\r\n'],
      ['text', 'OPTIONS rtsp://camera/stream RTSP/1.0\r\nCSeq: 1\r\nUser-Agent: rtsp client 1.0\r\n\r\n'],
      ['text', 'EHLO client.example.org\r\nMAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\n'],
      ['binary', gzipSync(Buffer.alloc(5000, 'gzip'))],
      ['binary', Uint8Array.from({ length: 200 }, (_, i) => (i * 197 + 31) & 255)],
    ];
    for (const [byteClass, bytes] of foreign) {
      for (const send of [true, false]) {
        const { writer, decoding, end } = setUp({}, ALONE);
        if (send) end.send(bytes);
        else end.receive(bytes);
        for (let i = 0; i < 4; i++) end.receive(bytes.slice(5));
        decoding.feed(writer);
        assert.equal(decoding.opened.length, 0);
        assert.deepEqual(
          decoding.verdicts.map((call) => call.verdict),
          [Verdict.drop],
          byteClass,
        );
        assert.equal(decoding.stage.unrecognised.list()[0]!.class, byteClass);
        assert.equal(
          decoding.ledger.delivered.lost.unrecognised + decoding.ledger.delivered.lost.unsynchronised,
          5,
        );
      }
    }
  });

  it('gives up kernel TLS, whose bytes look like plaintext', () => {
    const { writer, decoding, end } = setUp();
    end.send(get('/plain'), { fields: { position_kind: 2 } });
    decoding.feed(writer);
    assert.equal(decoding.opened.length, 0);
    assert.equal(decoding.stage.unrecognised.list()[0]!.class, 'ktls');
  });

  it('closes what is open when the capture ends', () => {
    const { writer, decoding, end } = setUp();
    end.send(get('/open'));
    decoding.feed(writer);
    decoding.stage.close();
    decoding.check();
    assert.deepEqual(outcome(decoding), [['/open', null, 'capture_ended']]);
  });
});
