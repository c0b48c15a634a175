import { Packet, type PacketFormat } from './packet.ts';

/**
 * pcap savefiles (pcap-savefile(5)):
 *
 *   u32 magic  u16 major, minor  i32 zone  u32 accuracy  u32 snapshot length  u32 link type (low 16 bits; above: length of a frame check sequence)
 *   packets: u32 seconds  u32 micro- or nanoseconds  u32 captured  u32 length, then the captured bytes
 *
 * All in the byte order of the machine that wrote it, which the magic tells.
 */
const FILE_HEADER = 24;
const PACKET_HEADER = 16;
/** Nanoseconds a fraction of a second is counted in, by magic. */
const UNITS: ReadonlyMap<number, number> = new Map([
  [0xa1b2c3d4, 1000],
  [0xa1b23c4d, 1],
]);
/** No link has larger packets; a length beyond is damage. */
export const MAX_PACKET = 16 * 1024 * 1024;

/** Whether a file that begins with these 4 bytes is of this format. */
export function isPcap(magic: Buffer): boolean {
  return UNITS.has(magic.readUInt32LE()) || UNITS.has(magic.readUInt32BE());
}

export class PcapFormat implements PacketFormat {
  damage: string | undefined = undefined;
  readonly #packet = new Packet();
  #u32 = (bytes: Buffer, at: number): number => bytes.readUInt32LE(at);
  #unitNs = 0;

  read(bytes: Buffer, onPacket: (packet: Packet) => void): number {
    const packet = this.#packet;
    let at = this.#unitNs === 0 ? this.#header(bytes) : 0;
    if (this.#unitNs === 0) return 0;
    while (at + PACKET_HEADER <= bytes.length) {
      const captured = this.#u32(bytes, at + 8);
      if (captured > MAX_PACKET) {
        this.damage = `a packet of ${captured} bytes`;
        return at;
      }
      const start = at + PACKET_HEADER;
      if (start + captured > bytes.length) break;
      packet.seconds = this.#u32(bytes, at);
      packet.nanoseconds = this.#u32(bytes, at + 4) * this.#unitNs;
      packet.length = Math.max(captured, this.#u32(bytes, at + 12));
      packet.bytes = bytes.subarray(start, start + captured);
      onPacket(packet);
      at = start + captured;
    }
    return at;
  }

  #header(bytes: Buffer): number {
    if (bytes.length < FILE_HEADER) return 0;
    if (!UNITS.has(bytes.readUInt32LE())) this.#u32 = (from, at) => from.readUInt32BE(at);
    this.#unitNs = UNITS.get(this.#u32(bytes, 0))!;
    this.#packet.linkType = this.#u32(bytes, 20) & 0xffff;
    return FILE_HEADER;
  }
}
