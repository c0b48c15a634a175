import { type Endpoint, endpointOf, keyOf, serverOf } from './endpoint.ts';
import { type IpPacket, TCP } from './ip.ts';
import type { Ignored } from './packet.ts';
import { pairKey, type Sockets, touch } from './sockets.ts';
import { TcpFlow } from './tcp-flow.ts';
import { TcpSegment } from './tcp-header.ts';

const MAX_FLOWS = 65_536;
/** Of all connections together. */
const MAX_HELD_BYTES = 64 * 1024 * 1024;

/**
 * The TCP connections of a capture, by the endpoints of both ends. Those that are over stay, so that what is sent again is known to be that, until they
 * are the least recently used ones of a full table.
 */
export class TcpFlows {
  readonly #sockets: Sockets;
  readonly #flows = new Map<string, TcpFlow>();
  /** By the first sequence numbers of both ends, which no translation of addresses changes. */
  readonly #identities = new Map<string, TcpFlow>();
  readonly #waiting = new Set<TcpFlow>();
  #heldBytes = 0;
  /** Bytes given up in connections that are not here any more. */
  #missing = 0;
  readonly #segment = new TcpSegment();
  /** The most recently used one. */
  #last: TcpFlow | undefined = undefined;

  constructor(sockets: Sockets) {
    this.#sockets = sockets;
  }

  /** Bytes that the capture lacks, as far as others tell of them. */
  get missing(): number {
    let missing = this.#missing;
    for (const { receive, send } of this.#flows.values()) missing += receive.missing + send.missing;
    return missing;
  }

  /** Takes a packet. Returns why it is ignored, else undefined. */
  take(ip: IpPacket, timeNs: number): Ignored | undefined {
    const segment = this.#segment;
    const wrong = segment.parse(ip);
    if (wrong !== undefined) return wrong;
    const source = keyOf(ip.source, segment.sourcePort);
    const key = pairKey(source, keyOf(ip.target, segment.targetPort));
    const flow = this.#flowOf(key, source, ip, timeNs);
    if (flow === undefined) return undefined;
    if (flow !== this.#last) touch(this.#flows, key, flow);
    this.#last = flow;
    const heldBefore = flow.heldBytes;
    const ignored = flow.take(segment, source === flow.clientKey, timeNs);
    this.#heldBytes += flow.heldBytes - heldBefore;
    if (this.#heldBytes > MAX_HELD_BYTES) this.#expire(flow, timeNs, true);
    if (flow.isWaiting) this.#waiting.add(flow);
    this.#identify(flow);
    return ignored;
  }

  /** Hands on what has waited for long enough for what was before it; with `now` everything. */
  expire(nowNs: number, now = false): void {
    for (const flow of this.#waiting) this.#expire(flow, nowNs, now);
  }

  /** The connection that the segment belongs to; undefined where it says nothing of one. */
  #flowOf(key: string, source: string, ip: IpPacket, timeNs: number): TcpFlow | undefined {
    const segment = this.#segment;
    const known = this.#flows.get(key);
    const isItsOwn = !segment.syn && known?.isStrange(segment, source === known.clientKey) === false;
    if (isItsOwn) return known;
    // What carries no data says nothing of a connection that is not known.
    if (!segment.syn && segment.length === 0) return undefined;
    const sender = endpointOf(ip.source, segment.sourcePort);
    const receiver = endpointOf(ip.target, segment.targetPort);
    if (!segment.syn) {
      const server = serverOf(sender, receiver, TCP, this.#sockets.serves);
      const client = server === sender ? receiver : sender;
      return this.#replace(key, known, this.#open(client, server, false), timeNs);
    }
    const [client, server] = segment.ack ? [receiver, sender] : [sender, receiver];
    const clientFirst = segment.ack ? segment.acknowledgement : segment.sequence;
    if (known?.isGreetedBy(client.key, clientFirst, segment.ack) === true) return known;
    return this.#replace(key, known, this.#open(client, server, true), timeNs);
  }

  #open(client: Endpoint, server: Endpoint, fromStart: boolean): TcpFlow {
    return new TcpFlow(client.key, fromStart, (timeNs) =>
      this.#sockets.open(client, server, TCP, fromStart, timeNs),
    );
  }

  /** A new connection takes the place of another one on the same ports, or of the least recently used one. */
  #replace(key: string, before: TcpFlow | undefined, flow: TcpFlow, timeNs: number): TcpFlow {
    if (before !== undefined) {
      const held = before.heldBytes;
      before.end(timeNs);
      this.#heldBytes -= held;
      this.#forget(key, before);
    } else if (this.#flows.size >= MAX_FLOWS) {
      const [oldKey, oldest] = this.#flows.entries().next().value!;
      this.#expire(oldest, timeNs, true);
      this.#forget(oldKey, oldest);
    }
    return flow;
  }

  #expire(flow: TcpFlow, nowNs: number, now: boolean): void {
    const before = flow.heldBytes;
    if (!flow.expire(nowNs, now)) this.#waiting.delete(flow);
    this.#heldBytes += flow.heldBytes - before;
  }

  /** Notices a connection that is here already, under the addresses it has on the other side of a translation. */
  #identify(flow: TcpFlow): void {
    if (flow.identity !== undefined || !flow.isIdentified) return;
    flow.identity = `${flow.receive.first} ${flow.send.first}`;
    if (this.#identities.has(flow.identity)) flow.copy = true;
    else this.#identities.set(flow.identity, flow);
  }

  #forget(key: string, flow: TcpFlow): void {
    this.#missing += flow.receive.missing + flow.send.missing;
    if (flow.identity !== undefined && !flow.copy) this.#identities.delete(flow.identity);
    this.#waiting.delete(flow);
    this.#flows.delete(key);
  }
}
