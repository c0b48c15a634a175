import { Direction } from '../records.gen.ts';
import type { Ignored } from './packet.ts';
import type { SocketRecords } from './socket-records.ts';

/** Copies of one packet, on its way through the interfaces of one host, are no further apart. */
const COPY_NS = 10_000_000;
const MAX_RECENT = 8;
const HASHED_BYTES = 256;

interface Recent {
  readonly hash: number;
  readonly length: number;
  readonly place: number;
  readonly timeNs: number;
}

/** One pair of UDP endpoints. Its unit is the datagram; positions are their ordinals. */
export class UdpFlow {
  readonly clientKey: string;
  readonly #records: SocketRecords;
  readonly #counts = [0, 0];
  /** The latest datagrams of both directions. */
  #recent: Recent[] = [];

  constructor(clientKey: string, records: SocketRecords) {
    this.clientKey = clientKey;
    this.#records = records;
  }

  /** `place`: where the packet was seen; the same content from another place a moment later is the same packet. */
  take(
    data: Buffer,
    length: number,
    ipId: number,
    fromClient: boolean,
    place: number,
    timeNs: number,
  ): Ignored | undefined {
    const direction = fromClient ? Direction.receive : Direction.send;
    const hash = hashOf(data, ipId * 2 + direction);
    const copied = this.#recent.some(
      (recent) =>
        recent.hash === hash &&
        recent.length === length &&
        recent.place !== place &&
        timeNs - recent.timeNs <= COPY_NS,
    );
    if (copied) return 'repeated';
    if (this.#recent.length >= MAX_RECENT) this.#recent.shift();
    this.#recent.push({ hash, length, place, timeNs });
    this.#records.data(direction, this.#counts[direction]!++, data, length, timeNs);
    return undefined;
  }
}

/** FNV-1a of the first bytes. */
function hashOf(data: Buffer, seed: number): number {
  let hash = 0x811c9dc5 ^ seed;
  for (let i = 0; i < Math.min(data.length, HASHED_BYTES); i++) hash = Math.imul(hash ^ data[i]!, 0x01000193);
  return hash >>> 0;
}
