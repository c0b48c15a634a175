import type { DataRecord } from '../capture/records.gen.ts';
import type { TrackedConnection } from '../connection/tracked-connection.ts';
import type { HopKey } from './exchange.ts';

const TWO_32 = 4294967296;
const UDP = 17;

/**
 * The hop key of a request that begins at `position`; undefined where this end cannot know it (a unix stream whose two counts are not aligned).
 *
 * TCP: high = absolute sequence number of the request's first byte, low = the server's first data sequence number; no address, so it
 * survives NAT. Unix: a hash of (client's inode and socket, server's socket, common position). The server's inode takes no part: the client
 * may send before the connection is accepted, when there is none.
 */
export function hopKey<S>(
  connection: TrackedConnection<S>,
  isClient: boolean,
  position: number,
): HopKey | undefined {
  if (connection.transport === 'tcp') {
    const requestFirst = isClient ? connection.txFirst : connection.rxFirst;
    const serverFirst = isClient ? connection.rxFirst : connection.txFirst;
    if (requestFirst === 0 && serverFirst === 0) return undefined;
    return { kind: 'tcp', high: (requestFirst + (position % TWO_32)) >>> 0, low: serverFirst };
  }
  if (connection.transport !== 'unix' || connection.peer === 0) return undefined;
  const shift = isClient ? connection.unix?.txShift : connection.unix?.rxShift;
  const inode = isClient ? connection.txFirst : connection.rxFirst;
  if (shift === undefined || inode === 0) return undefined;
  const client = isClient ? connection.sock : connection.peer;
  const server = isClient ? connection.peer : connection.sock;
  const common = position + shift;
  return { kind: 'unix', high: mix(client, common, inode), low: mix(server, common, ~inode) };
}

/**
 * The hop key of a request that is a datagram: a hash of both ports and of the bytes that were captured, and how many equal ones the socket had
 * seen before. No address: an end that is not connected does not know its own. Undefined for other sockets than UDP.
 */
export function datagramHopKey(
  record: DataRecord,
  sends: boolean,
  ordinal: (hash: number) => number,
): HopKey | undefined {
  if (record.protocol !== UDP) return undefined;
  const client = sends ? record.localPort : record.remotePort;
  const server = sends ? record.remotePort : record.localPort;
  const { payload } = record;
  const high = hashOf(payload, (client << 16) | server);
  return { kind: 'udp', high, low: (hashOf(payload, ~high) + ordinal(high)) >>> 0 };
}

/** 32 bits of bytes and a seed. */
function hashOf(bytes: Uint8Array, seed: number): number {
  let h = seed | 0;
  for (const byte of bytes) h = Math.imul(h ^ byte, 0x01000193);
  return mix(h >>> 0, bytes.length, seed);
}

/** 32 bits of two 64-bit numbers and a 32-bit one; all halves take part (murmur3's mixing steps). */
function mix(a: number, b: number, seed: number): number {
  let h = seed | 0;
  for (const word of [a % TWO_32, Math.floor(a / TWO_32), b % TWO_32, Math.floor(b / TWO_32)]) {
    let k = Math.imul(word, 0xcc9e2d51);
    k = (k << 15) | (k >>> 17);
    h ^= Math.imul(k, 0x1b873593);
    h = Math.imul((h << 13) | (h >>> 19), 5) + 0xe6546b64;
  }
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
