import assert from 'node:assert/strict';

import { foldSocket, SocketMap, type BySocket } from '../../src/connection/socket-map.ts';

class Entry implements BySocket<Entry> {
  readonly sock: number;
  readonly hash: number;
  chained: Entry | undefined = undefined;

  constructor(sock: number) {
    this.sock = sock;
    this.hash = foldSocket(sock);
  }
}

describe('connection/socket-map', () => {
  // A number has 53 bits: neighbours this far up are 2048 apart.
  const FAR = 0xffff888000000000;

  it('finds by the whole address, also where folds are the same', () => {
    const map = new SocketMap<Entry>();
    const entries = [FAR, FAR + 2048, FAR - 2 ** 43, 4096, 4097, 4098, 0].map((sock) => new Entry(sock));
    for (const entry of entries) map.add(entry);
    assert.equal(map.size, entries.length);
    for (const entry of entries) assert.equal(map.get(entry.sock), entry);
    assert.equal(map.get(4099), undefined);
  });

  it('removes from any place of a chain, and what is not there not at all', () => {
    for (const gone of [0, 1, 2]) {
      const map = new SocketMap<Entry>();
      const entries = [4096, 4097, 4098].map((sock) => new Entry(sock));
      for (const entry of entries) map.add(entry);
      map.delete(entries[gone]!);
      map.delete(entries[gone]!);
      map.delete(new Entry(4099));
      assert.equal(map.size, 2);
      for (const entry of entries)
        assert.equal(map.get(entry.sock), entry === entries[gone] ? undefined : entry);
    }
  });

  it('keeps another entry of the same address', () => {
    const map = new SocketMap<Entry>();
    const first = new Entry(FAR);
    map.add(first);
    map.delete(new Entry(FAR));
    assert.equal(map.get(FAR), first);
    map.delete(first);
    assert.equal(map.size, 0);
  });
});
