import type { Connection } from '../connection/connection.ts';
import type { Reading } from '../connection/thread-table.ts';
import type { Id } from './frames.ts';
import type { Exchange, HopKey, Incomplete, Role, Sending } from './exchange.ts';

/** Of the record with a message's first byte. One object, filled anew for every message. */
export interface FirstByte {
  position: number;
  /** When it set out (enter of a send) and when its call was over. */
  startNs: number;
  timeNs: number;
  tgid: number;
  tid: number;
  processStartNs: number;
  turn: number;
  reason: Reading | undefined;
  flags: number;
}

/** The exchange that bytes belong to; several in the order of the bytes. */
export type Touched = LiveExchange | LiveExchange[] | undefined;

/** Who sends a response's first byte, and why. */
export function answerOf({ tid, turn, reason }: Pick<FirstByte, 'tid' | 'turn' | 'reason'>): Sending {
  return { tid, turn, reason, place: nextPlace(reason) };
}

/** How many requests and responses were sent before, because of the same. */
export function nextPlace(reason: Reading | undefined): number {
  return reason === undefined ? 0 : reason.sends++;
}

/** An exchange while it is open. */
export class LiveExchange implements Exchange {
  protocol: string;
  readonly role: Role;
  readonly connection: Connection;
  readonly tgid: number;
  readonly processStartNs: number;
  readonly tid: number;
  readonly turn: number;
  reason: Reading | undefined;
  readonly place: number;
  answer: Sending | undefined = undefined;
  startNs: number;
  endNs: number;
  readonly requestPosition: number;
  request: unknown;
  response: unknown = undefined;
  failure: string | undefined = undefined;
  incomplete: Incomplete | undefined = undefined;
  hop: HopKey | undefined;
  note: unknown = undefined;
  counted: unknown = undefined;
  /** The request's last byte was seen, or is not expected any more. */
  requestEnded = false;
  /** The response's last byte was seen. */
  answered = false;
  /** Requests before this one may have been lost. */
  afterDamage = false;
  /** Its response may take any time. */
  patient = false;
  /** Its response may never come, which is no failure. */
  optional = false;
  /** Nobody answers it: it ends with what its sender says. */
  told = false;
  /** What names it on its connection, where the protocol has ids. */
  id: Id = 0;

  constructor(
    protocol: string,
    role: Role,
    connection: Connection,
    first: FirstByte,
    request: unknown,
    hop: HopKey | undefined,
  ) {
    this.protocol = protocol;
    this.role = role;
    this.connection = connection;
    this.tgid = first.tgid;
    this.processStartNs = first.processStartNs;
    this.tid = first.tid;
    this.turn = first.turn;
    this.reason = first.reason;
    this.place = role === 'client' ? nextPlace(first.reason) : 0;
    this.startNs = role === 'client' ? first.startNs : first.timeNs;
    this.endNs = this.startNs;
    this.requestPosition = first.position;
    this.request = request;
    this.hop = hop;
  }
}
