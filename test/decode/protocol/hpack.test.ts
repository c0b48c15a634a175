import assert from 'node:assert/strict';
import { Block, HpackNames, readBlock } from '../../../src/decode/protocol/hpack.ts';
import { decodeHuffman } from '../../../src/decode/protocol/hpack-huffman.ts';
import { HpackTable } from '../../../src/decode/protocol/hpack-table.ts';
import { FieldTable } from '../../../src/decode/protocol/http1-fields.ts';

const NAMES = [':method', ':scheme', ':path', ':authority', ':status', 'cache-control', 'custom-key'];
const MORE = ['location', 'date', 'set-cookie', 'content-encoding'];
const names = new HpackNames(new FieldTable([...NAMES, ...MORE], []));

/** Fields of a block in hexadecimal; `?` for one that is not known. */
function read(hex: string, table: HpackTable): string[] {
  const bytes = Buffer.from(hex.replaceAll(' ', ''), 'hex');
  const fields: string[] = [];
  const sink = {
    field: (code: number, value: string) => fields.push(`${[...NAMES, ...MORE][code]}=${value}`),
    unknown: () => fields.push('?'),
  };
  const outcome = readBlock(bytes, 0, bytes.length, table, names, sink);
  return outcome === Block.whole ? fields : [...fields, outcome === Block.cut ? '(cut)' : '(malformed)'];
}

const GET = [':method=GET', ':scheme=http', ':path=/', ':authority=www.example.com'];

describe('decode/hpack', () => {
  for (const [title, blocks] of [
    [
      'C.3, plain',
      [
        '8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d',
        '8286 84be 5808 6e6f 2d63 6163 6865',
        '8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65',
      ],
    ],
    [
      'C.4, in the Huffman code',
      [
        '8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff',
        '8286 84be 5886 a8eb 1064 9cbf',
        '8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf',
      ],
    ],
  ] as const)
    for (const idle of [false, true])
      it(`reads the requests of RFC 7541, ${title}${idle ? ', with a rest after each' : ''}`, () => {
        const table = new HpackTable();
        const wanted = [
          GET,
          [...GET, 'cache-control=no-cache'],
          [
            ...[':method=GET', ':scheme=https', ':path=/index.html', ':authority=www.example.com'],
            'custom-key=custom-value',
          ],
        ];
        blocks.forEach((block, i) => {
          assert.deepEqual(read(block, table), wanted[i]);
          if (idle) table.pack();
        });
      });

  it('evicts what the encoder evicts (RFC 7541, C.6, a table of 256 bytes)', () => {
    const table = new HpackTable();
    table.resize(256);
    const location = 'location=https://www.example.com';
    assert.deepEqual(
      read(
        '4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3',
        table,
      ),
      [':status=302', 'cache-control=private', 'date=Mon, 21 Oct 2013 20:13:21 GMT', location],
    );
    table.pack();
    assert.deepEqual(read('4883 640e ffc1 c0bf', table), [
      ...[':status=307', 'cache-control=private', 'date=Mon, 21 Oct 2013 20:13:21 GMT', location],
    ]);
    // The oldest entry had to go for the last one: index 66 is none.
    assert.deepEqual(read('c2', table), ['(malformed)']);
  });

  it('knows what was inserted behind a loss, and nothing before', () => {
    const table = new HpackTable();
    read('8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d', table);
    table.lose();
    assert.deepEqual(read('82 be', table), [':method=GET', '?']);
    assert.deepEqual(read('44 022f61', table), [':path=/a']);
    for (const rests of [false, true]) {
      if (rests) table.pack();
      assert.deepEqual(read('be bf', table), [':path=/a', '?']);
    }
    // A name that is not known makes a field that is not known.
    assert.deepEqual(read('7f00 0178 be', table), ['?', '?']);
    assert.deepEqual(read('c0', table), ['?']);
  });

  it('forgets values before entries when it has to be small', () => {
    const table = new HpackTable();
    read(`41 05${Buffer.from('local').toString('hex')}`, table);
    for (let i = 0; i < 60; i++) {
      const path = `/some/path/number/${100 + i}`;
      read(`44 ${Buffer.from([path.length]).toString('hex')}${Buffer.from(path).toString('hex')}`, table);
      // Each request names the authority again.
      assert.deepEqual(read(Buffer.from([0x80 | (62 + 1 + i)]).toString('hex'), table), [':authority=local']);
    }
    table.pack();
    assert.deepEqual(read(Buffer.from([0x80 | (62 + 60)]).toString('hex'), table), [':authority=local']);
    assert.deepEqual(read(Buffer.from([0x80 | (62 + 59)]).toString('hex'), table), ['?']);
    assert.deepEqual(read('be', table), [':path=/some/path/number/159']);
  });

  it('says of every block that is cut that it is, and of broken ones what they are', () => {
    const block = '82868441 8cf1e3c2e5f23a6ba0ab90f4ff'.replaceAll(' ', '');
    for (let bytes = 5; bytes < block.length / 2; bytes++)
      assert.equal(read(block.slice(0, bytes * 2), new HpackTable()).at(-1), '(cut)', String(bytes));
    for (const broken of ['80', 'be', '7f ffffffffffff', '41 83 ffffff', '82 3f e1 1f'])
      assert.equal(read(broken, new HpackTable()).at(-1), '(malformed)', broken);
  });

  it('takes no Huffman string for whole that ends in the middle of a symbol or has the end mark in it', () => {
    const out = Buffer.alloc(16);
    const decode = (hex: string): number => decodeHuffman(Buffer.from(hex, 'hex'), 0, hex.length / 2, out);
    assert.equal(decode('1f'), 1); // 'a', padded with ones
    assert.equal(decode('18'), -1); // 'a', padded with something else
    assert.equal(decode('1fff'), -1); // a whole byte of padding
    assert.equal(decode('ffffffff'), -1);
  });
});
