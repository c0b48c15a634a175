import type { Tracer } from './native.ts';
import { writeRecord } from './record-writer.ts';

/** A socket with a run that the kernel sums up. */
export interface ElidedSocket {
  sock: number;
  inode: number;
}

/**
 * Asks the kernel how far elided runs of idle connections have come. The answers are `elision` records, and wait until everything that was in the
 * ring when it was asked has gone out: what they tell is newer than that.
 */
export class ElidedRuns {
  readonly #tracer: Tracer;
  readonly #layout: Record<string, { offset: number; size: number }>;
  #answers: Uint8Array[] = [];
  /** Ring position behind which the answers may go out. */
  #behind = 0;

  constructor(tracer: Tracer) {
    this.#tracer = tracer;
    this.#layout = tracer.structLayout('conn').members;
  }

  ask(sockets: Iterable<ElidedSocket>, nowNs: number): void {
    if (this.#answers.length > 0) return; // the drain is behind, and so would be another answer
    for (const { sock, inode } of sockets) {
      const key = Buffer.alloc(8);
      key.writeBigUInt64LE(BigInt(sock));
      const conn = this.#tracer.lookup('conns', key);
      if (conn === undefined || this.#field(conn, 'inode') !== inode) continue;
      // The kernel side may have been writing meanwhile: the end of one direction's run must not meet the name of the other.
      if (this.#tracer.lookup('conns', key)?.equals(conn) !== true) continue;
      const gapRecords = this.#field(conn, 'gap_records');
      if (gapRecords === 0) continue;
      this.#answers.push(
        writeRecord('elision', {
          time_ns: nowNs,
          sock,
          inode,
          gap_start: this.#field(conn, 'gap_start'),
          gap_end: this.#field(conn, 'gap_end'),
          gap_ns: this.#field(conn, 'gap_ns'),
          gap_records: gapRecords,
          gap_direction: this.#field(conn, 'gap_direction'),
        }),
      );
    }
    if (this.#answers.length === 0) return;
    const { consumed, used } = this.#tracer.ring();
    this.#behind = consumed + used;
  }

  /** The answers that may go out, now that all that was drained has. */
  take(): Uint8Array[] {
    const answers = this.#answers;
    if (answers.length === 0 || this.#tracer.ring().consumed < this.#behind) return [];
    this.#answers = [];
    return answers;
  }

  #field(conn: Buffer, name: string): number {
    const { offset, size } = this.#layout[name]!;
    if (size === 8) return Number(conn.readBigUInt64LE(offset));
    return conn.readUIntLE(offset, size);
  }
}
