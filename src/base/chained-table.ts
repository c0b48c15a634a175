/** What can be kept in a ChainedTable. */
export interface Chained<T> {
  /** 32 bits with a sign: a larger number would be an object of its own. Several entries may have one. */
  readonly hash: number;
  /** The next one of its bucket; the table's own. */
  chained: T | undefined;
}

/** A power of two. */
const LEAST_BUCKETS = 64;
/** 2^32 by the golden ratio: spreads hashes that differ in few bits. */
const SPREAD = 0x9e3779b1;

/**
 * A hash table of entries that come and go all the time, chained through themselves. It grows and never shrinks, so that nothing is allocated where as
 * many come as go; whoever looks for an entry compares what it is known by. For why this is no Map see SlotMap.
 */
export class ChainedTable<T extends Chained<T>> {
  #buckets = new Array<T | undefined>(LEAST_BUCKETS).fill(undefined);
  #shift = Math.clz32(LEAST_BUCKETS - 1);
  #size = 0;
  /** The bucket from which `any` looks. */
  #hand = 0;

  get size(): number {
    return this.#size;
  }

  /** The first of those among which are all that have this hash; the others follow by `chained`. */
  first(hash: number): T | undefined {
    return this.#buckets[Math.imul(hash, SPREAD) >>> this.#shift];
  }

  add(entry: T): void {
    if (this.#size >= this.#buckets.length) this.#grow();
    this.#put(entry);
    this.#size++;
  }

  /** Removes this very entry; false if it is not there. */
  delete(entry: T): boolean {
    const bucket = Math.imul(entry.hash, SPREAD) >>> this.#shift;
    let before = this.#buckets[bucket];
    if (before === entry) {
      this.#buckets[bucket] = entry.chained;
    } else {
      while (before !== undefined && before.chained !== entry) before = before.chained;
      if (before === undefined) return false;
      before.chained = entry.chained;
    }
    entry.chained = undefined;
    this.#size--;
    return true;
  }

  /** One of them, another one each time as far as there are others. */
  any(): T | undefined {
    for (let looked = 0; looked < this.#buckets.length; looked++) {
      this.#hand = (this.#hand + 1) % this.#buckets.length;
      const found = this.#buckets[this.#hand];
      if (found !== undefined) return found;
    }
    return undefined;
  }

  #put(entry: T): void {
    const bucket = Math.imul(entry.hash, SPREAD) >>> this.#shift;
    entry.chained = this.#buckets[bucket];
    this.#buckets[bucket] = entry;
  }

  #grow(): void {
    const before = this.#buckets;
    this.#buckets = new Array<T | undefined>(2 * before.length).fill(undefined);
    this.#shift--;
    for (const first of before) {
      for (let entry = first; entry !== undefined;) {
        const next = entry.chained;
        this.#put(entry);
        entry = next;
      }
    }
  }
}
