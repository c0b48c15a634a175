/**
 * From the link layer to the IP packet: what tcpdump writes on Linux for interfaces that carry IP. Numbers and layouts:
 * tcpdump.org/linktypes.html.
 */
import type { Ignored } from './packet.ts';

const IPV4 = 0x0800;
const IPV6 = 0x86dd;
const PPPOE_SESSION = 0x8864;
/** 802.1Q, 802.1ad, and what stacked tags were before there was a standard. */
const VLAN_TAGS: ReadonlySet<number> = new Set([0x8100, 0x88a8, 0x9100, 0x9200]);
const VLAN_TAG = 4;
/** Below is no EtherType but the length of an IEEE 802.3 frame. */
const FIRST_ETHERTYPE = 0x600;
const PPP_IPV4 = 0x21;
const PPP_IPV6 = 0x57;
const NFLOG_PAYLOAD = 9;

/** Where the IP packet begins in the frame, or why there is none. */
export type Found = number | Ignored;
type LinkLayer = (frame: Buffer) => Found;

/** The EtherType at `at`, behind any VLAN tags; what it stands before is IP or it is not. */
function etherType(frame: Buffer, at: number): Found {
  for (let type = at; type + 2 <= frame.length; type += VLAN_TAG) {
    const value = frame.readUInt16BE(type);
    if (VLAN_TAGS.has(value)) continue;
    if (value === IPV4 || value === IPV6) return type + 2;
    if (value === PPPOE_SESSION) return pppProtocol(frame, type + 2 + 6);
    return value < FIRST_ETHERTYPE ? snap(frame, type + 2) : 'not_ip';
  }
  return 'cut';
}

/** IEEE 802.2 with a SNAP header that holds an EtherType (RFC 1042). */
function snap(frame: Buffer, at: number): Found {
  if (at + 8 > frame.length) return 'not_ip';
  return frame.readUInt32BE(at) >>> 8 === 0xaaaa03 ? etherType(frame, at + 6) : 'not_ip';
}

/** A protocol number of PPP, of one byte or two (RFC 1661, section 6.5). */
function pppProtocol(frame: Buffer, at: number): Found {
  if (at + 2 > frame.length) return 'cut';
  const short = (frame[at]! & 1) !== 0;
  const protocol = short ? frame[at]! : frame.readUInt16BE(at);
  if (protocol === PPP_IPV4 || protocol === PPP_IPV6) return at + (short ? 1 : 2);
  return 'not_ip';
}

const ppp: LinkLayer = (frame) => pppProtocol(frame, frame[0] === 0xff && frame[1] === 0x03 ? 2 : 0);

/** PPP in HDLC-like framing, or Cisco's HDLC, whose addresses are 0x0f and 0x8f. */
const hdlc: LinkLayer = (frame) =>
  frame[0] === 0x0f || frame[0] === 0x8f ? etherType(frame, 2) : ppp(frame);

/** An address family in the byte order of the machine that wrote it: 2 is IPv4, and IPv6 has a number on each system. */
const loopback: LinkLayer = (frame) => {
  if (frame.length < 4) return 'cut';
  const family = Math.min(frame.readUInt32LE(), frame.readUInt32BE());
  return family === 2 || [10, 24, 28, 30].includes(family) ? 4 : 'not_ip';
};

/** Netfilter's log: `u8 family, u8 version, u16 resource`, then attributes of `u16 length, u16 type`, in the byte order of the host. */
const nflog: LinkLayer = (frame) => {
  for (let at = 4; at + 4 <= frame.length;) {
    const little = frame.readUInt16LE(at + 2) < 256;
    const length = little ? frame.readUInt16LE(at) : frame.readUInt16BE(at);
    const type = little ? frame.readUInt16LE(at + 2) : frame.readUInt16BE(at + 2);
    if (type === NFLOG_PAYLOAD) return at + 4;
    if (length < 4) return 'malformed';
    at += (length + 3) & ~3;
  }
  return 'not_ip';
};

const raw: LinkLayer = () => 0;

const LINK_LAYERS: ReadonlyMap<number, LinkLayer> = new Map([
  [0, loopback],
  [1, (frame: Buffer) => etherType(frame, 12)],
  [9, ppp],
  [12, raw],
  [14, raw],
  [50, hdlc],
  [51, (frame: Buffer) => pppProtocol(frame, 6)],
  [101, raw],
  [104, hdlc],
  [108, loopback],
  [113, (frame: Buffer) => etherType(frame, 14)],
  [228, raw],
  [229, raw],
  [239, nflog],
  [276, sll2],
]);

/** Linux cooked, version 2: the protocol stands first, and the packet 20 bytes on, behind the tags that were taken out of the frame. */
function sll2(frame: Buffer): Found {
  if (frame.length < 20) return 'cut';
  const protocol = frame.readUInt16BE(0);
  if (VLAN_TAGS.has(protocol)) return etherType(frame, 22);
  if (protocol === IPV4 || protocol === IPV6) return 20;
  return protocol === PPPOE_SESSION ? pppProtocol(frame, 26) : 'not_ip';
}

export const READABLE_LINKS =
  'Ethernet, Linux cooked (SLL, SLL2), raw IP, loopback (NULL, LOOP), PPP, PPPoE, HDLC and NFLOG';

/** Names of link types that are not read and that users come across. */
const UNREADABLE: Readonly<Record<number, string>> = {
  105: 'IEEE 802.11',
  119: 'IEEE 802.11 with a Prism header',
  127: 'IEEE 802.11 with a radiotap header',
  163: 'IEEE 802.11 with an AVS header',
  189: 'USB',
  195: 'IEEE 802.15.4',
  201: 'Bluetooth',
  220: 'USB',
  227: 'CAN',
  253: 'netlink',
  254: 'Bluetooth',
  271: 'vsock',
};

export function isReadableLink(linkType: number): boolean {
  return LINK_LAYERS.has(linkType);
}

/** `127 (IEEE 802.11 with a radiotap header)` */
export function linkName(linkType: number): string {
  const name = UNREADABLE[linkType];
  return name === undefined ? String(linkType) : `${linkType} (${name})`;
}

/** Where the IP packet begins in a frame. */
export function findIp(linkType: number, frame: Buffer): Found {
  return LINK_LAYERS.get(linkType)?.(frame) ?? 'link_type';
}

/**
 * On which interface, and coming or going, a frame was seen: two copies of one packet differ in it. Of `any` captures the cooked header says it, of
 * others the file.
 */
export function placeOf(linkType: number, interfaceId: number, frame: Buffer): number {
  if (linkType === 113 && frame.length >= 2) return frame.readUInt16BE(0);
  if (linkType === 276 && frame.length >= 11) return frame.readUInt32BE(4) * 8 + (frame[10]! & 7);
  return interfaceId;
}
