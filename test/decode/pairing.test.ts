/** Losses that leave more than one way to pair what is left. What is random about them is in overrun.test.ts. */
import assert from 'node:assert/strict';
import { Decoding } from '../support/decoding.ts';
import { RecordWriter, TestEnd } from '../support/records.ts';

const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: h\r\n\r\n`;
const answer = (status: number): string => `HTTP/1.1 ${status} x\r\nContent-Length: 2\r\n\r\nok`;

function setUp() {
  const writer = new RecordWriter();
  return { writer, decoding: new Decoding(), end: new TestEnd(writer).event('connect') };
}

/** Path, status, and what the exchange lacks. */
function outcome(decoding: Decoding, writer: RecordWriter): unknown[] {
  decoding.feed(writer.clock().clock().clock().clock());
  return decoding.closed.map((exchange) => {
    const { attributes } = decoding.describe(exchange);
    const path = (attributes['url.full'] as string).replace('http://h', '');
    return [path, attributes['http.response.status_code'], exchange.incomplete];
  });
}

describe('decode/pairing', () => {
  it('gives a request up that becomes known only after its response may have been lost', () => {
    const { writer, decoding, end } = setUp();
    end.send(get('/a')).receive(answer(200));
    end.lose('send', 30).send(get('/b'));
    // The hole among the responses is looked at first.
    end.lose('receive', 100).receive(answer(404));
    assert.deepEqual(outcome(decoding, writer), [
      ['/a', 200, undefined],
      ['/b', undefined, 'response_lost'],
    ]);
  });

  it('gives a request up whose response may be in bytes that are skipped', () => {
    const { writer, decoding, end } = setUp();
    end.send(get('/a')).receive(answer(200));
    // Nobody asked for it, so the responses behind it are looked for.
    end.receive(answer(500)).receive('and more');
    end.send(get('/b')).send(get('/c'));
    const fields = end.elide('receive', 100);
    end.receive(answer(404), { fields });
    assert.deepEqual(outcome(decoding, writer), [
      ['/a', 200, undefined],
      ['/b', undefined, 'response_lost'],
      ['/c', undefined, 'response_lost'],
    ]);
  });

  it('gives all requests up whose responses may be in a body of unknown length, and says that its end was not seen', () => {
    const { writer, decoding, end } = setUp();
    end.send(get('/a')).send(get('/b')).send(get('/c'));
    end.receive('HTTP/1.1 200 x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhe');
    end.send(get('/d'), { fields: end.elide('receive', 500) }).receive(answer(404));
    assert.deepEqual(outcome(decoding, writer), [
      ['/b', undefined, 'response_lost'],
      ['/c', undefined, 'response_lost'],
      ['/a', 200, 'end_unseen'],
      ['/d', 404, undefined],
    ]);
  });

  it('takes a response before requests were lost for no sign that the client waits', () => {
    const { writer, decoding, end } = setUp();
    end.send(get('/a')).receive(answer(200));
    end.receive(answer(500));
    end.lose('send', 30).send(get('/c'));
    end.receive(answer(404)).receive(answer(201));
    assert.deepEqual(outcome(decoding, writer), [
      ['/a', 200, undefined],
      ['/c', undefined, 'response_lost'],
    ]);
  });

  it('takes a response between a lost request and the next one for a sign that the client waits', () => {
    const { writer, decoding, end } = setUp();
    end.send(get('/a')).receive(answer(200));
    // A request of which nothing was captured.
    end.send('', { beyond: 30 }).receive(answer(500));
    end.send(get('/c')).receive(answer(404));
    assert.deepEqual(outcome(decoding, writer), [
      ['/a', 200, undefined],
      ['/c', 404, undefined],
    ]);
  });

  it('does not pair across what was lost before the protocol was known', () => {
    const { writer, decoding, end } = setUp();
    end.lose('send', 28).lose('receive', 100);
    end.send(get('/a')).lose('receive', 100).receive('the end of some body');
    writer.clock().clock().clock();
    end.send(get('/b')).receive(answer(404));
    assert.deepEqual(outcome(decoding, writer), [
      ['/a', undefined, 'response_lost'],
      ['/b', 404, undefined],
    ]);
  });

  it('trusts no response of a client that always asks for more once something is lost', () => {
    const { writer, decoding, end } = setUp();
    end.send(get('/a')).send(get('/b')).receive(answer(200));
    end.send(get('/c')).receive(answer(201)).send(get('/d')).receive(answer(202));
    end.lose('receive', answer(203).length).send(get('/e')).send(get('/f'));
    end.receive(answer(204)).send(get('/g')).receive(answer(205));
    assert.deepEqual(
      outcome(decoding, writer).filter((row) => (row as unknown[])[1] !== undefined),
      [
        ['/a', 200, undefined],
        ['/b', 201, undefined],
        ['/c', 202, undefined],
      ],
    );
  });

  it('goes on behind a request line of which only a part was captured', () => {
    const { writer, decoding, end } = setUp();
    end.send(get('/a')).receive(answer(200));
    end.send(get('/not-the-whole-path'), { captured: 8 }).receive(answer(500));
    end.send(get('/c')).receive('HTTP/1.1 40', { beyond: 50 });
    end.send(get('/d')).receive(answer(204));
    assert.deepEqual(outcome(decoding, writer), [
      ['/a', 200, undefined],
      ['/c', undefined, 'response_lost'],
      ['/d', 204, undefined],
    ]);
    assert.equal(decoding.ledger.exchanges.lost.head_cut, 1);
  });
});
