import assert from 'node:assert/strict';
import { Decoding } from '../../support/decoding.ts';
import { RecordWriter, TestEnd } from '../../support/records.ts';
import { play, type Step } from '../../support/wire.ts';

const PROTOCOL_41 = 0x200;
const WITH_DATABASE = 0x8;
const SECURE = 0x8000;
const DEPRECATE_EOF = 1 << 24;
const OPTIONAL_METADATA = 1 << 25;
const QUERY_ATTRIBUTES = 1 << 27;

function packet(sequence: number, ...parts: ReadonlyArray<number[] | string | Buffer>): Buffer {
  const payload = Buffer.concat(
    parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : Buffer.from(part))),
  );
  const head = Buffer.alloc(4);
  head.writeUIntLE(payload.length, 0, 3);
  head[3] = sequence & 0xff;
  return Buffer.concat([head, payload]);
}

const u16 = (value: number): number[] => [value & 0xff, value >> 8];
const u32 = (value: number): number[] => [...u16(value & 0xffff), ...u16(value >>> 16)];
const client = (...packets: Buffer[]): Step => ({ from: 'client', bytes: Buffer.concat(packets) });
const server = (...packets: Buffer[]): Step => ({ from: 'server', bytes: Buffer.concat(packets) });

const ok = (sequence: number, status = 2): Buffer => packet(sequence, [0, 0, 0], u16(status), [0, 0]);
const eof = (sequence: number, status = 2): Buffer => packet(sequence, [0xfe, 0, 0], u16(status));
const okEof = (sequence: number, status = 2): Buffer => packet(sequence, [0xfe, 0, 0], u16(status), [0, 0]);
const column = (sequence: number): Buffer => packet(sequence, '\x03def', Buffer.alloc(20));
const query = (text: string): Buffer => packet(0, [3], text);

function hello(capabilities: number, version = '8.0.36'): Step[] {
  const all = PROTOCOL_41 | SECURE | WITH_DATABASE | capabilities;
  const greeting = packet(
    0,
    [10],
    `${version}\0`,
    u32(7),
    Buffer.alloc(8, 1),
    [0],
    u16(all & 0xffff),
    [33],
    u16(2),
    u16(all >>> 16),
    Buffer.alloc(11),
    Buffer.alloc(13, 2),
    'mysql_native_password\0',
  );
  const login = packet(1, u32(all), u32(0xffffff), [33], Buffer.alloc(23), 'shop\0\x08password', 'shop\0');
  return [server(greeting), client(login), server(ok(2))];
}

function told(decoding: Decoding): unknown[] {
  return decoding.closed.map((exchange) => {
    const { name, errorType } = decoding.describe(exchange);
    const { incomplete } = exchange;
    return errorType === undefined && incomplete === undefined ? name : [name, errorType ?? incomplete];
  });
}

function attributesOf(decoding: Decoding): Array<Record<string, unknown>> {
  return decoding.closed.map((exchange) => decoding.describe(exchange).attributes);
}

/** One column and one row. */
const rows = (end: (sequence: number) => Buffer, ...between: Buffer[]): Buffer[] => [
  packet(1, [1]),
  column(2),
  ...between,
  packet(3 + between.length, '\x01a'),
  end(4 + between.length),
];

