import assert from 'node:assert/strict';
import protobuf from 'protobufjs';
import { encodeMessage, type Field } from '../../src/output/protobuf-message.ts';

const { root } = protobuf.parse(`
  syntax = "proto3";
  message Inner { string text = 1; double number = 2; }
  message Outer {
    bytes id = 1; fixed64 time = 2; double value = 3; int32 kind = 4; bool flag = 5; repeated double bounds = 6; repeated fixed64 counts = 7;
    Inner one = 8; repeated Inner many = 15;
  }
`);
const OUTER = root.lookupType('Outer');

const INNER: readonly Field[] = [
  [1, 'text', 'text'],
  [2, 'number', 'double'],
];
const FIELDS: readonly Field[] = [
  [1, 'id', 'hex'],
  [2, 'time', 'fixed64'],
  [3, 'value', 'double'],
  [4, 'kind', 'varint'],
  [5, 'flag', 'varint'],
  [6, 'bounds', 'doubles'],
  [7, 'counts', 'fixed64s'],
  [8, 'one', INNER],
  [15, 'many', INNER],
];

/** As protobufjs reads it; bytes are hex, integers of 64 bits text. */
function read(message: object): object {
  return OUTER.toObject(OUTER.decode(encodeMessage(message, FIELDS)), { longs: String, bytes: Array });
}

describe('output/protobuf-message', () => {
  it('writes every type of field', () => {
    const message = {
      ...{ id: '0af7ff', time: 1_795_250_000_123_456_789n, value: -0.1, kind: 127, flag: true },
      ...{ bounds: [0.005, 1, 1e300], counts: [0, 1, 2 ** 32, 2 ** 53 - 1] },
      one: { text: 'äöü 日本 😀', number: NaN },
      many: [{ text: 'a' }, { text: '' }, {}],
    };
    assert.deepEqual(read(message), {
      ...message,
      id: [0x0a, 0xf7, 0xff],
      time: '1795250000123456789',
      counts: ['0', '1', '4294967296', '9007199254740991'],
    });
  });

  it('leaves out what is not there', () => {
    assert.deepEqual(read({ value: undefined, many: [] }), {});
  });

  it('grows for a message of any size, with lengths of every width', () => {
    const many = [1, 127, 128, 16_383, 16_384, 70_000, 2_100_000].map((length) => ({
      text: 'x'.repeat(length),
    }));
    const one = { text: 'y', number: 2 };
    assert.deepEqual(read({ one, many }), { one, many });
  });

  it('grows within each kind of field', () => {
    for (let length = 65_400; length < 65_536; length++) {
      const message = { value: 1, bounds: [1, 2], one: { text: 'x'.repeat(length), number: 3 } };
      assert.deepEqual(read({ ...message, time: 7n }), { ...message, time: '7' }, String(length));
    }
  });

  it('replaces lone surrogates, since protobuf strings are UTF-8', () => {
    assert.deepEqual(read({ one: { text: 'a\ud800b' } }), { one: { text: 'a\ufffdb' } });
  });

  it('takes no enumeration that needs more than a byte', () => {
    assert.throws(() => encodeMessage({ kind: 128 }, FIELDS), RangeError);
  });
});
