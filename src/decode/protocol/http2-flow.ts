import { HpackTable } from './hpack-table.ts';
import { DEFAULT_MAX_FRAME, MOST_MAX_FRAME } from './http2-frame.ts';

/** One direction of a connection. */
export class Flow {
  readonly table = new HpackTable();
  /** Longest frame that its receiver takes, as far as it is known. */
  maxFrame = DEFAULT_MAX_FRAME;
  /** The highest stream that its sender has opened, as far as it was seen. */
  opened = 0;
  /** How often frames of it were lost. */
  losses = 0;
  /** Of a DATA frame that is read message by message: bytes to come, its padding, its stream, and whether that ends with it. */
  left = 0;
  padding = 0;
  stream = 0;
  ends = false;

  lose(): void {
    this.losses++;
    this.left = this.padding = this.stream = 0;
    this.table.lose();
  }
}

export interface Http2State {
  readonly client: Flow;
  readonly server: Flow;
}

export function createHttp2State(): Http2State {
  return { client: new Flow(), server: new Flow() };
}

/** Whether an answer to the client's stream comes after its request, since what the client has opened up to there was seen. */
export function hasBegun({ client }: Http2State, stream: number): boolean {
  return client.losses === 0 && stream <= client.opened;
}

/** Frames of a direction were lost: so may be what it has set for the other one. */
export function loseFlow({ client, server }: Http2State, fromClient: boolean): void {
  (fromClient ? client : server).lose();
  (fromClient ? server : client).maxFrame = MOST_MAX_FRAME;
}

/** Bytes of a gRPC message before its content: compressed(8) length(32). */
const MESSAGE_PREFIX = 5;

/**
 * What one direction of a stream has carried, and the gRPC messages in it as long as it looks like gRPC: each has a flag of 0 or 1, a length of
 * 32 bits and so many bytes; they begin and end anywhere in DATA frames.
 */
export class StreamBody {
  size = 0;
  /** Its last frame was seen. */
  ended = false;
  messages = 0;
  compressed = false;
  /** All of it are such messages, as far as it came. */
  framed: boolean;
  readonly #flow: Flow;
  readonly #losses: number;
  /** Bytes of the message under way that are to come; of its prefix those that came, and the length as far as they say it. */
  #left = 0;
  #prefix = 0;
  #length = 0;

  /** `whole`: nothing of it was lost up to now. */
  constructor(flow: Flow, framed: boolean, whole = true) {
    this.#flow = flow;
    this.#losses = whole ? flow.losses : -1;
    this.framed = framed;
  }

  /** No frame of it was lost. */
  get intact(): boolean {
    return this.#flow.losses === this.#losses;
  }

  /** Whole messages and nothing else, at least one. */
  get isFramed(): boolean {
    return this.framed && this.intact && this.messages > 0 && this.#left === 0 && this.#prefix === 0;
  }

  /** How many of `count` bytes belong to the message under way: they need not be seen. */
  pass(count: number): number {
    if (this.#left === 0) return 0;
    const passed = Math.min(count, this.#left);
    this.#left -= passed;
    if (this.#left === 0) this.messages++;
    return passed;
  }

  /** Takes bytes of a message's prefix from `[from, to)`. Returns how many. */
  takePrefix(bytes: Uint8Array, from: number, to: number): number {
    let at = from;
    for (; at < to && this.#prefix < MESSAGE_PREFIX; at++, this.#prefix++) {
      const byte = bytes[at]!;
      if (this.#prefix > 0) this.#length = this.#length * 256 + byte;
      else if (byte > 1) this.framed = false;
      else if (byte === 1) this.compressed = true;
    }
    if (this.#prefix === MESSAGE_PREFIX) {
      this.#left = this.#length;
      this.#prefix = this.#length = 0;
      if (this.#left === 0) this.messages++;
    }
    return at - from;
  }
}
