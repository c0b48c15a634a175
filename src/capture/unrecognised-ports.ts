import { sumOverCpus, u32 } from './map-values.ts';
import type { Tracer } from './native.ts';
import { Counter, Direction } from './records.gen.ts';

const MAP = 'unrecognised';
/** Numbers of IP protocols; 0 is what records say of unix sockets. */
export const IP_PROTOCOL = { tcp: 6, udp: 17, unix: 0 };
/** records and bytes, u64 each. */
const CPU_BYTES = 16;
const DIRECTIONS = [
  { direction: Direction.receive, calls: Counter.calls_receive, bytes: Counter.bytes_receive },
  { direction: Direction.send, calls: Counter.calls_send, bytes: Counter.bytes_send },
];

/** A socket and the port that its service is known by, 0 for unix sockets. */
export interface ServiceSocket {
  readonly sock: number;
  readonly inode: number;
  readonly transport: 'tcp' | 'udp' | 'unix';
  readonly serverPort: number;
}

/**
 * What the kernel drops as of no known protocol, by server port: it counts in an array with a slot for each and a place for each direction in it.
 * The slots are given out here; the first is that of unix sockets, and of all ports after the array is full. The last one is the kernel's own, for
 * connections that are shed.
 */
export class UnrecognisedPorts {
  readonly #tracer: Tracer;
  readonly #max: number;
  /** By IP protocol << 16 | port. */
  readonly #slots = new Map<number, number>([[0, 0]]);

  constructor(tracer: Tracer) {
    this.#tracer = tracer;
    this.#max = shedSlot(tracer);
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

  /**
   * As in the payload of a `counters` record, of the ports that have had traffic: key, records, bytes. Adds them, and what was shed, to `counters`,
   * which lack them.
   */
  read(counters: BigUint64Array): bigint[] {
    const ports: bigint[] = [];
    for (const [key, slot] of this.#slots) {
      const { records, bytes } = this.#count(slot, counters);
      if (records === 0n) continue;
      counters[Counter.unrecognised_records]! += records;
      counters[Counter.unrecognised_bytes]! += bytes;
      ports.push(BigInt(key), records, bytes);
    }
    const shed = this.#count(this.#max, counters);
    counters[Counter.shed_records]! += shed.records;
    counters[Counter.shed_bytes]! += shed.bytes;
    return ports;
  }

  /** Of both directions; adds them to the counters of each. */
  #count(slot: number, counters: BigUint64Array): { records: bigint; bytes: bigint } {
    let [records, bytes] = [0n, 0n];
    for (const of of DIRECTIONS) {
      const value = this.#tracer.lookup(MAP, u32((slot << 1) | of.direction))!;
      const moved = { calls: sumOverCpus(value, CPU_BYTES, 0), bytes: sumOverCpus(value, CPU_BYTES, 8) };
      counters[of.calls]! += moved.calls;
      counters[of.bytes]! += moved.bytes;
      records += moved.calls;
      bytes += moved.bytes;
    }
    return { records, bytes };
  }
}

/** SHED_SLOT of bpf/maps.bpf.h. */
export function shedSlot(tracer: Pick<Tracer, 'mapInfo'>): number {
  return tracer.mapInfo(MAP).maxEntries / DIRECTIONS.length - 1;
}
