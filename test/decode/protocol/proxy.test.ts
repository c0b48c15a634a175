import assert from 'node:assert/strict';
import { Claim } from '../../../src/decode/decoder.ts';
import type { Exchange } from '../../../src/decode/exchange.ts';
import { createProxy } from '../../../src/decode/protocol/proxy.ts';
import { Decoding } from '../../support/decoding.ts';
import { RecordWriter, TestEnd } from '../../support/records.ts';

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n';
const LINE = 'PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\n';
const SIGNATURE = '\r\n\r\n\0\r\nQUIT\n';
const IPV4 = [192, 0, 2, 1, 198, 51, 100, 2, 0xdc, 0x04, 0x01, 0xbb];

function get(path: string): string {
  return `GET ${path} HTTP/1.1\r\nHost: h\r\n\r\n`;
}

function header(command: number, family: number, content: readonly number[]): Buffer {
  return Buffer.concat([
    Buffer.from(SIGNATURE),
    Buffer.of(command, family, content.length >> 8, content.length & 255),
    Buffer.from(content),
  ]);
}

function claimOf(bytes: Uint8Array | string, final = false, joined = false): Claim {
  const buffer = Buffer.from(bytes);
  return createProxy().probe(buffer, 0, buffer.length, final, joined);
}

/** [path, client] of the closed exchanges of an accepting end that gets these bytes, the first ones of its connection. */
function served(...pieces: Array<Uint8Array | string>): unknown[] {
  const writer = new RecordWriter();
  const decoding = new Decoding();
  const end = new TestEnd(writer, { accepted: true });
  for (const piece of pieces) end.receive(piece);
  end.send(OK);
  decoding.feed(writer);
  return decoding.closed.map((exchange) => clientIn(decoding, exchange));
}

function clientIn(decoding: Decoding, exchange: Exchange): unknown[] {
  const { attributes } = decoding.describe(exchange);
  return ['url.path', 'client.address', 'client.port'].map((key) => attributes[key]);
}

describe('decode/protocol/proxy', () => {
  it('names the client of every request on the connection, also where the first comes in the same record', () => {
    const expected = [['/a', '192.0.2.1', 56324]];
    for (const start of [LINE, header(0x21, 0x11, IPV4), header(0x21, 0x11, [...IPV4, 4, 0, 1, 7])]) {
      assert.deepEqual(served(start, get('/a')), expected);
      assert.deepEqual(served(Buffer.concat([Buffer.from(start), Buffer.from(get('/a'))])), expected);
    }
  });

  it('keeps nothing where the proxy speaks for itself, or of who has no address', () => {
    const own = [['/a', '127.0.0.1', 40_000]];
    const unix = header(0x21, 0x31, new Array<number>(216).fill(0));
    for (const start of [
      'PROXY UNKNOWN\r\n',
      header(0x20, 0, []),
      header(0x20, 0x11, IPV4),
      header(0x21, 0, []),
      unix,
    ])
      assert.deepEqual(served(start, get('/a')), own);
  });

  it('leaves both ends at the same place: pipelined requests pair, and have the same hop keys', () => {
    const ends = [false, true].map((accepted) => {
      const writer = new RecordWriter();
      const decoding = new Decoding();
      const end = new TestEnd(writer, { accepted });
      const ask = (bytes: string) => (accepted ? end.receive(bytes) : end.send(bytes));
      ask(LINE + get('/a') + get('/b'));
      ask(get('/c'));
      const answer = OK + OK.replace('200', '201');
      if (accepted) end.send(answer).send(OK.replace('200', '202'));
      else end.receive(answer).receive(OK.replace('200', '202'));
      decoding.feed(writer);
      return decoding.closed.map((exchange) => [
        exchange.requestPosition,
        exchange.hop,
        decoding.describe(exchange).attributes['http.response.status_code'],
        exchange.incomplete,
      ]);
    });
    assert.deepEqual(ends[0], ends[1]);
    assert.deepEqual(
      ends[0]!.map(([position, , status, incomplete]) => [position, status, incomplete]),
      [
        [LINE.length, 200, undefined],
        [LINE.length + get('/a').length, 201, undefined],
        [LINE.length + 2 * get('/a').length, 202, undefined],
      ],
    );
  });

  it('leaves what is no header alone', () => {
    const wrong = [
      'PROXY TCP4 192.0.2.1 198.51.100.2 56324\r\n',
      'PROXY TCP4 ::1 ::1 56324 443\r\n',
      'PROXY TCP5 192.0.2.1 198.51.100.2 56324 443\r\n',
      'PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\n',
      `PROXY UNKNOWN ${'x'.repeat(107)}`,
      'PROXYS',
      'GET / HTTP/1.1\r\n',
      '\r\n\r\nGET / HTTP/1.1\r\n',
      header(0x11, 0x11, IPV4),
      header(0x22, 0x11, IPV4),
      header(0x21, 0x41, IPV4),
      header(0x21, 0x13, IPV4),
      header(0x21, 0x21, IPV4),
      header(0x21, 0x11, [...IPV4, 4, 0, 2, 7]),
      header(0x21, 0x11, new Array<number>(9000).fill(0)),
    ];
    for (const bytes of wrong) assert.equal(claimOf(bytes), Claim.no, bytes.toString());
    assert.equal(claimOf(LINE, false, true), Claim.no);
    for (const whole of [Buffer.from(LINE), header(0x21, 0x11, [...IPV4, 4, 0, 0])]) {
      for (let length = 1; length < whole.length; length++) {
        assert.equal(claimOf(whole.subarray(0, length)), Claim.more, `${length}`);
        assert.equal(claimOf(whole.subarray(0, length), true), Claim.no, `${length}`);
      }
      assert.equal(claimOf(whole), Claim.request);
    }
  });
});
