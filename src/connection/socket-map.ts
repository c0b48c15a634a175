import { type Chained, ChainedTable } from '../base/chained-table.ts';

/** What can be kept in a SocketMap; its hash is `foldSocket` of `sock`. */
export interface BySocket<T> extends Chained<T> {
  readonly sock: number;
}

/** By the kernel address of a socket, which is too large a number to be the key of a Map that is looked into for every record. */
export class SocketMap<T extends BySocket<T>> {
  readonly #table = new ChainedTable<T>();

  get size(): number {
    return this.#table.size;
  }

  get(sock: number): T | undefined {
    let found = this.#table.first(foldSocket(sock));
    while (found !== undefined && found.sock !== sock) found = found.chained;
    return found;
  }

  /** There must be none of this address. */
  add(entry: T): void {
    this.#table.add(entry);
  }

  /** Removes this very entry, if it is there. */
  delete(entry: T): void {
    this.#table.delete(entry);
  }
}

/** 32 bits above the lowest 11, which a number has no room for in an address of 64 bits. */
export function foldSocket(sock: number): number {
  return (sock / 2048) | 0;
}
