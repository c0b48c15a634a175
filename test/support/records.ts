/**
 * Writes drained buffers as the border hands them out, for tests and benches: records of every kind, and `TestEnd`, one end of a connection
 * that keeps its own positions and times.
 */
import { RecordBatch, type RecordFields, type RecordName } from '../../src/capture/record-batch.ts';
import { Direction, Event, Flag, PositionKind } from '../../src/capture/records.gen.ts';

export type Fields<K extends RecordName> = RecordFields<K>;

/** A batch of records with a clock of its own. */
export class RecordWriter extends RecordBatch {
  /** Time of the last record; records without `time_ns` are one microsecond apart. */
  nowNs: number;

  constructor(startNs = 1_000_000_000) {
    super();
    this.nowNs = startNs;
  }

  /** As RecordBatch.add; a missing `time_ns` is filled in, too. */
  override add<K extends RecordName>(
    kind: K,
    fields: Fields<K>,
    payload: Uint8Array | string = '',
    template?: Uint8Array,
  ): this {
    const bytes = typeof payload === 'string' ? Buffer.from(payload) : payload;
    if ('time_ns' in fields) return super.add(kind, fields, bytes, template);
    this.nowNs += 1000;
    return super.add(kind, { time_ns: this.nowNs, ...fields }, bytes, template);
  }

  /** The end of a drain: a clock record at `nowNs`. Unix time is the monotonic time plus 1,700,000,000 s. */
  clock(nowNs = this.nowNs + 1000): this {
    this.nowNs = nowNs;
    const seconds = Math.floor(nowNs / 1e9);
    return this.add('clock', {
      time_ns: nowNs,
      boottime_ns: nowNs,
      realtime_s: 1_700_000_000 + seconds,
      realtime_ns: nowNs - seconds * 1e9,
    });
  }
}

/** An IPv4 address as records carry it. */
export function ipv4(text: string): Uint8Array {
  const bytes = new Uint8Array(16);
  bytes[10] = bytes[11] = 0xff;
  bytes.set(text.split('.').map(Number), 12);
  return bytes;
}

export interface TestEndOptions {
  /** The accepting end. */
  accepted?: boolean;
  transport?: 'tcp' | 'udp' | 'unix';
  sock?: number;
  inode?: number;
  peer?: number;
  tgid?: number;
  tid?: number;
  localPort?: number;
  remotePort?: number;
  local?: Uint8Array;
  remote?: Uint8Array;
  txFirst?: number;
  rxFirst?: number;
  /** Where the counts of both directions stand at the first record. */
  txPosition?: number;
  rxPosition?: number;
}

/** What one data call is to look like beyond its bytes. */
export interface CallOptions {
  /** Payload bytes that were captured, when less than all. */
  captured?: number;
  /** Further bytes of the call that have no payload. */
  beyond?: number;
  flags?: number;
  timeNs?: number;
  enterNs?: number;
  /** Overrides the counted position (which then goes on from here). */
  position?: number;
  fields?: Fields<'data'>;
}

let nextSock = 0xffff888000001000;

/** A connection over loopback from port 40000 to port 80, or a nameless unix stream pair. */
function defaults(unix: boolean, accepted: boolean) {
  const address = unix ? new Uint8Array(16) : ipv4('127.0.0.1');
  const [client, server] = unix ? [0, 0] : [40000, 80];
  return {
    ...{ accepted, sock: (nextSock += 4096), peer: 0, tgid: 100, local: address, remote: address },
    ...{ localPort: accepted ? server : client, remotePort: accepted ? client : server },
    ...{ txFirst: accepted ? 7000 : 3000, rxFirst: accepted ? 3000 : 7000 },
    ...{ txPosition: 0, rxPosition: 0 },
  };
}

function inodeOf(sock: number): number {
  return Math.floor((sock / 4096) % 1e6) + 1000;
}

/** One end of a connection. Every call writes one record to the writer. */
export class TestEnd {
  readonly sock: number;
  readonly inode: number;
  txPosition: number;
  rxPosition: number;
  readonly writer: RecordWriter;
  readonly #base: Fields<'data'>;
  readonly #template: Uint8Array;
  readonly #flags: number;
  readonly #kind: number;

