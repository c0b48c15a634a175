import { addressText } from '../../base/ip-address.ts';
import { TCP } from './ip.ts';

/** One end of a connection: an address of 16 bytes and a port. */
export interface Endpoint {
  readonly address: Uint8Array;
  readonly port: number;
  /** Both as a key: 18 characters. */
  readonly key: string;
}

const bytes = Buffer.alloc(18);

/** Copies the address, which may be overwritten afterwards. */
export function endpointOf(address: Uint8Array, port: number): Endpoint {
  return { address: Uint8Array.from(address), port, key: keyOf(address, port) };
}

export function keyOf(address: Uint8Array, port: number): string {
  bytes.set(address);
  bytes.writeUInt16BE(port, 16);
  return bytes.toString('latin1');
}

/** `10.0.0.1:80`, `[::1]:80` */
export function endpointText({ address, port }: Endpoint): string {
  const text = addressText(address, 0);
  return text.includes(':') ? `[${text}]:${port}` : `${text}:${port}`;
}

/** Below stand the ports of system services, and from here on those that Linux gives to clients (ip_local_port_range). */
const FIRST_USER_PORT = 1024;
const FIRST_CLIENT_PORT = 32_768;

/**
 * Which end of a conversation serves, where its beginning was not seen. The first of these that tells:
 *
 *   1. an end that is known to serve, since another connection to it was seen from its SYN on (TCP);
 *   2. the kind of the port: below 1024, then below 32768, then the rest;
 *   3. who spoke last: the sender of the first packet with data is taken for the client, as most connections are older than a capture because
 *      they are kept for the next request.
 */
export function serverOf(
  sender: Endpoint,
  receiver: Endpoint,
  protocol: number,
  serves: (key: string) => boolean,
): Endpoint {
  if (protocol === TCP && serves(sender.key) !== serves(receiver.key))
    return serves(sender.key) ? sender : receiver;
  return kindOf(sender.port) < kindOf(receiver.port) ? sender : receiver;
}

function kindOf(port: number): number {
  if (port < FIRST_USER_PORT) return 0;
  return port < FIRST_CLIENT_PORT ? 1 : 2;
}
