import assert from 'node:assert/strict';
import type { Tracer } from '../../src/capture/native.ts';
import { Pools } from '../../src/capture/pools.ts';
import { PoolRecord } from '../../src/capture/records.gen.ts';

/** What the kernel side has been told. */
class FakeKernel {
  readonly pools = new Map<number, number>();
  count = 0;
  readonly tracer = {
    update: (map: string, key: Buffer, value: Buffer) => {
      assert.equal(map, 'pools');
      this.pools.set(key.readUInt32LE(), value.readUInt32LE());
    },
    delete: (map: string, key: Buffer) => map === 'pools' && this.pools.delete(key.readUInt32LE()),
    setGlobal: (name: string, value: number) => {
      assert.equal(name, 'pool_count');
      this.count = value;
    },
  } as unknown as Tracer;
}

function toldBy(bytes: Uint8Array | undefined): [tgid: number, watched: number, timeNs: number] | undefined {
  if (bytes === undefined) return undefined;
  const record = new PoolRecord(bytes).at(0);
  return [record.tgid, record.watched, record.timeNs];
}

describe('capture/pools', () => {
  it('tells the kernel side which processes to watch, and the pipeline since when', () => {
    const kernel = new FakeKernel();
    const pools = new Pools(kernel.tracer);
    const at = (ns: number) => () => ns;
    assert.deepEqual(toldBy(pools.set(7, true, at(1000))), [7, 1, 1000]);
    assert.deepEqual(toldBy(pools.set(8, true, at(2000))), [8, 1, 2000]);
    assert.equal(pools.set(7, true, at(3000)), undefined);
    assert.deepEqual([[...kernel.pools.keys()], kernel.count], [[7, 8], 2]);
    assert.deepEqual(toldBy(pools.set(7, false, at(4000))), [7, 0, 4000]);
    assert.equal(pools.set(7, false, at(5000)), undefined);
    assert.deepEqual([[...kernel.pools.keys()], kernel.count], [[8], 1]);
  });

  it('gives a process another number each time', () => {
    const kernel = new FakeKernel();
    const pools = new Pools(kernel.tracer);
    const numbers = [1, 2, 3].map(() => {
      pools.set(7, true, () => 1);
      const number = kernel.pools.get(7);
      pools.set(7, false, () => 2);
      return number;
    });
    assert.equal(new Set(numbers).size, 3);
    assert.equal(kernel.count, 0);
  });

  it('watches no more processes than the kernel side has room for', () => {
    const kernel = new FakeKernel();
    const pools = new Pools(kernel.tracer);
    const told = Array.from({ length: 300 }, (_, tgid) => pools.set(tgid + 1, true, () => 1));
    assert.equal(told.filter((record) => record !== undefined).length, 256);
    assert.deepEqual([kernel.pools.size, kernel.count], [256, 256]);
  });
});
