/** Control packet types (MQTT 5.0, 2.1.2). */
export const Type = {
  connect: 1,
  connack: 2,
  publish: 3,
  puback: 4,
  pubrec: 5,
  pubrel: 6,
  pubcomp: 7,
  subscribe: 8,
  suback: 9,
  unsubscribe: 10,
  unsuback: 11,
  pingreq: 12,
  pingresp: 13,
  disconnect: 14,
  auth: 15,
} as const;

/** By type: who may send it (1 client, 2 server, 3 both; 0: no packet), the flags it must have (PUBLISH has its own), least and most bytes. */
const SENDERS = [0, 1, 2, 3, 3, 3, 3, 3, 1, 2, 1, 2, 1, 2, 3, 3];
const FLAGS = [0, 0, 0, 0, 0, 0, 2, 0, 2, 0, 2, 0, 0, 0, 0, 0];
const LEAST = [0, 12, 2, 2, 2, 2, 2, 2, 5, 3, 5, 2, 0, 0, 0, 0];
/** Of 3.1.1; of 5, whose packets have properties, only of pings. 0: any. */
const MOST_OF_3 = [0, 0, 2, 0, 2, 2, 2, 2, 0, 0, 0, 2, 0, 0, 0, 0];

/** A packet's fixed header, filled anew for every packet. */
export const header = {
  type: 0,
  flags: 0,
  /** Of what follows the header. */
  size: 0,
  /** Where that begins. */
  at: 0,
};

/** In the place of a length: its bytes have not come; they break the rules. */
export const INCOMPLETE = -1;
export const MALFORMED = -2;

/**
 *   type:4 flags:4  remaining length: 1 to 4 bytes, 7 bits each, low ones first      MQTT 5.0, 2.1
 *
 * Fills `header`; the size, or INCOMPLETE or MALFORMED. `version` 0: not known; 3 and 4: MQTT 3.1 and 3.1.1.
 */
export function readHeader(bytes: Uint8Array, at: number, limit: number, version: number): number {
  if (at >= limit) return INCOMPLETE;
  header.type = bytes[at]! >> 4;
  header.flags = bytes[at]! & 15;
  if (!hasRightFlags()) return MALFORMED;
  const length = readVarint(bytes, at + 1, limit);
  if (length < 0) return length;
  header.size = length;
  header.at = at + 1 + varintSize;
  return hasRightSize(version) ? length : MALFORMED;
}

/** Whether the end may send a packet of the type in `header`. */
export function maySend(fromClient: boolean): boolean {
  return (SENDERS[header.type]! & (fromClient ? 1 : 2)) !== 0;
}

/** DUP:1 QoS:2 RETAIN:1 of PUBLISH: no QoS 3, no DUP without QoS. */
function hasRightFlags(): boolean {
  const { type, flags } = header;
  if (type !== Type.publish) return type !== 0 && flags === FLAGS[type];
  return (flags & 6) !== 6 && ((flags & 8) === 0 || (flags & 6) !== 0);
}

function hasRightSize(version: number): boolean {
  const { type, size } = header;
  if (size < LEAST[type]!) return false;
  if (type === Type.pingreq || type === Type.pingresp) return size === 0;
  if (version === 0 || version === 5) return true;
  if (type === Type.auth) return false;
  if (type === Type.disconnect) return size === 0;
  return MOST_OF_3[type] === 0 || size === MOST_OF_3[type];
}

/** Bytes of the number that was read last. */
export let varintSize = 0;

/** Variable byte integer (1.5.5); INCOMPLETE or MALFORMED where there is none. */
export function readVarint(bytes: Uint8Array, at: number, limit: number): number {
  let value = 0;
  for (let i = 0; i < 4; i++) {
    if (at + i >= limit) return INCOMPLETE;
    const byte = bytes[at + i]!;
    value |= (byte & 0x7f) << (7 * i);
    if (byte < 0x80) {
      varintSize = i + 1;
      return i > 0 && byte === 0 ? MALFORMED : value;
    }
  }
  return MALFORMED;
}

/** A topic name holds neither control characters nor wildcards (4.7); a filter may hold these. */
export function isTopic(bytes: Uint8Array, from: number, to: number, isFilter: boolean): boolean {
  for (let i = from; i < to; i++) {
    const byte = bytes[i]!;
    if (byte < 0x20 || byte === 0x7f) return false;
    if (!isFilter && (byte === 0x23 /* # */ || byte === 0x2b) /* + */) return false;
  }
  return true;
}
