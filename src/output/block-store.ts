/** Most requests take a few; what the last one has to spare is small beside what else a request costs. */
export const BLOCK_BYTES = 1024;
const SLAB_BLOCKS = 1024;
const NONE = -1;

/** Bytes that a BlockStore holds: their first block, and how many bytes. */
export interface Stored {
  readonly first: number;
  readonly length: number;
}

interface Slab {
  readonly bytes: Buffer;
  /** Of each block: the one that follows it, in its chain or among the free. */
  readonly next: Int32Array;
}

/**
 * Byte strings that live for minutes, in blocks that are used again. As buffers of their own they would be garbage of the old generation, which V8
 * leaves for long: half as much memory again as a full queue holds. Grows by 1 MiB, which goes back when nothing is stored any more.
 */
export class BlockStore {
  #slabs: Slab[] = [];
  #free = NONE;
  #used = 0;

  /** Memory held, in bytes. */
  get capacity(): number {
    return this.#slabs.length * SLAB_BLOCKS * BLOCK_BYTES;
  }

  /** Copies `bytes`. */
  put(bytes: Uint8Array): Stored {
    let first = NONE;
    // From the end, so that each block finds its successor made.
    for (let at = blocksOf(bytes.length) - 1; at >= 0; at--) {
      const block = this.#take();
      const { bytes: slab, next } = this.#slabOf(block);
      slab.set(bytes.subarray(at * BLOCK_BYTES, (at + 1) * BLOCK_BYTES), (block % SLAB_BLOCKS) * BLOCK_BYTES);
      next[block % SLAB_BLOCKS] = first;
      first = block;
    }
    return { first, length: bytes.length };
  }

  /** A copy of what was put, in memory of its own. */
  read({ first, length }: Stored): Buffer {
    const bytes = Buffer.allocUnsafeSlow(length);
    let block = first;
    for (let at = 0; at < length; at += BLOCK_BYTES) {
      const { bytes: slab, next } = this.#slabOf(block);
      const from = (block % SLAB_BLOCKS) * BLOCK_BYTES;
      slab.copy(bytes, at, from, from + Math.min(BLOCK_BYTES, length - at));
      block = next[block % SLAB_BLOCKS]!;
    }
    return bytes;
  }

  /** What was put is not read any more. */
  free({ first, length }: Stored): void {
    let block = first;
    for (let left = blocksOf(length); left > 0; left--) {
      const { next } = this.#slabOf(block);
      const following = next[block % SLAB_BLOCKS]!;
      next[block % SLAB_BLOCKS] = this.#free;
      this.#free = block;
      this.#used--;
      block = following;
    }
    if (this.#used > 0) return;
    this.#slabs = [];
    this.#free = NONE;
  }

  #slabOf(block: number): Slab {
    return this.#slabs[Math.floor(block / SLAB_BLOCKS)]!;
  }

  #take(): number {
    if (this.#free === NONE) this.#grow();
    const block = this.#free;
    this.#free = this.#slabOf(block).next[block % SLAB_BLOCKS]!;
    this.#used++;
    return block;
  }

  #grow(): void {
    const from = this.#slabs.length * SLAB_BLOCKS;
    const next = Int32Array.from({ length: SLAB_BLOCKS }, (_, i) => from + i + 1);
    next[SLAB_BLOCKS - 1] = NONE;
    this.#slabs.push({ bytes: Buffer.allocUnsafeSlow(SLAB_BLOCKS * BLOCK_BYTES), next });
    this.#free = from;
  }
}

function blocksOf(length: number): number {
  return Math.ceil(length / BLOCK_BYTES);
}
