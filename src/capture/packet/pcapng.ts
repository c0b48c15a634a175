import { Packet, type PacketFormat } from './packet.ts';
import { MAX_PACKET } from './pcap.ts';

/**
 * pcapng (draft-ietf-opsawg-pcapng): blocks, each `u32 type, u32 length of the block, body, u32 length again`, in the byte order that the section
 * header before them tells. A section describes its interfaces; a file may have several sections. Blocks without packets are passed over.
 */
const SECTION_HEADER = 0x0a0d0d0a;
const BYTE_ORDER_MAGIC = 0x1a2b3c4d;
const INTERFACE = 1;
const OLD_PACKET = 2;
const SIMPLE_PACKET = 3;
const ENHANCED_PACKET = 6;

const BLOCK_OVERHEAD = 12;
const MAX_BLOCK = 4 * MAX_PACKET;
const MAX_INTERFACES = 65_536;
const OPTION_END = 0;
const OPTION_RESOLUTION = 9;
const OPTION_OFFSET = 14;

/** Whether a file that begins with these 4 bytes is of this format; they are the same in both byte orders. */
export function isPcapng(magic: Buffer): boolean {
  return magic.readUInt32BE() === SECTION_HEADER;
}

interface Interface {
  readonly linkType: number;
  readonly snapLength: number;
  /** Units of time stamps in a second. */
  readonly perSecond: bigint;
  /** Seconds to add to them. */
  readonly offset: number;
}

/** What a packet block says of its packet. */
interface Place {
  readonly header: number;
  readonly interface: number;
  readonly captured: number;
  readonly length: number;
  /** Time stamp, 64 bits; undefined in a simple packet block. */
  readonly stamp: bigint | undefined;
}

const MICROSECONDS = 1_000_000n;
const SECOND = 1_000_000_000n;
/** Some year in which nobody captures anything. */
const MAX_SECONDS = 2 ** 36;

export class PcapngFormat implements PacketFormat {
  damage: string | undefined = undefined;
  readonly #packet = new Packet();
  #littleEndian = true;
  #interfaces: Interface[] = [];
  /** Interfaces of the sections before. */
  #before = 0;

  read(bytes: Buffer, onPacket: (packet: Packet) => void): number {
    let at = 0;
    while (at + BLOCK_OVERHEAD <= bytes.length && this.damage === undefined) {
      const type = this.#u32(bytes, at);
      if (type === SECTION_HEADER && !this.#section(bytes, at)) break;
      const length = this.#u32(bytes, at + 4);
      if (length < BLOCK_OVERHEAD || length % 4 !== 0 || length > MAX_BLOCK) {
        this.damage = `a block of ${length} bytes`;
        break;
      }
      if (at + length > bytes.length) break;
      this.#block(type, bytes.subarray(at + 8, at + length - 4), onPacket);
      at += length;
    }
    return at;
  }

  #section(bytes: Buffer, at: number): boolean {
    const little = bytes.readUInt32LE(at + 8) === BYTE_ORDER_MAGIC;
    if (!little && bytes.readUInt32BE(at + 8) !== BYTE_ORDER_MAGIC) {
      this.damage = 'a section header without a byte order';
      return false;
    }
    this.#littleEndian = little;
    return true;
  }

  #block(type: number, body: Buffer, onPacket: (packet: Packet) => void): void {
    if (type === SECTION_HEADER) {
      this.#before += this.#interfaces.length;
      this.#interfaces = [];
    } else if (type === INTERFACE) {
      if (body.length >= 8 && this.#interfaces.length < MAX_INTERFACES)
        this.#interfaces.push(this.#describe(body));
    } else {
      const place = this.#place(type, body);
      if (place !== undefined) this.#emit(place, body, onPacket);
    }
  }

  #place(type: number, body: Buffer): Place | undefined {
    if (type === SIMPLE_PACKET && body.length >= 4) {
      const length = this.#u32(body, 0);
      const limit = this.#interfaces[0]?.snapLength || MAX_PACKET;
      const captured = Math.min(length, limit, body.length - 4);
      return { header: 4, interface: 0, captured, length, stamp: undefined };
    }
    if ((type !== ENHANCED_PACKET && type !== OLD_PACKET) || body.length < 20) return undefined;
    return {
      header: 20,
      interface: type === ENHANCED_PACKET ? this.#u32(body, 0) : this.#u16(body, 0),
      captured: Math.min(this.#u32(body, 12), body.length - 20),
      length: this.#u32(body, 16),
      stamp: (BigInt(this.#u32(body, 4)) << 32n) | BigInt(this.#u32(body, 8)),
    };
  }

  #emit(place: Place, body: Buffer, onPacket: (packet: Packet) => void): void {
    const packet = this.#packet;
    const from = this.#interfaces[place.interface];
    packet.linkType = from?.linkType ?? -1;
    packet.interface = this.#before + place.interface;
    packet.seconds = -1;
    if (place.stamp !== undefined && from !== undefined) {
      const { perSecond, offset } = from;
      const seconds = Number(place.stamp / perSecond) + offset;
      if (seconds < MAX_SECONDS) packet.seconds = Math.max(-1, seconds);
      packet.nanoseconds = Number(((place.stamp % perSecond) * SECOND) / perSecond);
    }
    packet.length = Math.max(place.captured, place.length);
    packet.bytes = body.subarray(place.header, place.header + place.captured);
    onPacket(packet);
  }

  #describe(body: Buffer): Interface {
    let perSecond = MICROSECONDS;
    let offset = 0;
    for (let at = 8; at + 4 <= body.length;) {
      const code = this.#u16(body, at);
      const length = this.#u16(body, at + 2);
      if (code === OPTION_END || at + 4 + length > body.length) break;
      if (code === OPTION_RESOLUTION && length >= 1) perSecond = resolutionOf(body[at + 4]!);
      if (code === OPTION_OFFSET && length >= 8) offset = Number(this.#i64(body, at + 4));
      at += 4 + ((length + 3) & ~3);
    }
    return { linkType: this.#u16(body, 0), snapLength: this.#u32(body, 4), perSecond, offset };
  }

  #u16(bytes: Buffer, at: number): number {
    return this.#littleEndian ? bytes.readUInt16LE(at) : bytes.readUInt16BE(at);
  }

  #u32(bytes: Buffer, at: number): number {
    return this.#littleEndian ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at);
  }

  #i64(bytes: Buffer, at: number): bigint {
    return this.#littleEndian ? bytes.readBigInt64LE(at) : bytes.readBigInt64BE(at);
  }
}

/** if_tsresol: a power of 10, or of 2 where the highest bit is set. */
function resolutionOf(value: number): bigint {
  return (value & 0x80) !== 0 ? 1n << BigInt(value & 0x7f) : 10n ** BigInt(value);
}
