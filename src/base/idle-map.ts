/**
 * A map of what is busy now and then. An entry stays when it has become idle, since a map that all entries come into and leave again is dear (SlotMap
 * says why), until there are too many: then those that are idle are forgotten.
 */
export class IdleMap<K, V> {
  #entries = new Map<K, V>();
  #most: number;
  readonly #least: number;
  readonly #isIdle: (value: V) => boolean;

  /** `least`: so many entries are kept at least. */
  constructor(least: number, isIdle: (value: V) => boolean) {
    this.#least = this.#most = least;
    this.#isIdle = isIdle;
  }

  get(key: K): V | undefined {
    return this.#entries.get(key);
  }

  has(key: K): boolean {
    return this.#entries.has(key);
  }

  set(key: K, value: V): void {
    if (this.#entries.size >= this.#most) this.#forgetIdle();
    this.#entries.set(key, value);
  }

  [Symbol.iterator](): IterableIterator<[K, V]> {
    return this.#entries[Symbol.iterator]();
  }

  #forgetIdle(): void {
    this.#entries = new Map([...this.#entries].filter(([, value]) => !this.#isIdle(value)));
    this.#most = Math.max(this.#least, 2 * this.#entries.size);
  }
}
