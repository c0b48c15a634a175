/** One packet of a capture file, as the file's reader fills it; one object for a whole file. */
export class Packet {
  /** LINKTYPE_ number (tcpdump.org/linktypes.html) of the interface. */
  linkType = 0;
  /** Ordinal of the interface in the file; 0 where the format has only one. */
  interface = 0;
  /** Unix time, whole seconds and the nanoseconds within; -1: the format gives none. */
  seconds = 0;
  nanoseconds = 0;
  /** The captured bytes, from the link layer on; a view that is valid during the call. */
  bytes: Buffer = Buffer.alloc(0);
  /** Bytes the packet had on the wire. */
  length = 0;
}

/** What reads one file format, block by block. */
export interface PacketFormat {
  /** Why what follows cannot be read; undefined while all is well. */
  readonly damage: string | undefined;
  /** Hands on every packet that `bytes` holds whole, from its start. Returns the bytes that are done with; the rest is to be given again with more behind it. */
  read(bytes: Buffer, onPacket: (packet: Packet) => void): number;
}

/** Why a packet is left out of account. Each packet of a file is either used or counted under one of these. */
export const IGNORED = {
  link_type: 'of a link type that is not read',
  not_ip: 'neither IPv4 nor IPv6',
  transport: 'neither TCP nor UDP (tunnels such as GRE and IP in IP are not looked into)',
  fragment: 'fragments of datagrams of which others are missing',
  cut: 'captured too short for their headers',
  malformed: 'with headers that contradict themselves',
  repeated: 'of bytes that had been seen: retransmissions, probes, the same packet on another interface',
  translated: 'of a connection that was seen under another address already',
} as const;
export type Ignored = keyof typeof IGNORED;
