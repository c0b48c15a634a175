import assert from 'node:assert/strict';
import { KernelShedding } from '../../src/capture/kernel-shedding.ts';
import type { Tracer } from '../../src/capture/native.ts';
import { Verdict } from '../../src/capture/records.gen.ts';

/** Room for ports in the kernel's array of them; the last place is of what is shed. */
const SLOTS = 4;
const CONN = { port_slot: { offset: 0, size: 4 }, verdict: { offset: 4, size: 1 } };
const KNOWN = { sock: { offset: 0, size: 8 }, what: { offset: 8, size: 8 } };

function conn(verdict: number, slot: number): Buffer {
  const value = Buffer.alloc(8);
  value.writeUInt32LE(slot, CONN.port_slot.offset);
  value[CONN.verdict.offset] = verdict;
  return value;
}

function known(inode: number, slot: number): Buffer {
  const value = Buffer.alloc(16);
  value.writeUInt32LE(slot, KNOWN.what.offset);
  value.writeUInt32LE(inode, KNOWN.what.offset + 4);
  return value;
}

class FakeTracer {
  readonly globals = new Map<string, bigint>([['shed_rounds', 0xffff_ffffn]]);
  readonly did: string[] = [];
  readonly maps: Record<string, Map<number, Buffer>> = {
    conns: new Map([
      [1, conn(Verdict.full, 0)],
      [2, conn(Verdict.drop, 1)],
      [3, conn(Verdict.drop, SLOTS - 1)],
      // A budget stands in the place of the slot.
      [4, conn(Verdict.full, SLOTS - 1)],
    ]),
    known_socks: new Map([
      [0, known(7, SLOTS - 1)],
      [1, known(8, 1)],
    ]),
    futexes: new Map([[1, Buffer.alloc(8)]]),
  };
  mapInfo(): { maxEntries: number } {
    return { maxEntries: 2 * SLOTS };
  }
  structLayout(name: string): object {
    return { members: name === 'conn' ? CONN : KNOWN };
  }
  getGlobal(name: string): bigint {
    return this.globals.get(name)!;
  }
  setGlobal(name: string, value: number | bigint): void {
    this.globals.set(name, BigInt(value));
  }
  attach(program: string): void {
    this.did.push(`attach ${program}`);
  }
  detach(program: string): void {
    this.did.push(`detach ${program}`);
  }
  dump(map: string): object {
    const entries = [...this.maps[map]!];
    const keys = Buffer.alloc(4 * entries.length);
    entries.forEach(([key], i) => keys.writeUInt32LE(key, 4 * i));
    const valueSize = entries[0]?.[1].length ?? 8;
    const values = Buffer.concat(entries.map(([, value]) => value));
    return { count: entries.length, keySize: 4, valueSize, keys, values };
  }
  delete(map: string, key: Uint8Array): boolean {
    return this.maps[map]!.delete(Buffer.from(key).readUInt32LE());
  }
  update(map: string, key: Uint8Array, value: Uint8Array): void {
    this.maps[map]!.set(Buffer.from(key).readUInt32LE(), Buffer.from(value));
  }
}

function setUp(): { tracer: FakeTracer; shedding: KernelShedding } {
  const tracer = new FakeTracer();
  return { tracer, shedding: new KernelShedding(tracer as unknown as Tracer) };
}

describe('capture/kernel-shedding', () => {
  it('caps the payload of runs, and lifts the cap', () => {
    const { tracer, shedding } = setUp();
    shedding.capPayload(2048);
    assert.equal(tracer.getGlobal('budget_cap'), 2048n);
    shedding.capPayload(undefined);
    assert.equal(tracer.getGlobal('budget_cap'), 0xffff_ffffn);
  });

  it('keeps a share of new connections; when it keeps all, the others are forgotten, and none but those', () => {
    const { tracer, shedding } = setUp();
    const { conns, known_socks: socks } = tracer.maps;
    shedding.keepConnections(1 / 8);
    assert.equal(tracer.getGlobal('connections_kept'), 8192n);
    assert.equal(conns!.size, 4);
    shedding.keepConnections(1);
    assert.equal(tracer.getGlobal('connections_kept'), 65_536n);
    assert.deepEqual([...conns!.keys()], [1, 2, 4]);
    assert.deepEqual([...socks!.values()], [Buffer.alloc(16), known(8, 1)]);
  });

  it('pauses by leaving the system calls, with no new connection told of, and forgets all sockets before it comes back', () => {
    const { tracer, shedding } = setUp();
    shedding.keepConnections(1 / 8);
    shedding.pause();
    assert.deepEqual(tracer.did, ['detach syscall_enter', 'detach syscall_exit']);
    assert.equal(tracer.getGlobal('connections_kept'), 0n);
    assert.ok(shedding.isDetached('syscall_exit') && !shedding.isDetached('process_exec'));
    shedding.resume();
    assert.deepEqual(tracer.did.slice(2), ['attach syscall_enter', 'attach syscall_exit']);
    assert.deepEqual([tracer.maps.conns!.size, tracer.maps.futexes!.size], [0, 0]);
    // Another round: no call that began before is taken for one that returns.
    assert.equal(tracer.getGlobal('shed_rounds'), 0n);
    assert.equal(tracer.getGlobal('connections_kept'), 8192n);
    assert.ok(!shedding.isDetached('syscall_exit'));
  });
});
