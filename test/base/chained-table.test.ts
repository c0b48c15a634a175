import assert from 'node:assert/strict';
import { type Chained, ChainedTable } from '../../src/base/chained-table.ts';
import { random } from '../support/random.ts';

class Entry implements Chained<Entry> {
  readonly hash: number;
  chained: Entry | undefined = undefined;

  constructor(hash: number) {
    this.hash = hash;
  }
}

function ofHash(table: ChainedTable<Entry>, hash: number): Set<Entry> {
  const found = new Set<Entry>();
  for (let entry = table.first(hash); entry !== undefined; entry = entry.chained)
    if (entry.hash === hash) found.add(entry);
  return found;
}

describe('base/chained-table', () => {
  it('finds all entries of a hash, however many there are, and none that was removed', () => {
    const next = random(3);
    const table = new ChainedTable<Entry>();
    const kept: Entry[] = [];
    for (let i = 0; i < 20_000; i++) {
      if (next() < 0.55 || kept.length === 0) {
        const entry = new Entry((next() * 2 ** 32) | (i % 3 === 0 ? -64 : 0));
        kept.push(entry);
        table.add(entry);
      } else {
        const [entry] = kept.splice(Math.floor(next() * kept.length), 1);
        assert.equal(table.delete(entry!), true);
        assert.equal(table.delete(entry!), false);
        assert.equal(entry!.chained, undefined);
      }
      assert.equal(table.size, kept.length);
    }
    for (const { hash } of kept)
      assert.deepEqual(ofHash(table, hash), new Set(kept.filter((entry) => entry.hash === hash)));
  });

  it('gives any of them, and each in its turn', () => {
    const table = new ChainedTable<Entry>();
    assert.equal(table.any(), undefined);
    const entries = Array.from({ length: 500 }, (_, i) => new Entry(i * 7919));
    for (const entry of entries) table.add(entry);
    const taken = new Set<Entry>();
    for (let entry = table.any(); entry !== undefined; entry = table.any()) {
      taken.add(entry);
      table.delete(entry);
    }
    assert.deepEqual(taken, new Set(entries));
    assert.equal(table.size, 0);
  });
});
