import { Fifo } from '../base/fifo.ts';
import { ChainedTable } from '../base/chained-table.ts';
import type { HopKey } from '../decode/exchange.ts';
import { type Group, Hop, type Pending } from './pending.ts';

const DEFAULT_MAX = 65_536;
const DEFAULT_KEEP_NS = 2_000_000_000;

/**
 * Hops by key, bounded in number and time. A hop is here from the first of its ends being opened until both have left, or until
 * `keepNs` after the only one has: so an end whose records come late still finds the other's ids.
 */
export class HopMap {
  /** Hops that made room for newer ones while an end of them could still have come. */
  evicted = 0;
  /** Exchanges with the hop key of another one at the same end; they get ids of their own. */
  duplicates = 0;
  readonly #max: number;
  readonly #keepNs: number;
  readonly #hops = new ChainedTable<Hop>();
  /** Hops one end of which has left, by the time they are forgotten. */
  readonly #fading = new Fifo<Hop>();

  constructor(max: number = DEFAULT_MAX, keepNs: number = DEFAULT_KEEP_NS) {
    this.#max = max;
    this.#keepNs = keepNs;
  }

  get size(): number {
    return this.#hops.size;
  }

  /** Puts an exchange at its end of its hop; undefined when that end is taken. */
  join(pending: Pending): Hop | undefined {
    const { hop: key, role } = pending.exchange;
    if (key === undefined) return undefined;
    const hash = foldKey(key.high, key.low);
    let hop = this.#hops.first(hash);
    while (hop !== undefined && !sameKey(hop.key, key)) hop = hop.chained;
    if (hop === undefined) hop = this.#add(key, hash);
    const taken =
      role === 'client'
        ? hop.client !== undefined || hop.clientLeft !== undefined
        : hop.server !== undefined || hop.serverLeft;
    if (taken) {
      this.duplicates++;
      return undefined;
    }
    if (role === 'client') hop.client = pending;
    else hop.server = pending;
    return hop;
  }

  /** The span of an end has left. */
  left(hop: Hop, pending: Pending, nowNs: number): void {
    if (pending.exchange.role === 'client') {
      hop.client = undefined;
      hop.clientLeft = pending.dropped ? 'dropped' : pending.placement!.context;
    } else {
      hop.server = undefined;
      hop.serverLeft = true;
    }
    if (hop.clientLeft !== undefined && hop.serverLeft) this.#hops.delete(hop);
    else if (hop.client === undefined && hop.server === undefined) this.#fade(hop, nowNs);
    // Else the other end is still here, and ends the hop when it leaves.
  }

  /** An end was lost while open: the other one, if any, waits for it no more. */
  forget(hop: Hop, pending: Pending, group: Group): void {
    const client = pending.exchange.role === 'client';
    const other = client ? hop.server : hop.client;
    if (client) hop.client = undefined;
    else hop.server = undefined;
    if (other === undefined) {
      if (client ? !hop.serverLeft : hop.clientLeft === undefined && hop.remote === undefined) {
        if (client) group.loneClients--;
        else group.loneServers--;
      }
      this.#hops.delete(hop);
    } else if (client) {
      // The span of the lost client will never be sent, so it is nobody's parent.
      hop.clientLeft = 'dropped';
    } else {
      hop.serverLeft = true;
    }
  }

  /** Forgets what has been kept long enough. */
  clock(nowNs: number): void {
    for (let hop = this.#fading.first; hop !== undefined; hop = this.#fading.first) {
      if (hop.expiresNs > nowNs) return;
      this.#fading.shift();
      if (hop.client === undefined && hop.server === undefined) this.#hops.delete(hop);
    }
  }

  #add(key: HopKey, hash: number): Hop {
    if (this.#hops.size >= this.#max) this.#evict();
    const hop = new Hop(key, hash);
    this.#hops.add(hop);
    return hop;
  }

  #fade(hop: Hop, nowNs: number): void {
    hop.expiresNs = nowNs + this.#keepNs;
    this.#fading.push(hop);
  }

  #evict(): void {
    this.evicted++;
    for (let hop = this.#fading.shift(); hop !== undefined; hop = this.#fading.shift()) {
      if (this.#hops.delete(hop)) return; // else deleted when its other end left
    }
    this.#hops.delete(this.#hops.any()!);
  }
}

function foldKey(high: number, low: number): number {
  return (high ^ Math.imul(low, 0x9e3779b1)) | 0;
}

function sameKey(one: HopKey, other: HopKey): boolean {
  return one.high === other.high && one.low === other.low && one.kind === other.kind;
}
