/**
 * A map, in the order of insertion, for values that come and go all the time.
 *
 * A Map that is written to and deleted from moves to a new table again and again, and V8 lets each table that was left point to the one after it. Once
 * a full collection has found one of them alive, it and all that follow, with every value that they held when they were left, survive the collections of
 * the young generation until the next full one: two thirds of what the agent allocates did. Here tables hold numbers, and the values are in
 * slots that are emptied and used again.
 */
export class SlotMap<K, V extends object> {
  readonly #slotOf = new Map<K, number>();
  readonly #values: Array<V | undefined> = [];
  readonly #free: number[] = [];

  get size(): number {
    return this.#slotOf.size;
  }

  /** What was inserted first. */
  get oldest(): V | undefined {
    const { done, value } = this.#slotOf.values().next();
    return done === true ? undefined : this.#values[value];
  }

  get(key: K): V | undefined {
    const slot = this.#slotOf.get(key);
    return slot === undefined ? undefined : this.#values[slot];
  }

  /** A key that is there keeps its place in the order. */
  set(key: K, value: V): void {
    let slot = this.#slotOf.get(key);
    if (slot === undefined) {
      slot = this.#free.pop() ?? this.#values.length;
      this.#slotOf.set(key, slot);
    }
    this.#values[slot] = value;
  }

  /** False if it was not there. */
  delete(key: K): boolean {
    const slot = this.#slotOf.get(key);
    if (slot === undefined) return false;
    this.#slotOf.delete(key);
    this.#values[slot] = undefined;
    this.#free.push(slot);
    return true;
  }

  /** As of a Map, what is deleted meanwhile is left out, and what is added meanwhile comes last. */
  *values(): IterableIterator<V> {
    for (const slot of this.#slotOf.values()) yield this.#values[slot]!;
  }

  *entries(): IterableIterator<[K, V]> {
    for (const [key, slot] of this.#slotOf) yield [key, this.#values[slot]!];
  }
}
