import { u16be } from '../bytes.ts';
import { Claim } from '../decoder.ts';
import { header, INCOMPLETE, isTopic, MALFORMED, maySend, readHeader, Type } from './mqtt-packet.ts';

/** What follows the fixed header of CONNECT: protocol name with its length, and level (MQTT 5.0, 3.1.2.1); 3.1 had another name. */
const NAME = [0, 4, ...Buffer.from('MQTT')];
const OLD_NAME = [0, 6, ...Buffer.from('MQIsdp')];
/** Mosquitto's bridges set this bit of the level. */
const BRIDGE = 0x80;

/**
 * CONNECT names the protocol. Everything else is short and bare, so it counts only where both directions are a chain of valid packets of the
 * right senders; on a connection that is seen from its start, only CONNACK can be one.
 */
export function probeMqtt(
  bytes: Uint8Array,
  from: number,
  to: number,
  final: boolean,
  joined: boolean,
): Claim {
  if (to <= from) return Claim.more;
  if (bytes[from]! >> 4 === Type.connect) return probeConnect(bytes, from, to, final);
  if (!joined && bytes[from]! >> 4 !== Type.connack) return Claim.no;
  return probeChain(bytes, from, to, final);
}

function probeConnect(bytes: Uint8Array, from: number, to: number, final: boolean): Claim {
  const found = readHeader(bytes, from, to, 0);
  if (found === MALFORMED) return Claim.no;
  if (found === INCOMPLETE) return final ? Claim.no : Claim.more;
  const { at } = header;
  const old = bytes[at + 1] === OLD_NAME[1];
  const name = old ? OLD_NAME : NAME;
  for (let i = 0; i < name.length; i++) {
    if (at + i >= to) return final ? Claim.no : Claim.more;
    if (bytes[at + i] !== name[i]) return Claim.no;
  }
  const end = at + name.length;
  if (end + 1 >= to) return final ? Claim.no : Claim.more;
  const level = bytes[end]! & ~BRIDGE;
  const known = old ? level === 3 : level === 4 || level === 5;
  return known && hasRightConnectFlags(bytes[end + 1]!) ? Claim.request : Claim.no;
}

/** user:1 password:1 will retain:1 will QoS:2 will:1 clean:1 reserved:1    3.1.2.3 */
function hasRightConnectFlags(flags: number): boolean {
  if ((flags & 1) !== 0 || (flags & 0x18) === 0x18) return false;
  return (flags & 4) !== 0 || (flags & 0x38) === 0;
}

/** Packets one after another, up to the end of what is there. */
function probeChain(bytes: Uint8Array, from: number, to: number, final: boolean): Claim {
  let client = true;
  let server = true;
  for (let at = from; at < to;) {
    const found = readHeader(bytes, at, to, 0);
    if (found === MALFORMED || (found === INCOMPLETE && final && at === from)) return Claim.no;
    if (found === INCOMPLETE) return at === from ? Claim.more : claimOf(client, server);
    client &&= maySend(true);
    server &&= maySend(false);
    if (!client && !server) return Claim.no;
    const end = header.at + header.size;
    if (!hasRightContent(bytes, to)) return Claim.no;
    at = end;
  }
  return claimOf(client, server);
}

function claimOf(client: boolean, server: boolean): Claim {
  if (client && server) return Claim.like;
  return client ? Claim.likeRequest : Claim.likeResponse;
}

/** As far as it is there. */
function hasRightContent(bytes: Uint8Array, to: number): boolean {
  const { type, at, size } = header;
  const end = Math.min(to, at + size);
  switch (type) {
    case Type.connect:
      return false;
    case Type.connack:
      return at >= end || bytes[at]! <= 1;
    case Type.publish:
      return hasRightTopic(bytes, at, end, size);
    case Type.puback:
    case Type.pubrec:
    case Type.pubrel:
    case Type.pubcomp:
      return size <= 4 && hasId(bytes, at, end);
    case Type.subscribe:
    case Type.suback:
    case Type.unsubscribe:
    case Type.unsuback:
      return hasId(bytes, at, end);
    case Type.disconnect:
      return size <= 2;
    case Type.auth:
      return false;
    default:
      return true;
  }
}

function hasId(bytes: Uint8Array, at: number, end: number): boolean {
  return at + 2 > end || u16be(bytes, at) !== 0;
}

function hasRightTopic(bytes: Uint8Array, at: number, end: number, size: number): boolean {
  if (at + 2 > end) return true;
  const length = u16be(bytes, at);
  const id = (header.flags & 6) === 0 ? 0 : 2;
  if (length === 0 ? size < 5 : 2 + length + id > size) return false;
  const topicEnd = at + 2 + length;
  if (!isTopic(bytes, at + 2, Math.min(topicEnd, end), false)) return false;
  return id === 0 || hasId(bytes, topicEnd, end);
}
