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
  readonly #hops = new Map<number, Hop>();
  /** Hops one end of which has left, by the time they are forgotten. */
  #fading: Hop[] = [];
  #fadingHead = 0;

  constructor(max: number = DEFAULT_MAX, keepNs: number = DEFAULT_KEEP_NS) {
    this.#max = max;
    this.#keepNs = keepNs;
  }

  get size(): number {
    return this.#hops.size;
  }

  /** Puts an exchange at its end of its hop; undefined when that end is taken. */
  join(pending: Pending, nowNs: number): Hop | undefined {
    const { hop: key, role } = pending.exchange;
    if (key === undefined) return undefined;
    const mapKey = foldKey(key.high, key.low);
    let hop = this.#hops.get(mapKey);
    if (hop === undefined) {
      if (this.#hops.size >= this.#max) this.#evict(nowNs);
      hop = new Hop(key, mapKey);
      this.#hops.set(mapKey, hop);
    } else if (hop.key.high !== key.high || hop.key.low !== key.low || hop.key.kind !== key.kind) {
      this.duplicates++;
      return undefined;
    }
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
    if (hop.clientLeft !== undefined && hop.serverLeft) this.#delete(hop);
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
      if (client ? !hop.serverLeft : hop.clientLeft === undefined) {
        if (client) group.loneClients--;
        else group.loneServers--;
      }
      this.#delete(hop);
    } else if (client) {
      // The span of the lost client will never be sent, so it is nobody's parent.
      hop.clientLeft = 'dropped';
    } else {
      hop.serverLeft = true;
    }
  }

  /** Forgets what has been kept long enough. */
  clock(nowNs: number): void {
    for (let hop = this.#fading[this.#fadingHead]; hop !== undefined; hop = this.#fading[this.#fadingHead]) {
      if (hop.expiresNs > nowNs) return;
      this.#unfade();
      if (hop.client === undefined && hop.server === undefined) this.#delete(hop);
    }
  }

  #fade(hop: Hop, nowNs: number): void {
    hop.expiresNs = nowNs + this.#keepNs;
    this.#fading.push(hop);
  }

  #unfade(): void {
    this.#fadingHead++;
    if (this.#fadingHead === this.#fading.length || this.#fadingHead >= 8192) {
      this.#fading = this.#fading.slice(this.#fadingHead);
      this.#fadingHead = 0;
    }
  }

  #delete(hop: Hop): void {
    if (this.#hops.get(hop.mapKey) === hop) this.#hops.delete(hop.mapKey);
  }

  #evict(nowNs: number): void {
    const fading = this.#fading[this.#fadingHead];
    if (fading !== undefined) {
      this.#unfade();
      if (this.#hops.get(fading.mapKey) !== fading) return this.#evict(nowNs);
      this.evicted++;
      this.#delete(fading);
      return;
    }
    for (const hop of this.#hops.values()) {
      this.evicted++;
      this.#delete(hop);
      return;
    }
  }
}

/** 53 of the key's 64 bits; a map's keys are numbers, and the whole key is compared afterwards. */
function foldKey(high: number, low: number): number {
  return high * 0x200000 + ((low ^ (low >>> 11)) & 0x1fffff);
}