  constructor(writer: RecordWriter, options: TestEndOptions = {}) {
    const unix = options.transport === 'unix';
    const all = { ...defaults(unix, options.accepted === true), ...options };
    this.writer = writer;
    this.sock = all.sock;
    this.inode = options.inode ?? inodeOf(this.sock);
    if (unix) {
      all.txFirst = this.inode;
      all.rxFirst = options.rxFirst ?? (all.peer === 0 ? 0 : inodeOf(all.peer));
    }
    this.txPosition = all.txPosition;
    this.rxPosition = all.rxPosition;
    this.#flags = (all.accepted ? Flag.accepted : 0) | (unix ? Flag.fresh : 0);
    const udp = options.transport === 'udp';
    this.#kind = unix ? PositionKind.counter : udp ? PositionKind.datagram : PositionKind.tcp;
    this.#base = {
      ...{ sock: this.sock, inode: this.inode, peer: all.peer, netns: 4026531840 },
      ...{
        family: unix ? 1 : 2,
        sock_type: udp ? 2 : 1,
        protocol: unix ? 0 : udp ? 17 : 6,
        tcp_state: unix ? 0 : 1,
      },
      ...{ tgid: all.tgid, tid: options.tid ?? all.tgid, start_ns: 5_000_000_000 },
      ...{ local: all.local, remote: all.remote, local_port: all.localPort, remote_port: all.remotePort },
      ...{ tx_first: all.txFirst, rx_first: all.rxFirst },
    };
    this.#template = new RecordWriter().add('data', this.#base).take();
  }

  send(payload: Uint8Array | string, options: CallOptions = {}): this {
    return this.#call(Direction.send, payload, options);
  }

  receive(payload: Uint8Array | string, options: CallOptions = {}): this {
    return this.#call(Direction.receive, payload, options);
  }

  /** Bytes that crossed without any record: a hole. */
  lose(direction: 'send' | 'receive', length: number): this {
    if (direction === 'send') this.txPosition += length;
    else this.rxPosition += length;
    return this;
  }

  event(event: keyof typeof Event, fields: Fields<'connection'> = {}, name = ''): this {
    const ends = event === 'close' || event === 'destroyed';
    this.writer.add(
      'connection',
      {
        ...this.#base,
        flags: this.#flags,
        event: Event[event],
        ...fields,
      },
      ends ? new Uint8Array(Uint32Array.of(this.txPosition, this.rxPosition).buffer) : name,
    );
    return this;
  }

  /** What the agent reads from the kernel about a run that is summed up there. */
  elision(direction: 'send' | 'receive', length: number, fields: Fields<'elision'> = {}): this {
    const gap = this.elide(direction, length);
    this.writer.add('elision', { sock: this.sock, inode: this.inode, ...gap, ...fields });
    return this;
  }

  /** Bytes that crossed and were summed up in the kernel: the gap fields that the next record of this end carries. */
  elide(direction: 'send' | 'receive', length: number, records = 1, gapNs = (this.writer.nowNs += 1000)) {
    const start = direction === 'send' ? this.txPosition : this.rxPosition;
    this.lose(direction, length);
    return {
      gap_start: start,
      gap_end: start + length,
      gap_ns: gapNs,
      gap_records: records,
      gap_direction: Direction[direction],
    };
  }

  #call(direction: number, payload: Uint8Array | string, options: CallOptions): this {
    const bytes = typeof payload === 'string' ? Buffer.from(payload, 'latin1') : payload;
    const send = direction === Direction.send;
    const captured = options.captured ?? bytes.length;
    const length = bytes.length + (options.beyond ?? 0);
    const position = options.position ?? (send ? this.txPosition : this.rxPosition);
    const timeNs = options.timeNs ?? (this.writer.nowNs += 1000);
    this.writer.add(
      'data',
      {
        flags: this.#flags | (captured < length ? Flag.truncated : 0) | (options.flags ?? 0),
        ...{ time_ns: timeNs, direction, length, position, position_kind: this.#kind, result: length },
        enter_ns: send ? (options.enterNs ?? timeNs - 400) : 0,
        ...options.fields,
      },
      bytes.subarray(0, captured),
      this.#template,
    );
    if (send) this.txPosition = position + length;
    else this.rxPosition = position + length;
    return this;
  }
}
