/** Packets and capture files made by hand, and what a replay makes of such a file. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Ledger } from '../../src/base/ledger.ts';
import { CapturedFile } from '../../src/capture/captured-file.ts';
import type { Span } from '../../src/link/span.ts';
import { Pipeline } from '../../src/pipeline.ts';
import { DEFAULTS } from './defaults.ts';

export const LINK = { null: 0, ethernet: 1, raw: 101, loop: 108, sll: 113, ipv4: 228, ipv6: 229, sll2: 276 };

/** A packet of a file: from the link layer on, with Unix time. */
export interface Timed {
  seconds: number;
  nanoseconds: number;
  bytes: Buffer;
  /** Bytes on the wire, where fewer were captured. */
  length?: number;
}

/** 16-bit numbers, in network order. */
export function u16(...values: number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 2);
  values.forEach((value, i) => bytes.writeUInt16BE(value & 0xffff, i * 2));
  return bytes;
}

/** 32-bit numbers, in network order. */
export function u32(...values: number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4);
  values.forEach((value, i) => bytes.writeUInt32BE(value >>> 0, i * 4));
  return bytes;
}

export function v4(
  source: string,
  target: string,
  protocol: number,
  payload: Buffer,
  options: V4 = {},
): Buffer {
  const extra = options.options ?? Buffer.alloc(0);
  const header = 20 + extra.length;
  const fragment = ((options.more ?? false) ? 0x2000 : 0) | ((options.offset ?? 0) / 8);
  const address = (text: string): Buffer => Buffer.from(text.split('.').map(Number));
  return Buffer.concat([
    Buffer.of(0x40 | (header / 4), 0),
    u16(options.total ?? header + payload.length, options.id ?? 0, fragment),
    Buffer.of(64, protocol, 0, 0),
    ...[address(source), address(target), extra, payload],
  ]);
}
export interface V4 {
  id?: number;
  offset?: number;
  more?: boolean;
  options?: Buffer;
  /** Of the header, where it is not the packet's. */
  total?: number;
}

/** `source` and `target` are 16 bytes; `next` is the first header's number where `payload` begins with extension headers. */
export function v6(source: Buffer, target: Buffer, next: number, payload: Buffer): Buffer {
  return Buffer.concat([u32(0x60000000), u16(payload.length), Buffer.of(next, 64), source, target, payload]);
}

export const FLAGS = { fin: 1, syn: 2, rst: 4, ack: 16 };

export function tcp(
  ports: [number, number],
  seq: number,
  ack: number,
  flags: number,
  data = Buffer.alloc(0),
): Buffer {
  return Buffer.concat([u16(...ports), u32(seq, ack), Buffer.of(0x50, flags), u16(0xffff, 0, 0), data]);
}

export function udp(ports: [number, number], data: Buffer): Buffer {
  return Buffer.concat([u16(...ports, 8 + data.length, 0), data]);
}

export function ethernet(type: number, payload: Buffer, tags: number[] = []): Buffer {
  return Buffer.concat([Buffer.alloc(12, 2), ...tags.map((tag) => u16(tag, 7)), u16(type), payload]);
}

export interface TalkOptions {
  client?: [string, number];
  server?: [string, number];
  clientFirst?: number;
  serverFirst?: number;
  startMs?: number;
}

const EPOCH = 1_750_000_000;
let talks = 0;

/** A TCP connection over IPv4 with first sequence numbers of its own, a packet a call, a millisecond apart; sequence numbers are counted. `packets` holds raw IP. */
export class Talk {
  readonly packets: Timed[] = [];
  ms: number;
  clientNext: number;
  serverNext: number;
  readonly #client: [string, number];
  readonly #server: [string, number];

  constructor(options: TalkOptions = {}) {
    this.#client = options.client ?? ['10.0.0.1', 45_678];
    this.#server = options.server ?? ['10.0.0.2', 8080];
    this.clientNext = options.clientFirst ?? 1000 + 100_000 * ++talks;
    this.serverNext = options.serverFirst ?? 5000 + 100_000 * talks;
    this.ms = options.startMs ?? 0;
  }

  handshake(): this {
    this.clientNext--;
    this.serverNext--;
    this.packet(true, FLAGS.syn);
    this.clientNext++;
    this.packet(false, FLAGS.syn | FLAGS.ack);
    this.serverNext++;
    return this.packet(true, FLAGS.ack);
  }

  client(data: string | Buffer, flags = 0): this {
    return this.#say(true, data, flags);
  }

  server(data: string | Buffer, flags = 0): this {
    return this.#say(false, data, flags);
  }

  /** Both ends close, the client first. */
  close(): this {
    return this.client('', FLAGS.fin).server('', FLAGS.fin).packet(true, FLAGS.ack);
  }

