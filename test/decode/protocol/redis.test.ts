import assert from 'node:assert/strict';
import { Decoding } from '../../support/decoding.ts';
import { RecordWriter, TestEnd } from '../../support/records.ts';

const command = (...words: string[]): string =>
  `*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join('')}`;

/** Plays what the client sends (`>`) and what the server sends (`<`) at the client's end, and gives the spans as `NAME` or `NAME !error`. */
function played(...steps: ReadonlyArray<readonly [mark: '>' | '<', text: string]>): {
  names: string[];
  decoding: Decoding;
} {
  const writer = new RecordWriter();
  const decoding = new Decoding();
  const end = new TestEnd(writer, { accepted: false });
  for (const [mark, text] of steps) {
    if (mark === '>') end.send(text);
    else end.receive(text);
    writer.clock();
  }
  for (let i = 0; i < 3; i++) writer.clock();
  decoding.feed(writer);
  decoding.check();
  const names = decoding.closed.map((exchange) => {
    const { name, errorType } = decoding.describe(exchange);
    return errorType === undefined ? name : `${name} !${errorType}`;
  });
  return { names, decoding };
}

describe('decode/protocol/redis', () => {
  it('passes over what a subscription brings, before RESP3 and with it', () => {
    const message = '*3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$2\r\nhi\r\n';
    const { names } = played(
      ['>', command('SUBSCRIBE', 'news', 'sport')],
      ['<', '*3\r\n$9\r\nsubscribe\r\n$4\r\nnews\r\n:1\r\n*3\r\n$9\r\nsubscribe\r\n$5\r\nsport\r\n:2\r\n'],
      ['<', message + message],
      ['<', message],
      ['>', command('UNSUBSCRIBE', 'news')],
      ['<', `${message}*3\r\n$11\r\nunsubscribe\r\n$4\r\nnews\r\n:1\r\n`],
      ['>', command('PING')],
      ['<', '*2\r\n$4\r\npong\r\n$0\r\n\r\n'],
    );
    assert.deepEqual(names, ['SUBSCRIBE', 'UNSUBSCRIBE', 'PING']);
    const pushed = message.replace('*3', '>3');
    const resp3 = played(
      ['>', command('GET', 'a')],
      ['<', `${pushed}$1\r\n1\r\n`],
      ['<', pushed],
      ['>', command('SUBSCRIBE', 'news')],
      ['<', '>3\r\n$9\r\nsubscribe\r\n$4\r\nnews\r\n:1\r\n'],
      ['<', '>2\r\n$10\r\ninvalidate\r\n*1\r\n$1\r\na\r\n'],
      ['>', command('GET', 'b')],
      ['<', '_\r\n'],
    );
    assert.deepEqual(resp3.names, ['GET', 'SUBSCRIBE', 'GET']);
  });

  it('tells where a cluster sends its clients elsewhere', () => {
    const { names } = played(
      ['>', command('GET', 'foo') + command('GET', 'bar')],
      ['<', '-MOVED 12182 127.0.0.1:7001\r\n-ASK 5061 127.0.0.1:7001\r\n'],
      ['>', command('ASKING') + command('GET', 'bar')],
      ['<', '+OK\r\n$1\r\n1\r\n'],
    );
    assert.deepEqual(names, ['GET !MOVED', 'GET !ASK', 'ASKING', 'GET']);
  });

  it('knows which commands are not answered', () => {
    const { names } = played(
      ['>', command('CLIENT', 'REPLY', 'SKIP')],
      ['>', command('SET', 'a', '1')],
      ['>', command('GET', 'a')],
      ['<', '$1\r\n1\r\n'],
      ['>', command('CLIENT', 'REPLY', 'OFF')],
      ['>', command('SET', 'b', '1')],
      ['>', command('CLIENT', 'REPLY', 'ON')],
      ['<', '+OK\r\n'],
      ['>', command('GET', 'b')],
      ['<', '-WRONGTYPE no\r\n'],
    );
    assert.deepEqual(names, ['CLIENT', 'SET', 'GET', 'CLIENT', 'SET', 'CLIENT', 'GET !WRONGTYPE']);
  });

  it('gives a replication link up after its handshake', () => {
    const { names, decoding } = played(
      ['>', command('PING')],
      ['<', '+PONG\r\n'],
      ['>', command('PSYNC', '?', '-1')],
      ['<', '+FULLRESYNC 8de1787ba490483314a4d30f1c628bc5025eb761 2443808505\r\n'],
      ['<', '$88\r\nREDIS0009'],
      ['<', command('SELECT', '0') + command('SET', 'a', '1')],
      ['>', command('REPLCONF', 'ACK', '100')],
    );
    assert.deepEqual(names, ['PING', 'PSYNC']);
    assert.equal(decoding.opened.length, 2);
  });

  it('shows what MONITOR brings to nobody', () => {
    const line = '+1339518083.107412 [0 127.0.0.1:60866] "auth" "secret"\r\n';
    const { names } = played(['>', command('MONITOR')], ['<', '+OK\r\n'], ['<', line + line], ['<', line]);
    assert.deepEqual(names, ['MONITOR']);
  });

  it('never shows a secret, and values only where it is told to', () => {
    const { decoding } = played(
      ['>', command('AUTH', 'alice', 'hunter2')],
      ['<', '+OK\r\n'],
      ['>', command('HELLO', '3', 'AUTH', 'alice', 'hunter2')],
      ['<', '%1\r\n+proto\r\n:3\r\n'],
      ['>', command('CONFIG', 'SET', 'requirepass', 'hunter2')],
      ['<', '+OK\r\n'],
      ['>', command('SET', 'key', 'hunter2', 'EX', '10')],
      ['<', '+OK\r\n'],
    );
    const texts = decoding.closed.map((exchange) => decoding.describe(exchange).attributes['db.query.text']);
    assert.deepEqual(texts, ['AUTH ? ?', 'HELLO 3 ? ? ?', 'CONFIG SET requirepass ?', 'SET key ? ? ?']);
  });

  it('finds the end of a long value without its bytes', () => {
    const writer = new RecordWriter();
    const decoding = new Decoding();
    const end = new TestEnd(writer, { accepted: false });
    end.send(`*3\r\n$3\r\nSET\r\n$3\r\nbig\r\n$100000\r\n${'x'.repeat(500)}`, { beyond: 99_502 });
    end.receive('+OK\r\n');
    end.send(command('GET', 'big'));
    end.receive(`$100000\r\n${'x'.repeat(500)}`, { beyond: 99_502 });
    end.send(command('GET', 'other'));
    end.receive('$-1\r\n');
    writer.clock();
    decoding.feed(writer);
    assert.deepEqual(
      decoding.closed.map((exchange) => decoding.describe(exchange).attributes['db.query.text']),
      ['SET big ?', 'GET big', 'GET other'],
    );
    assert.ok(decoding.closed.every(({ incomplete }) => incomplete === undefined));
  });
});
