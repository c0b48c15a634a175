import type { Reading } from './thread-table.ts';

/**
 * What a stream remembers of one record: where its bytes stand, when they crossed and who moved them, and, while they wait for the rest of
 * their message, the bytes.
 *
 * Chunks come from a free list: at full speed every record makes one and uses it up within the same call.
 */
export class Chunk {
  /** Position of the first byte, of the byte after the last captured one, and of the byte after the last one. */
  position = 0;
  dataEnd = 0;
  end = 0;
  /** Holds the captured bytes from `offset` on; undefined where there are none or where the stream's window has them. */
  bytes: Uint8Array | undefined = undefined;
  offset = 0;
  /** `bytes` is the drain buffer, which is reused after the call. */
  borrowed = false;
  timeNs = 0;
  /** Enter of the call for sends, else 0. */
  enterNs = 0;
  tgid = 0;
  tid = 0;
  processStartNs = 0;
  /** Of the thread, as in the record. */
  turn = 0;
  /** Why it was sent, if that is known; of what was received undefined. */
  reason: Reading | undefined = undefined;
  flags = 0;
  /** Data records this chunk stands for in the books: 0 for what the kernel summed up or what was already counted as lost. */
  records = 0;

  /** When the first byte of the chunk set out: the enter of a send, the completion of a receive. */
  get startNs(): number {
    return this.enterNs || this.timeNs;
  }
}

const MAX_FREE = 1024;
const free: Chunk[] = [];

export function takeChunk(): Chunk {
  return free.pop() ?? new Chunk();
}

/** The caller must hold no other reference to the chunk. */
export function returnChunk(chunk: Chunk): void {
  chunk.bytes = undefined;
  chunk.reason = undefined;
  chunk.borrowed = false;
  if (free.length < MAX_FREE) free.push(chunk);
}
