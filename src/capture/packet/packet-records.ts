import { VERSION } from '../../base/version.ts';
import type { HostFacts } from '../facts.ts';
import { RecordBatch } from '../record-batch.ts';
import { CaptureClock } from './capture-clock.ts';
import { Fragments } from './fragments.ts';
import { IpPacket, TCP, UDP } from './ip.ts';
import { findIp, linkName, placeOf } from './link-layer.ts';
import { IGNORED, type Ignored, type Packet } from './packet.ts';
import { Sockets } from './sockets.ts';
import { TcpFlows } from './tcp-flows.ts';
import { UdpFlows } from './udp-flows.ts';

/** How often a drain ends. */
const TICK_NS = 10_000_000;
/** Drains after which what waited for late records waits no more. */
const TICKS = 3;
/** Beyond the time a server's half-closed socket is given to be used again. */
const CLOSE_NS = 200_000_000;

/**
 * Packets in, records out: those that the kernel side of the server's host would have written, had it been watched. Time is the packets'.
 *
 * Books: packets in = used + ignored(reason) + fragments that wait.
 */
export class PacketRecords {
  packets = 0;
  used = 0;
  readonly ignored = Object.fromEntries(Object.keys(IGNORED).map((reason) => [reason, 0])) as Record<
    Ignored,
    number
  >;
  /** A link type that is not read, if there was one. */
  strangeLink: number | undefined = undefined;
  readonly #batch = new RecordBatch(1 << 18);
  readonly #clock = new CaptureClock();
  readonly #ip = new IpPacket();
  readonly #fragments = new Fragments();
  readonly #tcp: TcpFlows;
  readonly #udp: UdpFlows;
  #tickedNs = 0;

  constructor() {
    const sockets = new Sockets(this.#batch);
    this.#tcp = new TcpFlows(sockets);
    this.#udp = new UdpFlows(sockets);
  }

  /** Fragments that wait for the rest of their datagram. */
  get held(): number {
    return this.#fragments.held;
  }

  /** Bytes of TCP that the capture lacks, as far as others tell of them. */
  get missing(): number {
    return this.#tcp.missing;
  }

  /** Bytes of records that `take` would return. */
  get length(): number {
    return this.#batch.length;
  }

  /** Takes a packet, whose bytes are not kept. */
  add(packet: Packet): void {
    this.packets++;
    const timeNs = this.#clock.at(packet.seconds, packet.nanoseconds);
    if (this.#tickedNs === 0) this.#begin(packet);
    else this.#tickUntil(this.#clock.nowNs);
    const ignored = this.#take(packet, timeNs);
    if (ignored === undefined) this.used++;
    else if (ignored !== 'waits') this.ignored[ignored]++;
  }

  /** No more packets come: what waits is handed on as it is. */
  finish(): void {
    if (this.#tickedNs === 0) return;
    this.#fragments.flush();
    this.#countFragments();
    const { nowNs } = this.#clock;
    this.#tcp.expire(nowNs, true);
    for (const later of [0, CLOSE_NS])
      for (let n = 1; n <= TICKS; n++) this.#tick(nowNs + later + n * TICK_NS);
  }

  /** The records since the last call. */
  take(): Uint8Array {
    return this.#batch.take();
  }

  /** Of the host that served nothing is known but what its packets say. */
  #begin({ seconds, nanoseconds }: Packet): void {
    const facts: HostFacts = {
      ...{ hostName: '', arch: '', osType: '', kernel: '', backend: 'packets', agentVersion: VERSION },
      ...{ bootId: `capture ${seconds}.${nanoseconds}`, agentPid: 0, boottimeOffsetNs: 0 },
    };
    const { nowNs } = this.#clock;
    this.#batch.json('host', { time_ns: nowNs }, facts);
    this.#tick(nowNs);
  }

  /** Lets time pass between two packets: in steps first, for what waits for some drains to end. */
  #tickUntil(nowNs: number): void {
    if (nowNs - this.#tickedNs < TICK_NS) return;
    for (let n = 0; n < TICKS && nowNs - this.#tickedNs > TICK_NS; n++) this.#tick(this.#tickedNs + TICK_NS);
    this.#tick(nowNs);
  }

  #tick(nowNs: number): void {
    this.#tickedNs = nowNs;
    this.#tcp.expire(nowNs);
    this.#batch.add('clock', this.#clock.record(nowNs));
  }

  #take(packet: Packet, timeNs: number): Ignored | 'waits' | undefined {
    const { linkType, bytes } = packet;
    const found = findIp(linkType, bytes);
    if (found === 'link_type') this.strangeLink ??= linkType;
    if (typeof found !== 'number') return found;
    const ip = this.#ip;
    const wrong = ip.parse(bytes.subarray(found), packet.length - found);
    if (wrong !== undefined) return wrong;
    if (ip.fragmented) {
      const waits = this.#collect(timeNs);
      if (waits !== undefined) return waits;
    }
    const place = placeOf(linkType, packet.interface, bytes);
    if (ip.protocol === TCP) return this.#tcp.take(ip, timeNs);
    return ip.protocol === UDP ? this.#udp.take(ip, place, timeNs) : 'transport';
  }

  /** A fragment. Returns undefined if it completes its datagram. */
  #collect(timeNs: number): 'waits' | 'repeated' | undefined {
    const came = this.#fragments.add(this.#ip, timeNs);
    this.#countFragments();
    if (came < 0) return 'repeated';
    if (came === 0) return 'waits';
    this.used += came - 1;
    return undefined;
  }

  #countFragments(): void {
    this.ignored.fragment += this.#fragments.givenUp;
    this.#fragments.givenUp = 0;
  }

  /** What the user should know of the packets, a line each. */
  remarks(): string[] {
    const ignored = Object.entries(this.ignored).filter(([, count]) => count > 0);
    const link = this.strangeLink === undefined ? '' : `; link type ${linkName(this.strangeLink)}`;
    const reasons = ignored.map(([reason, count]) => `${count} ${IGNORED[reason as Ignored]}`).join(', ');
    const left = reasons === '' ? '' : `; ignored: ${reasons}${link}`;
    const missing = this.missing === 0 ? '' : `; ${this.missing} bytes of TCP are missing in the capture`;
    return [`${this.packets} packets, ${this.used} used${left}${missing}`];
  }
}
