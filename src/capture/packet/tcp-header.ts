import type { IpPacket } from './ip.ts';
import type { Ignored } from './packet.ts';

const HEADER = 20;
const FIN = 1;
const SYN = 2;
const RST = 4;
const ACK = 16;

/** A TCP segment (RFC 9293, section 3.1). One object for all. */
export class TcpSegment {
  sourcePort = 0;
  targetPort = 0;
  /** Of the first data byte, which in a segment with SYN stands behind that. */
  sequence = 0;
  acknowledgement = 0;
  fin = false;
  syn = false;
  rst = false;
  ack = false;
  /** What was captured of the data, and its bytes on the wire. */
  data: Buffer = Buffer.alloc(0);
  length = 0;

  /** It moves its direction on: data, or the end. */
  get carries(): boolean {
    return this.length > 0 || this.fin;
  }

  /** Returns why the segment cannot be used, else undefined. */
  parse({ payload, length }: IpPacket): Ignored | undefined {
    if (payload.length < HEADER) return length < HEADER ? 'malformed' : 'cut';
    const header = (payload[12]! >> 4) * 4;
    if (header < HEADER || header > length) return 'malformed';
    const flags = payload[13]!;
    this.sourcePort = payload.readUInt16BE(0);
    this.targetPort = payload.readUInt16BE(2);
    this.fin = (flags & FIN) !== 0;
    this.syn = (flags & SYN) !== 0;
    this.rst = (flags & RST) !== 0;
    this.ack = (flags & ACK) !== 0;
    this.sequence = (payload.readUInt32BE(4) + (this.syn ? 1 : 0)) >>> 0;
    this.acknowledgement = payload.readUInt32BE(8);
    this.data = payload.subarray(Math.min(header, payload.length));
    this.length = length - header;
    return undefined;
  }
}
