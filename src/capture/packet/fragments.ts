import type { IpPacket } from './ip.ts';

/** What a datagram of 16-bit length may hold. */
const MAX_DATAGRAM = 65_535;
const MAX_PENDING = 256;
const MAX_PIECES = 1024;
/** RFC 791 and RFC 8200: how long the rest is waited for. */
const WAIT_NS = 60e9;

interface Piece {
  readonly offset: number;
  readonly end: number;
  /** Bytes captured of it. */
  readonly bytes: Buffer;
}

interface Datagram {
  readonly sinceNs: number;
  readonly pieces: Piece[];
  protocol: number;
  /** Bytes of the whole, -1 until the last fragment has come. */
  length: number;
}

/** Fragments wait here for the rest of their datagram, bounded in number and time. */
export class Fragments {
  readonly #pending = new Map<string, Datagram>();
  /** Packets of datagrams that were given up since the owner last took the number. */
  givenUp = 0;

  /** Packets that wait. */
  get held(): number {
    let held = 0;
    for (const { pieces } of this.#pending.values()) held += pieces.length;
    return held;
  }

  /**
   * Takes a fragment. Returns the number of packets the datagram came in when it is whole, and makes `packet` that datagram; else 0, or -1 for a
   * fragment that had been there.
   */
  add(packet: IpPacket, nowNs: number): number {
    const key = keyOf(packet);
    const datagram = this.#pending.get(key) ?? this.#begin(key, nowNs);
    const { offset, length, payload } = packet;
    const end = offset + length;
    if (datagram.pieces.some((piece) => piece.offset <= offset && piece.end >= end)) return -1;
    if (end > MAX_DATAGRAM || datagram.pieces.length >= MAX_PIECES) {
      this.givenUp++;
      return 0;
    }
    if (offset === 0) datagram.protocol = packet.protocol;
    if (!packet.more) datagram.length = end;
    datagram.pieces.push({ offset, end, bytes: Buffer.from(payload) });
    if (!isWhole(datagram)) return 0;
    this.#pending.delete(key);
    packet.protocol = datagram.protocol;
    packet.length = datagram.length;
    packet.payload = assemble(datagram);
    packet.fragmented = false;
    return datagram.pieces.length;
  }

  /** The end: what waits is given up. */
  flush(): void {
    this.givenUp += this.held;
    this.#pending.clear();
  }

  #begin(key: string, nowNs: number): Datagram {
    for (const [oldKey, old] of this.#pending) {
      if (this.#pending.size < MAX_PENDING && nowNs - old.sinceNs < WAIT_NS) break;
      this.#pending.delete(oldKey);
      this.givenUp += old.pieces.length;
    }
    const datagram: Datagram = { sinceNs: nowNs, pieces: [], protocol: 0, length: -1 };
    this.#pending.set(key, datagram);
    return datagram;
  }
}

function keyOf({ version, source, target, id, protocol }: IpPacket): string {
  // Of IPv6 the protocol is told by the first fragment only.
  return `${Buffer.from(source).toString('latin1')}${Buffer.from(target).toString('latin1')}${id} ${version === 4 ? protocol : 6}`;
}

function isWhole({ pieces, length }: Datagram): boolean {
  if (length < 0) return false;
  pieces.sort((a, b) => a.offset - b.offset);
  let end = 0;
  for (const piece of pieces) {
    if (piece.offset > end) return false;
    end = Math.max(end, piece.end);
  }
  return end >= length;
}

/** The captured bytes up to the first that are missing. Pieces are in order. */
function assemble({ pieces, length }: Datagram): Buffer {
  const bytes = Buffer.alloc(length);
  let end = 0;
  for (const { offset, bytes: piece } of pieces) {
    if (offset > end) break;
    piece.copy(bytes, offset);
    end = Math.max(end, offset + piece.length);
  }
  return bytes.subarray(0, Math.min(end, length));
}
