import { endpointOf, keyOf, serverOf } from './endpoint.ts';
import { type IpPacket, UDP } from './ip.ts';
import type { Ignored } from './packet.ts';
import { pairKey, type Sockets, touch } from './sockets.ts';
import { UdpFlow } from './udp-flow.ts';

const MAX_FLOWS = 65_536;
const HEADER = 8;

/** The UDP conversations of a capture, by the endpoints of both ends; the least recently used one makes room. */
export class UdpFlows {
  readonly #sockets: Sockets;
  readonly #flows = new Map<string, UdpFlow>();

  constructor(sockets: Sockets) {
    this.#sockets = sockets;
  }

  /** Takes a packet, seen at `place`. Returns why it is ignored, else undefined. */
  take(ip: IpPacket, place: number, timeNs: number): Ignored | undefined {
    const { payload, length } = ip;
    if (payload.length < HEADER) return length < HEADER ? 'malformed' : 'cut';
    // 0: longer than the field can tell.
    const told = payload.readUInt16BE(4) || length;
    if (told < HEADER) return 'malformed';
    const size = Math.min(told, length) - HEADER;
    const data = payload.subarray(HEADER, HEADER + size);
    const source = keyOf(ip.source, payload.readUInt16BE(0));
    const target = keyOf(ip.target, payload.readUInt16BE(2));
    const key = pairKey(source, target);
    const flow = this.#flows.get(key) ?? this.#open(ip, timeNs);
    touch(this.#flows, key, flow);
    return flow.take(data, size, ip.id, source === flow.clientKey, place, timeNs);
  }

  #open({ source, target, payload }: IpPacket, timeNs: number): UdpFlow {
    const sender = endpointOf(source, payload.readUInt16BE(0));
    const receiver = endpointOf(target, payload.readUInt16BE(2));
    const server = serverOf(sender, receiver, UDP, this.#sockets.serves);
    const client = server === sender ? receiver : sender;
    if (this.#flows.size >= MAX_FLOWS) this.#flows.delete(this.#flows.keys().next().value!);
    return new UdpFlow(client.key, this.#sockets.open(client, server, UDP, false, timeNs));
  }
}
