import { sumOverCpus, u32 } from './map-values.ts';
import type { Tracer } from './native.ts';

const MAP = 'unrecognised';
/** Numbers of IP protocols; 0 is what records say of unix sockets. */
export const IP_PROTOCOL = { tcp: 6, udp: 17, unix: 0 };
/** records and bytes, u64 each. */
const CPU_BYTES = 16;

/** A socket and the port that its service is known by, 0 for unix sockets. */
export interface ServiceSocket {
  readonly sock: number;
  readonly inode: number;
  readonly transport: 'tcp' | 'udp' | 'unix';
  readonly serverPort: number;
}

/**
 * What the kernel drops as of no known protocol, by server port: it counts in an array, whose slots are given out here. The first is that of unix
 * sockets, and of all ports after the array is full.
 */
export class UnrecognisedPorts {
  readonly #tracer: Tracer;
  readonly #max: number;
  /** By IP protocol << 16 | port. */
  readonly #slots = new Map<number, number>([[0, 0]]);

  constructor(tracer: Tracer) {
    this.#tracer = tracer;
    this.#max = tracer.mapInfo(MAP).maxEntries;
  }

  slotOf({ transport, serverPort }: ServiceSocket): number {
    const key = transport === 'unix' ? 0 : (IP_PROTOCOL[transport] << 16) | serverPort;
    const found = this.#slots.get(key);
    if (found !== undefined) return found;
    const slot = this.#slots.size;
    if (slot === this.#max) return 0;
    this.#slots.set(key, slot);
    return slot;
  }

  /** As in the payload of a `counters` record, of the ports that have had traffic: key, records, bytes. */
  read(): bigint[] {
    const counts: bigint[] = [];
    for (const [key, slot] of this.#slots) {
      const value = this.#tracer.lookup(MAP, u32(slot))!;
      const records = sumOverCpus(value, CPU_BYTES, 0);
      const bytes = sumOverCpus(value, CPU_BYTES, 8);
      if (records > 0n) counts.push(BigInt(key), records, bytes);
    }
    return counts;
  }
}
