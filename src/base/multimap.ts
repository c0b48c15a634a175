import { SlotMap } from './slot-map.ts';

/** A map to one or more values. Most keys have one, which costs no set; what many share is still found, added and deleted at once. */
export class Multimap<K, V extends object> {
  readonly #entries = new SlotMap<K, V | Set<V>>();

  /** Keys. */
  get size(): number {
    return this.#entries.size;
  }

  /** In the order in which they were added. */
  get(key: K): Iterable<V> {
    const found = this.#entries.get(key);
    if (found === undefined) return [];
    return found instanceof Set ? found : [found];
  }

  add(key: K, value: V): void {
    const found = this.#entries.get(key);
    if (found === undefined) this.#entries.set(key, value);
    else if (found instanceof Set) found.add(value);
    else if (found !== value) this.#entries.set(key, new Set([found, value]));
  }

  delete(key: K, value: V): void {
    const found = this.#entries.get(key);
    if (found instanceof Set) {
      found.delete(value);
      if (found.size === 0) this.#entries.delete(key);
    } else if (found === value) {
      this.#entries.delete(key);
    }
  }
}
