import type { Connection } from '../../connection/connection.ts';
import type { Reading } from '../../connection/thread-table.ts';
import type { Role, Sending } from '../../decode/exchange.ts';
import type { Serving } from '../serving.ts';
import type { Pending } from '../pending.ts';

/** Something that a process sends: the request of a client, or the response of a server. */
export interface Sent extends Sending {
  tid: number;
  turn: number;
  reason: Reading | undefined;
  place: number;
  connection: Connection;
  role: Role;
}

/** A thread that was woken because a response had come. */
export interface Woken {
  tid: number;
  turn: number;
}

/** One way of telling for whom a process sends something. */
export interface Rule {
  /** What `undertrace.link.method` says. */
  readonly name: string;
  /** The request that was being served; undefined where the rule has nothing to say. `serving`: what the process serves. */
  originOf?(sent: Sent, serving: Serving): Pending | undefined;
  /** The request for which the call was made whose response has led to this. */
  originOfWoken?(woken: Woken, serving: Serving): Pending | undefined;
}
