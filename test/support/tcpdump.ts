/** A packet capture of the loopback, and the TCP segments in it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { sleep } from './agent.ts';
import { needCommand } from './programs.ts';
import { Scratch } from './workload.ts';

const ETHERTYPE_IPV4 = 0x0800;
const ETHERTYPE_IPV6 = 0x86dd;
const IPPROTO_TCP = 6;
const ETHERNET_HEADER = 14;
const IPV6_HEADER = 40;
const FILE_HEADER = 24;
const PACKET_HEADER = 16;

/** A segment with data. `seq` is the absolute sequence number of its first byte. */
export interface Segment {
  sourcePort: number;
  targetPort: number;
  seq: number;
  data: Uint8Array;
}

export class PacketCapture {
  readonly #scratch = new Scratch();
  readonly #child: ChildProcess;
  #log = '';

  private constructor(path: string) {
    const args = ['-i', 'lo', '-s', '0', '-B', '131072', '--immediate-mode', '-U', '-w'];
    // It ends with this process, however that ends; a tcpdump that changes its user would forget to.
    const bound = ['--pdeathsig', 'INT', path, '-Z', 'root'];
    this.#child = spawn('setpriv', [...bound, ...args, this.#scratch.file('pcap'), 'tcp'], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
  }

  /** Resolves when packets are being captured. */
  static async start(context: Mocha.Context): Promise<PacketCapture> {
    const capture = new PacketCapture(
      needCommand(context, 'tcpdump', 'positions are compared with a packet capture'),
    );
    await capture.#listening();
    return capture;
  }

  async #listening(): Promise<void> {
    const child = this.#child;
    await new Promise<void>((resolve, reject) => {
      child.stderr!.setEncoding('utf8').on('data', (text: string) => {
        this.#log += text;
        if (this.#log.includes('listening on')) resolve();
      });
      child.on('exit', (code) => reject(new Error(`tcpdump ended with ${code}: ${this.#log}`)));
    });
  }

  async stop(): Promise<Segment[]> {
    await sleep(300); // the last packets are on their way to the file
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) {
      throw new Error(`tcpdump ended by itself: ${this.#log}`);
    }
    const exited = once(this.#child, 'exit');
    this.#child.kill('SIGINT');
    await exited;
    const segments = parsePcap(readFileSync(this.#scratch.file('pcap')));
    this.#scratch.remove();
    return segments;
  }
}

/** TCP segments with data of a little-endian pcap file of Ethernet frames (pcap-savefile(5)). */
function parsePcap(file: Buffer): Segment[] {
  const segments: Segment[] = [];
  for (let at = FILE_HEADER; at + PACKET_HEADER <= file.length;) {
    const length = file.readUInt32LE(at + 8);
    const segment = parseFrame(file.subarray(at + PACKET_HEADER, at + PACKET_HEADER + length));
    if (segment && segment.data.length > 0) segments.push(segment);
    at += PACKET_HEADER + length;
  }
  return segments;
}

function parseFrame(frame: Buffer): Segment | undefined {
  const type = frame.readUInt16BE(12);
  const ip = frame.subarray(ETHERNET_HEADER);
  if (type === ETHERTYPE_IPV4 && ip[9] === IPPROTO_TCP) {
    const header = (ip[0]! & 15) * 4;
    // Zero: a packet too large for the field, cut by the device only later.
    const total = ip.readUInt16BE(2) || ip.length;
    return parseTcp(ip.subarray(header, total));
  }
  if (type === ETHERTYPE_IPV6 && ip[6] === IPPROTO_TCP) {
    const payload = ip.readUInt16BE(4) || ip.length - IPV6_HEADER;
    return parseTcp(ip.subarray(IPV6_HEADER, IPV6_HEADER + payload));
  }
  return undefined;
}

function parseTcp(tcp: Buffer): Segment {
  return {
    sourcePort: tcp.readUInt16BE(0),
    targetPort: tcp.readUInt16BE(2),
    seq: tcp.readUInt32BE(4),
    data: tcp.subarray((tcp[12]! >> 4) * 4),
  };
}
