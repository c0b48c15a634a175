/** What can be kept in a UseOrder; both fields are the list's own. */
export interface Used<T> {
  newer: T | undefined;
  older: T | undefined;
}

/** A list in order of last use, linked through its entries. */
export class UseOrder<T extends Used<T>> {
  oldest: T | undefined = undefined;
  #newest: T | undefined = undefined;

  /** Puts an entry that is not in the list behind all others. */
  add(entry: T): void {
    entry.older = this.#newest;
    entry.newer = undefined;
    if (this.#newest) this.#newest.newer = entry;
    else this.oldest = entry;
    this.#newest = entry;
  }

  /** The entry is used now. */
  touch(entry: T): void {
    if (this.#newest === entry) return;
    this.remove(entry);
    this.add(entry);
  }

  remove(entry: T): void {
    const { newer, older } = entry;
    if (newer) newer.older = older;
    else if (this.#newest === entry) this.#newest = older;
    if (older) older.newer = newer;
    else if (this.oldest === entry) this.oldest = newer;
    entry.newer = entry.older = undefined;
  }
}
