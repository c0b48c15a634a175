import type { Origin } from '../connection/connection.ts';
import type { Stream } from '../connection/stream.ts';
import type { ByteClass } from './classifier.ts';

/** What follows a hand-over. */
export interface Next {
  /** Name of the protocol; undefined: to be found out. */
  readonly to: string | undefined;
  /** The exchange that asked for it goes on in it. */
  readonly carries: boolean;
  /** Nothing of it can be decoded: what its bytes are. */
  readonly opaque?: ByteClass;
  /** For whom the client speaks, as it has said. */
  readonly origin?: Origin | undefined;
}

/**
 * What a decoder sees of a stream: the bytes at its position that can be read in one piece, and nothing of records.
 *
 * `bytes[at..limit)` is valid until the next `skip`. A decoder reads a head without moving, then skips it; skipping may go beyond what has
 * come and across bytes that were never captured.
 */
export class Reader {
  /** What a head was decoded into; set by the decoder with `Step.head`. */
  message: unknown = undefined;
  /** Set by the decoder with `Step.handOver`. */
  next: Next | undefined = undefined;
  #stream: Stream;

  constructor(stream: Stream) {
    this.#stream = stream;
  }

  over(stream: Stream): this {
    this.#stream = stream;
    this.message = this.next = undefined;
    return this;
  }

  get bytes(): Uint8Array {
    return this.#stream.window;
  }

  get at(): number {
    return this.#stream.at;
  }

  get limit(): number {
    return this.#stream.limit;
  }

  get available(): number {
    return this.#stream.limit - this.#stream.at;
  }

  /** What follows the readable bytes crossed the socket but was not captured: waiting for more is in vain. */
  get blocked(): boolean {
    return this.#stream.blocked;
  }

  /** Position of the next byte in the stream. */
  get position(): number {
    return this.#stream.cursor;
  }

  /** Everything up to the position has come. */
  get arrived(): boolean {
    return this.#stream.cursor <= this.#stream.end;
  }

  skip(count: number): void {
    this.#stream.skip(count);
  }
}
