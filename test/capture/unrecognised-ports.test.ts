import assert from 'node:assert/strict';

import type { Tracer } from '../../src/capture/native.ts';
import { UnrecognisedPorts } from '../../src/capture/unrecognised-ports.ts';

const CPUS = 2;
const SOCKET = { sock: 1, inode: 1 };

/** A per-CPU array of three slots; slot s has counted s records and 10 s bytes on each CPU, slot 0 one record of 5 bytes. */
const TRACER = {
  mapInfo: () => ({ maxEntries: 3 }),
  lookup(_map: string, key: Uint8Array): Buffer {
    const slot = Buffer.from(key).readUInt32LE();
    const counted = slot === 0 ? [1n, 5n] : [BigInt(slot), BigInt(10 * slot)];
    const value = Buffer.alloc(16 * CPUS);
    for (let cpu = 0; cpu < CPUS; cpu++) {
      counted.forEach((count, i) => value.writeBigUInt64LE(count, 16 * cpu + 8 * i));
    }
    return value;
  },
} as unknown as Tracer;

describe('capture/unrecognised-ports', () => {
  it('gives every server port a slot, and what finds none that of unix sockets', () => {
    const ports = new UnrecognisedPorts(TRACER);
    const slots = (['tcp', 'udp', 'tcp', 'unix', 'tcp'] as const).map((transport, i) =>
      ports.slotOf({ ...SOCKET, transport, serverPort: [53, 53, 53, 0, 6379][i]! }),
    );
    assert.deepEqual(slots, [1, 2, 1, 0, 0]);
    assert.deepEqual(ports.read(), [
      0n,
      2n,
      10n,
      BigInt((6 << 16) | 53),
      2n,
      20n,
      BigInt((17 << 16) | 53),
      4n,
      40n,
    ]);
  });
});
