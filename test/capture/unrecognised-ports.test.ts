import assert from 'node:assert/strict';

import type { Tracer } from '../../src/capture/native.ts';
import { Counter } from '../../src/capture/records.gen.ts';
import { UnrecognisedPorts } from '../../src/capture/unrecognised-ports.ts';

const CPUS = 2;
const SOCKET = { sock: 1, inode: 1 };

/** A per-CPU array of three slots, and that of connections that are shed; each CPU has counted s + 1 records of 10 bytes received in slot s, and one more of 100 bytes sent. */
const TRACER = {
  mapInfo: () => ({ maxEntries: 8 }),
  lookup(_map: string, key: Uint8Array): Buffer {
    const place = Buffer.from(key).readUInt32LE();
    const records = (place >>> 1) + 1 + (place & 1);
    const value = Buffer.alloc(16 * CPUS);
    for (let cpu = 0; cpu < CPUS; cpu++) {
      value.writeBigUInt64LE(BigInt(records), 16 * cpu);
      value.writeBigUInt64LE(BigInt(records * (place & 1 ? 100 : 10)), 16 * cpu + 8);
    }
    return value;
  },
} as unknown as Tracer;

describe('capture/unrecognised-ports', () => {
  it('gives every server port a slot, and what finds none that of unix sockets; counts what is shed apart', () => {
    const ports = new UnrecognisedPorts(TRACER);
    const slots = (['tcp', 'udp', 'tcp', 'unix', 'tcp'] as const).map((transport, i) =>
      ports.slotOf({ ...SOCKET, transport, serverPort: [53, 53, 53, 0, 6379][i]! }),
    );
    assert.deepEqual(slots, [1, 2, 1, 0, 0]);
    const counters = new BigUint64Array(Object.keys(Counter).length);
    counters[Counter.calls_send] = 1000n;
    const [tcp, udp] = [BigInt((6 << 16) | 53), BigInt((17 << 16) | 53)];
    assert.deepEqual(ports.read(counters), [0n, 6n, 420n, tcp, 10n, 640n, udp, 14n, 860n]);
    const names = ['calls_receive', 'bytes_receive', 'calls_send', 'bytes_send'] as const;
    const unrecognised = ['unrecognised_records', 'unrecognised_bytes'] as const;
    const shed = ['shed_records', 'shed_bytes'] as const;
    assert.deepEqual(
      [...names, ...unrecognised, ...shed].map((name) => counters[Counter[name]]),
      [20n, 200n, 1028n, 2800n, 30n, 1920n, 18n, 1080n],
    );
  });
});
