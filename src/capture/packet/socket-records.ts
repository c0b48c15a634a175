import { RecordBatch } from '../record-batch.ts';
import { DataRecord, Direction, Event, Flag, PositionKind } from '../records.gen.ts';
import type { Endpoint } from './endpoint.ts';
import { TCP } from './ip.ts';
import { START_NS } from './servers.ts';

const AF_INET = 2;
const AF_INET6 = 10;
const SOCK_STREAM = 1;
const SOCK_DGRAM = 2;
const TCP_ESTABLISHED = 1;
const TCP_CLOSE = 7;
/** Apart by what a socket table folds addresses by. */
const SOCK_STEP = 2048;
const NO_DESCRIPTOR = 0xffffffff;
const ECONNRESET = 104;

/** What identifies the accepting end of one conversation. */
export interface Identity {
  readonly server: Endpoint;
  readonly client: Endpoint;
  readonly protocol: number;
  /** Of the conversation in the file, from 1: makes its socket, inode and thread unlike all others. */
  readonly ordinal: number;
  readonly tgid: number;
}

/** Writes the records that the kernel side would write of the accepting end of a conversation. */
export class SocketRecords {
  /** Absolute sequence numbers of the first data bytes sent and received; 0 while they are not known. */
  txFirst = 0;
  rxFirst = 0;
  readonly #batch: RecordBatch;
  readonly #template: Uint8Array;
  readonly #positionKind: number;

  constructor(batch: RecordBatch, { server, client, protocol, ordinal, tgid }: Identity) {
    const tcp = protocol === TCP;
    this.#batch = batch;
    this.#positionKind = tcp ? PositionKind.tcp : PositionKind.datagram;
    this.#template = new RecordBatch(DataRecord.SIZE)
      .add('data', {
        ...{ flags: Flag.accepted, start_ns: START_NS, tgid, tid: ordinal },
        ...{ sock: ordinal * SOCK_STEP, inode: ordinal, netns: 1 },
        ...{ family: isV4(server.address) ? AF_INET : AF_INET6, protocol },
        ...{ sock_type: tcp ? SOCK_STREAM : SOCK_DGRAM, tcp_state: tcp ? TCP_ESTABLISHED : 0 },
        ...{ local: server.address, remote: client.address },
        ...{ local_port: server.port, remote_port: client.port },
      })
      .take();
  }

  /** Bytes that crossed; `flags` beyond what follows from the lengths. */
  data(
    direction: number,
    position: number,
    bytes: Uint8Array,
    length: number,
    timeNs: number,
    flags = 0,
  ): void {
    const truncated = bytes.length < length ? Flag.truncated : 0;
    // One literal without spreads: this is made for every segment.
    const fields = {
      flags: Flag.accepted | truncated | flags,
      time_ns: timeNs,
      direction,
      position,
      length,
      position_kind: this.#positionKind,
      result: length,
      enter_ns: direction === Direction.send ? timeNs : 0,
      tx_first: this.txFirst,
      rx_first: this.rxFirst,
    };
    this.#batch.add('data', fields, bytes, this.#template);
  }

  accepted(timeNs: number): void {
    this.#event(Event.accept, timeNs);
  }

  /** No more is sent. */
  shutdown(timeNs: number): void {
    this.#event(Event.shutdown, timeNs);
  }

  /** The connection is over; the positions behind the last bytes. */
  destroyed(timeNs: number, reset: boolean, sent: number, received: number): void {
    const ends = new Uint8Array(Uint32Array.of(sent, received).buffer);
    const result = reset ? -ECONNRESET : 0;
    this.#event(Event.destroyed, timeNs, { tcp_state: TCP_CLOSE, result }, ends);
  }

  #event(event: number, timeNs: number, fields: object = {}, payload?: Uint8Array): void {
    const firsts = { tx_first: this.txFirst, rx_first: this.rxFirst };
    this.#batch.add(
      'connection',
      { event, time_ns: timeNs, fd: NO_DESCRIPTOR, ...firsts, ...fields },
      payload,
      this.#template,
    );
  }
}

function isV4(address: Uint8Array): boolean {
  return address[10] === 0xff && address[11] === 0xff && address.subarray(0, 10).every((byte) => byte === 0);
}
