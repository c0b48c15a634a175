/** What can be kept in a SocketMap. */
export interface BySocket<T> {
  readonly sock: number;
  /** Another one of the same place in the map; the map's own. */
  chained: T | undefined;
}

/**
 * By the kernel address of a socket. A Map's key beyond 32 bits is an object of its own, hashed by a call out of compiled code; a fold of the
 * address is not, and what shares a fold is chained.
 */
export class SocketMap<T extends BySocket<T>> {
  readonly #map = new Map<number, T>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(sock: number): T | undefined {
    let found = this.#map.get(fold(sock));
    while (found !== undefined && found.sock !== sock) found = found.chained;
    return found;
  }

  /** There must be none of this address. */
  add(entry: T): void {
    const key = fold(entry.sock);
    entry.chained = this.#map.get(key);
    this.#map.set(key, entry);
    this.#size++;
  }

  /** Removes this very entry, if it is there. */
  delete(entry: T): void {
    const key = fold(entry.sock);
    let before = this.#map.get(key);
    if (before === entry) {
      if (entry.chained === undefined) this.#map.delete(key);
      else this.#map.set(key, entry.chained);
    } else {
      while (before !== undefined && before.chained !== entry) before = before.chained;
      if (before === undefined) return;
      before.chained = entry.chained;
    }
    entry.chained = undefined;
    this.#size--;
  }
}

/** 32 bits above the lowest 11, which a number has no room for in an address of 64 bits. */
function fold(sock: number): number {
  return (sock / 2048) | 0;
}