  get(target: string): this {
    return this.client(`GET ${target} HTTP/1.1\r\nHost: shop\r\n\r\n`);
  }

  ok(body: string): this {
    return this.server(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
  }

  /** A packet at the current place, which does not move. */
  packet(fromClient: boolean, flags: number, data = Buffer.alloc(0)): this {
    const [own, other] = fromClient ? [this.#client, this.#server] : [this.#server, this.#client];
    const seq = fromClient ? this.clientNext : this.serverNext;
    const acked = fromClient ? this.serverNext : this.clientNext;
    const ack = flags === FLAGS.syn ? 0 : acked;
    this.ms++;
    this.packets.push({
      ...at(this.ms),
      bytes: v4(own[0], other[0], 6, tcp([own[1], other[1]], seq, ack, flags, data)),
    });
    return this;
  }

  #say(fromClient: boolean, data: string | Buffer, flags: number): this {
    const bytes = Buffer.from(data);
    this.packet(fromClient, FLAGS.ack | flags, bytes);
    const more = bytes.length + (flags & FLAGS.fin);
    if (fromClient) this.clientNext = (this.clientNext + more) >>> 0;
    else this.serverNext = (this.serverNext + more) >>> 0;
    return this;
  }
}

/** So many milliseconds after the beginning of all captures here. */
export function at(ms: number): { seconds: number; nanoseconds: number } {
  const seconds = Math.floor(ms / 1000);
  return { seconds: EPOCH + seconds, nanoseconds: Math.round((ms - seconds * 1000) * 1e6) };
}

/** Cuts packets as a snapshot length does. */
export function snapped(packets: readonly Timed[], limit: number): Timed[] {
  return packets.map((packet) => ({
    ...packet,
    bytes: packet.bytes.subarray(0, limit),
    length: packet.bytes.length,
  }));
}

export interface PcapOptions {
  linkType?: number;
  bigEndian?: boolean;
  nanoseconds?: boolean;
}

/** pcap-savefile(5). */
export function pcap(packets: readonly Timed[], options: PcapOptions = {}): Buffer {
  const write = numbers(options.bigEndian === true);
  const magic = options.nanoseconds === true ? 0xa1b23c4d : 0xa1b2c3d4;
  const unit = options.nanoseconds === true ? 1 : 1000;
  const parts = [write.u32(magic), write.u16(2, 4), write.u32(0, 0, 262_144, options.linkType ?? LINK.raw)];
  for (const { seconds, nanoseconds, bytes, length } of packets) {
    parts.push(
      write.u32(seconds, Math.floor(nanoseconds / unit), bytes.length, length ?? bytes.length),
      bytes,
    );
  }
  return Buffer.concat(parts);
}

/** Writers of numbers in either byte order. */
export function numbers(bigEndian: boolean) {
  const swap = (bytes: Buffer, width: 2 | 4): Buffer =>
    bigEndian ? bytes : width === 2 ? bytes.swap16() : bytes.swap32();
  return {
    u16: (...values: number[]) => swap(u16(...values), 2),
    u32: (...values: number[]) => swap(u32(...values), 4),
  };
}

export interface Replayed {
  spans: Span[];
  remarks: string[];
  ledger: Ledger;
}

/** The whole pipeline on a file's bytes. The books must balance. */
export async function replayBytes(bytes: Buffer): Promise<Replayed> {
  const folder = mkdtempSync(path.join(tmpdir(), 'undertrace-packets-'));
  try {
    const file = path.join(folder, 'capture');
    writeFileSync(file, bytes);
    return await replayFile(file);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The whole pipeline on a file. The books must balance. */
export async function replayFile(file: string): Promise<Replayed> {
  const ledger = new Ledger();
  const spans: Span[] = [];
  const onTrace = (trace: Span[]): void => {
    ledger.spans.out += trace.length;
    spans.push(...trace);
  };
  const pipeline = new Pipeline({ receiver: DEFAULTS, ledger, onTrace });
  const captured = new CapturedFile(file);
  for await (const batch of captured.batches()) pipeline.process(batch);
  pipeline.finish();
  const imbalances = ledger.imbalances();
  if (imbalances.length > 0) throw new Error(`books do not balance: ${JSON.stringify(imbalances)}`);
  return { spans, remarks: captured.remarks, ledger };
}

/** `GET /a 200`, and what is the matter with it, in order of the starts. */
export function summary(spans: readonly Span[]): string[] {
  return [...spans]
    .sort((a, b) => a.startTime[0] - b.startTime[0] || a.startTime[1] - b.startTime[1])
    .map(({ attributes }) =>
      [
        attributes['http.request.method'],
        attributes['url.path'],
        attributes['http.response.status_code'],
        attributes['error.type'],
        attributes['undertrace.exchange.incomplete'],
      ]
        .filter((part) => part !== undefined)
        .join(' '),
    );
}
