import assert from 'node:assert/strict';
import { BLOCK_BYTES, BlockStore, type Stored } from '../../src/output/block-store.ts';
import { random } from '../support/random.ts';

const MIB = 1024 * 1024;

describe('output/block-store', () => {
  it('gives back what was put, whatever was freed before', () => {
    const store = new BlockStore();
    const next = random(7);
    const held: Array<{ stored: Stored; bytes: Buffer }> = [];
    for (let round = 0; round < 2000; round++) {
      const length =
        [0, 1, BLOCK_BYTES - 1, BLOCK_BYTES, BLOCK_BYTES + 1][round % 7] ?? Math.floor(next() * 200_000);
      const bytes = Buffer.alloc(length, `${round} `);
      held.push({ stored: store.put(bytes), bytes });
      while (held.length > 20) store.free(held.splice(Math.floor(next() * held.length), 1)[0]!.stored);
      const { stored, bytes: expected } = held[Math.floor(next() * held.length)]!;
      assert.ok(store.read(stored).equals(expected), `round ${round}`);
    }
    // Twenty of at most 200,000 bytes: blocks are used again.
    assert.ok(store.capacity <= 5 * MIB, `${store.capacity}`);
  });

  it('copies: what becomes of the bytes before and after does not matter', () => {
    const store = new BlockStore();
    const bytes = Buffer.from('before');
    const stored = store.put(bytes);
    bytes.fill('x');
    store.read(stored).fill('y');
    assert.equal(store.read(stored).toString(), 'before');
  });

  it('reads into memory that nothing else is in', () => {
    const store = new BlockStore();
    const read = store.read(store.put(Buffer.alloc(100)));
    assert.equal(read.buffer.byteLength, 100);
  });

  it('holds no memory when everything is freed', () => {
    const store = new BlockStore();
    const stored = [5 * MIB, 0, 1].map((length) => store.put(Buffer.alloc(length)));
    assert.equal(store.capacity, 6 * MIB);
    for (const each of stored) store.free(each);
    assert.equal(store.capacity, 0);
    assert.equal(store.read(store.put(Buffer.from('again'))).toString(), 'again');
  });
});