describe('decode/mysql', () => {
  it('claims no connection that begins without a greeting', () => {
    const steps = [
      client(query('SELECT a FROM t')),
      server(...rows(okEof)),
      client(query('SELECT 1')),
      server(ok(1)),
    ];
    assert.deepEqual(told(play('client', steps)), []);
  });

  it('sees in a connection that is older whether lists end with EOF', () => {
    for (const response of [rows(eof, eof(3)), rows(okEof)]) {
      const joined = play(
        'client',
        [
          ...hello(0),
          client(query('SELECT a FROM t')),
          server(...response),
          client(query('SELECT a FROM u')),
          server(...response),
        ],
        {
          lost: new Set([0, 1, 2]),
        },
      );
      assert.deepEqual(told(joined), ['SELECT t', 'SELECT u']);
      assert.deepEqual(
        attributesOf(joined).map((each) => [
          each['db.system.name'],
          each['db.namespace'],
          each['db.response.returned_rows'],
        ]),
        [
          ['mysql', undefined, 1],
          ['mysql', undefined, 1],
        ],
      );
    }
  });

  it('passes over the end of a list of columns of which it did not know whether it comes', () => {
    const prepared = [packet(1, [0], u32(5), u16(1), u16(0), [0, 0, 0]), column(2), eof(3)];
    const execute = packet(0, [0x17], u32(5), [0], u32(1));
    const decoding = play(
      'client',
      [
        ...hello(0),
        client(packet(0, [0x16], 'SELECT a FROM t')),
        server(...prepared),
        client(execute),
        server(...rows(eof, eof(3))),
        client(packet(0, [0x19], u32(5)), execute),
        server(packet(1, [0xff], u16(1243), '#HY000unknown')),
      ],
      { lost: new Set([0, 1, 2]) },
    );
    assert.deepEqual(told(decoding), ['PREPARE SELECT t', 'SELECT t', 'STMT_CLOSE', ['mysql', '1243']]);
  });

  it('finds the text of a query behind its attributes', () => {
    const attributes = packet(
      0,
      [3, 2, 1, 0, 1],
      u16(254),
      '\x01a',
      u16(8),
      '\x01b',
      '\x06hidden',
      Buffer.alloc(8),
      'SELECT 1 FROM t',
    );
    const decoding = play('client', [
      ...hello(QUERY_ATTRIBUTES | DEPRECATE_EOF),
      client(attributes),
      server(...rows(okEof)),
      client(packet(0, [3, 0, 1], 'SELECT 1 FROM u')),
      server(...rows(okEof)),
      client(packet(0, [3, 200, 1], Buffer.alloc(40))),
      server(ok(1)),
    ]);
    assert.deepEqual(told(decoding), ['connect shop', 'SELECT t', 'SELECT u', 'shop']);
  });

  it('reads results whose columns are not described', () => {
    const bare = (head: number[]): Buffer[] => [packet(1, head), packet(2, '\x01a'), okEof(3)];
    const mysql = [
      ...hello(OPTIONAL_METADATA | DEPRECATE_EOF),
      client(query('SELECT a FROM t')),
      server(...bare([0, 1])),
    ];
    assert.deepEqual(told(play('client', mysql)), ['connect shop', 'SELECT t']);
    const mariadb = [
      ...hello(DEPRECATE_EOF, '11.4.2-MariaDB'),
      client(query('SELECT a FROM t')),
      server(...bare([1, 0])),
    ];
    const decoding = play('client', mariadb);
    assert.deepEqual(
      attributesOf(decoding).map((each) => [each['db.system.name'], each['db.response.returned_rows']]),
      [
        ['mariadb', undefined],
        ['mariadb', 1],
      ],
    );
  });

  it('takes what a server says of its progress, and before it closes, for no answer', () => {
    const progress = packet(1, [0xff, 0xff, 0xff, 1, 1, 2, 0, 0, 0], '\x04sort');
    const decoding = play('client', [
      ...hello(0),
      client(query('ALTER TABLE t ADD b int')),
      server(progress, ok(2)),
      server(packet(0, [0xff], u16(4031), '#HY000idle')),
      { from: 'server', how: 'close' },
    ]);
    assert.deepEqual(told(decoding), ['connect shop', 'ALTER TABLE t']);
  });

  it('goes on with a command of more than 16 MiB', () => {
    const long = Buffer.alloc(0xffffff - 1, 'x');
    long.write("INSERT INTO t VALUES ('");
    const decoding = play('client', [
      ...hello(0),
      client(packet(0, [3], long)),
      client(packet(1, "y')")),
      server(ok(2)),
      client(query('SELECT a FROM t')),
      server(...rows(eof, eof(3))),
    ]);
    assert.deepEqual(told(decoding), ['connect shop', 'INSERT t', 'SELECT t']);
  });

  it('passes over passwords, whatever the way to authenticate', () => {
    const [greeting, login] = hello(0);
    const decoding = play('client', [
      greeting!,
      login!,
      server(packet(2, [0xfe], 'caching_sha2_password\0', Buffer.alloc(21, 3))),
      client(packet(3, Buffer.alloc(32, 'p'))),
      server(packet(4, [1, 4])),
      client(packet(5, 'hidden password\0')),
      server(ok(6)),
      client(packet(0, [0x11], 'other\0', [6], 'hidden', 'else\0', u16(33))),
      server(packet(1, [0xff], u16(1045), '#28000denied')),
    ]);
    assert.deepEqual(told(decoding), ['connect shop', ['CHANGE_USER else', '1045']]);
    assert.ok(!JSON.stringify(attributesOf(decoding)).includes('hidden'));
  });

  it('keeps 64 statements of a connection', () => {
    const steps = hello(0);
    for (let id = 1; id <= 65; id++)
      steps.push(
        client(packet(0, [0x16], `SELECT a FROM t${id}`)),
        server(packet(1, [0], u32(id), u16(0), u16(0), [0, 0, 0])),
      );
    for (const id of [1, 65]) steps.push(client(packet(0, [0x17], u32(id), [0], u32(1))), server(ok(1)));
    assert.deepEqual(told(play('client', steps)).slice(-2), ['shop', 'SELECT t65']);
  });

  it('is found again behind data of LOAD DATA LOCAL that was not captured, by who reads each head by itself', () => {
    const writer = new RecordWriter();
    const end = new TestEnd(writer, { accepted: true });
    for (const { from, bytes } of hello(0)) {
      if (from === 'server') end.send(bytes!);
      else end.receive(bytes!);
    }
    const read = (bytes: Buffer, options = {}): void => {
      end.receive(bytes.subarray(0, 4), options);
      if (bytes.length > 4) end.receive(bytes.subarray(4), options);
    };
    read(query("LOAD DATA LOCAL INFILE 'f' INTO TABLE t"));
    end.send(packet(1, [0xfb], 'f'));
    for (let i = 2; i < 400; i++) read(packet(i, `${i}\tline\n`), i > 20 && i < 380 ? { captured: 0 } : {});
    read(packet(400));
    end.send(ok(401));
    read(query('SELECT a FROM t'));
    end.send(Buffer.concat(rows(eof, eof(3))));
    writer.clock();
    const decoding = new Decoding().feed(writer);
    assert.deepEqual(told(decoding), ['connect shop', 'LOAD', 'SELECT t']);
    assert.equal(attributesOf(decoding).at(-1)!['db.namespace'], 'shop');
  });
});
