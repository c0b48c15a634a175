import assert from 'node:assert/strict';
import { Verdict } from '../../src/capture/records.gen.ts';
import { Decoding } from '../support/decoding.ts';
import { RecordWriter, TestEnd } from '../support/records.ts';

const REQUEST = 'GET /a?token=1&x=2 HTTP/1.1\r\nHost: example.org:8080\r\nUser-Agent: t/1\r\n\r\n';
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
});
