import type { Ignored } from './packet.ts';

export const TCP = 6;
export const UDP = 17;

const V4_HEADER = 20;
const V6_HEADER = 40;
const FRAGMENT = 44;
const AUTHENTICATION = 51;
/** Extension headers of 8-byte units (RFC 8200, 6275, 7401, 5533). */
const EXTENSIONS: ReadonlySet<number> = new Set([0, 43, 60, 135, 139, 140]);
const MAX_EXTENSIONS = 16;

/** An IP packet, or one put together from fragments. One object for all. */
export class IpPacket {
  version: 4 | 6 = 4;
  /** 16 bytes each, IPv4 as ::ffff:a.b.c.d; overwritten by the next packet. */
  readonly source = new Uint8Array(16);
  readonly target = new Uint8Array(16);
  protocol = 0;
  /** What was captured of the payload, and its bytes on the wire. */
  payload: Buffer = Buffer.alloc(0);
  length = 0;
  /** Of fragments: which datagram, where in it (bytes), whether more follow. */
  fragmented = false;
  id = 0;
  offset = 0;
  more = false;

  /** Reads the headers. `length`: bytes of the packet on the wire, of which `bytes` may lack the end. Returns why it cannot be used, else undefined. */
  parse(bytes: Buffer, length: number): Ignored | undefined {
    if (bytes.length === 0) return 'cut';
    const version = bytes[0]! >> 4;
    if (version === 4) return this.#v4(bytes, length);
    return version === 6 ? this.#v6(bytes, length) : 'not_ip';
  }

  #v4(bytes: Buffer, length: number): Ignored | undefined {
    if (bytes.length < V4_HEADER) return 'cut';
    const header = (bytes[0]! & 15) * 4;
    // 0: larger than the field can tell, cut by the device only later.
    const total = bytes.readUInt16BE(2) || length;
    if (header < V4_HEADER || total < header) return 'malformed';
    this.version = 4;
    mapV4(bytes, 12, this.source);
    mapV4(bytes, 16, this.target);
    this.protocol = bytes[9]!;
    this.id = bytes.readUInt16BE(4);
    this.#fragment(bytes.readUInt16BE(6) & 0x1fff, (bytes[6]! & 0x20) !== 0);
    return this.#payload(bytes, header, Math.min(total, length));
  }

  #v6(bytes: Buffer, length: number): Ignored | undefined {
    if (bytes.length < V6_HEADER) return 'cut';
    this.version = 6;
    this.source.set(bytes.subarray(8, 24));
    this.target.set(bytes.subarray(24, 40));
    this.#fragment(0, false);
    // 0: a jumbogram, or larger than the field can tell.
    const payload = bytes.readUInt16BE(4);
    const total = payload === 0 ? length : Math.min(length, V6_HEADER + payload);
    let next = bytes[6]!;
    let at = V6_HEADER;
    for (let n = 0; n < MAX_EXTENSIONS && isExtension(next); n++) {
      if (at + 8 > bytes.length) return 'cut';
      if (next === FRAGMENT) this.#fragmentHeader(bytes, at);
      const size = extensionLength(next, bytes[at + 1]!);
      next = bytes[at]!;
      at += size;
      // What follows stands in the first fragment only.
      if (this.fragmented && this.offset > 0) break;
    }
    this.protocol = next;
    return at > total ? 'malformed' : this.#payload(bytes, at, total);
  }

  #fragmentHeader(bytes: Buffer, at: number): void {
    const field = bytes.readUInt16BE(at + 2);
    this.#fragment(field >> 3, (field & 1) !== 0);
    this.id = bytes.readUInt32BE(at + 4);
  }

  #fragment(units: number, more: boolean): void {
    this.offset = units * 8;
    this.more = more;
    this.fragmented = units > 0 || more;
  }

  #payload(bytes: Buffer, header: number, total: number): Ignored | undefined {
    if (bytes.length < header) return 'cut';
    this.length = Math.max(0, total - header);
    this.payload = bytes.subarray(header, Math.min(bytes.length, header + this.length));
    return undefined;
  }
}

function isExtension(header: number): boolean {
  return header === FRAGMENT || header === AUTHENTICATION || EXTENSIONS.has(header);
}

function extensionLength(header: number, length: number): number {
  if (header === FRAGMENT) return 8;
  return header === AUTHENTICATION ? (length + 2) * 4 : (length + 1) * 8;
}

function mapV4(bytes: Buffer, at: number, into: Uint8Array): void {
  into.fill(0, 0, 10);
  into[10] = into[11] = 0xff;
  for (let i = 0; i < 4; i++) into[12 + i] = bytes[at + i]!;
}
