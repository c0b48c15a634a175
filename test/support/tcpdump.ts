/** A packet capture of the loopback interface, as tcpdump writes it, and the TCP segments in one. */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { IpPacket, TCP } from '../../src/capture/packet/ip.ts';
import { findIp } from '../../src/capture/packet/link-layer.ts';
import { PcapFormat } from '../../src/capture/packet/pcap.ts';
import { TcpSegment } from '../../src/capture/packet/tcp-header.ts';
import { findCommand } from './programs.ts';

/** A segment with data. `seq` is the absolute sequence number of its first byte. */
export interface Segment {
  sourcePort: number;
  targetPort: number;
  seq: number;
  data: Uint8Array;
}

/** Largest packet of the loopback interface, with what stands before it. */
const SNAP_LENGTH = '262144';
const BUFFER_KIB = '131072';

/**
 * tcpdump on the loopback interface. Packets come in the order in which they crossed it, so a datagram of our own that is seen tells that all before it
 * have been.
 */
export class PacketCapture {
  readonly #child: ChildProcess;
  readonly #marker: Socket;
  readonly #chunks: Buffer[] = [];
  #log = '';

  private constructor(marker: Socket, filter: string) {
    const args = ['-i', 'lo', '-s', SNAP_LENGTH, '-B', BUFFER_KIB, '--immediate-mode', '-U', '-w', '-'];
    const tcpdump = findCommand('tcpdump');
    if (tcpdump === undefined) throw new Error('tcpdump is not installed; node scripts/test-setup.mjs does');
    // It ends with this process, however that ends; a tcpdump that changes its user would forget to.
    const bound = ['--pdeathsig', 'INT', tcpdump, '-Z', 'root'];
    const both = `(${filter}) or udp port ${marker.address().port}`;
    this.#marker = marker;
    this.#child = spawn('setpriv', [...bound, ...args, both], { stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child.stdout!.on('data', (chunk: Buffer) => this.#chunks.push(chunk));
  }

  /** Resolves when packets are being captured that fit the filter (pcap-filter(7)). */
  static async start(filter: string): Promise<PacketCapture> {
    const marker = createSocket('udp4');
    marker.bind(0, '127.0.0.1');
    await once(marker, 'listening');
    const capture = new PacketCapture(marker, filter);
    await capture.#listening();
    return capture;
  }

  /** The port of the datagrams that are not the traffic's. */
  get markerPort(): number {
    return this.#marker.address().port;
  }

  /** Ends the capture when it has everything that crossed so far. The bytes of the file. */
  async stop(): Promise<Buffer> {
    const child = this.#child;
    const mark = randomBytes(16);
    const seen = new Promise<void>((resolve, reject) => {
      let tail: Buffer = Buffer.alloc(0);
      child.stdout!.on('data', (chunk: Buffer) => {
        tail = Buffer.concat([tail.subarray(-mark.length), chunk]);
        if (tail.includes(mark)) resolve();
      });
      child.once('exit', () => reject(new Error(`tcpdump ended by itself: ${this.#log}`)));
    });
    this.#marker.send(mark, this.markerPort, '127.0.0.1');
    await seen;
    const closed = once(child, 'close');
    child.kill('SIGINT');
    await closed;
    this.#marker.close();
    if (!/^0 packets dropped by kernel/m.test(this.#log)) throw new Error(`packets were lost: ${this.#log}`);
    return Buffer.concat(this.#chunks);
  }

  async #listening(): Promise<void> {
    const child = this.#child;
    await new Promise<void>((resolve, reject) => {
      child.stderr!.setEncoding('utf8').on('data', (text: string) => {
        this.#log += text;
        if (this.#log.includes('listening on')) resolve();
      });
      child.on('error', reject);
      child.on('exit', (code) => reject(new Error(`tcpdump ended with ${code}: ${this.#log}`)));
    });
  }
}

/** TCP segments with data in the bytes of a pcap file. */
export function segmentsOf(file: Buffer): Segment[] {
  const segments: Segment[] = [];
  const ip = new IpPacket();
  const tcp = new TcpSegment();
  new PcapFormat().read(file, ({ linkType, bytes, length }) => {
    const at = findIp(linkType, bytes);
    if (typeof at !== 'number' || ip.parse(bytes.subarray(at), length - at) !== undefined) return;
    if (ip.protocol !== TCP || tcp.parse(ip) !== undefined || tcp.length === 0) return;
    const { sourcePort, targetPort, sequence, data } = tcp;
    segments.push({ sourcePort, targetPort, seq: sequence, data });
  });
  return segments;
}
