/** A first-in first-out queue that holds on to nothing that has left it. */
export class Fifo<T> {
  /** A ring; its length is a power of two. */
  #slots = new Array<T | undefined>(64).fill(undefined);
  #head = 0;
  #size = 0;

  /** What came first and is still here. */
  get first(): T | undefined {
    return this.#slots[this.#head];
  }

  push(item: T): void {
    if (this.#size === this.#slots.length) this.#grow();
    this.#slots[(this.#head + this.#size++) & (this.#slots.length - 1)] = item;
  }

  shift(): T | undefined {
    const item = this.#slots[this.#head];
    if (this.#size === 0) return undefined;
    this.#slots[this.#head] = undefined;
    this.#head = (this.#head + 1) & (this.#slots.length - 1);
    this.#size--;
    return item;
  }

  #grow(): void {
    const inOrder = [...this.#slots.slice(this.#head), ...this.#slots.slice(0, this.#head)];
    this.#slots = inOrder.concat(new Array<undefined>(inOrder.length).fill(undefined));
    this.#head = 0;
  }
}
