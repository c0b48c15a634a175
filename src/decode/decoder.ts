import type { Description, Exchange } from './exchange.ts';
import type { Reader } from './reader.ts';

/** What a decoder answers to `read`. */
export const Step = {
  /** The message (or its head) needs bytes that have not come. */
  more: 0,
  /** A message began; `reader.message` is its decoded head and the reader stands behind it. Go on reading for its end. */
  head: 1,
  /** Something that is no message of its own was skipped (an interim response, an empty line); the reader stands at a message start. */
  interim: 2,
  /** The message ends at the reader's position, which may lie beyond what has come. */
  end: 3,
  /** The end of the message cannot be seen in its bytes (any more): it goes on until the conversation turns or the connection ends. */
  untilTurn: 4,
  /** The message ends with its direction of the connection, by the protocol's rules. */
  untilClose: 5,
  /** The bytes break the protocol's rules. The reader's position is as it was. */
  malformed: 6,
  /** The exchange ends at the reader's position and both directions go on in another protocol. */
  handOver: 7,
  /** What comes next depends on the other direction: ask again when something was read there. */
  wait: 8,
} as const;
export type Step = (typeof Step)[keyof typeof Step];

/** What the first bytes of a record are to a decoder. */
export const Claim = { no: 0, more: 1, request: 2, response: 3 } as const;
export type Claim = (typeof Claim)[keyof typeof Claim];

/**
 * One protocol. Stateless: what outlives a call is in the state object it makes for each connection, which must stay small (it is kept while
 * a connection is idle) and bounded.
 *
 * Nothing is thrown at strangers' bytes: every outcome is a `Step`.
 */
export interface Decoder<State = unknown> {
  /** As in span attributes, metrics, fixtures and documentation. */
  readonly name: string;
  /**
   * What its messages begin with, four ASCII characters each. Where a call begins so, the kernel captures again although the payload budget
   * of the run is spent. Need not be complete, and other bytes may begin so, too.
   */
  readonly starts: readonly string[];
  /** How responses find their requests. `fifo`: in order of the requests. */
  readonly pairing: 'fifo';
  /**
   * Whose are the bytes `[from, to)`, which stand at the start of a record? Must be strict: a wrong claim makes wrong spans. `final`: no more
   * bytes can be had behind them. `joined`: nothing says that a message begins here, it may as well be the middle of one. `more` is answered
   * only while a valid continuation exists, and for 8 KiB at most.
   */
  probe(bytes: Uint8Array, from: number, to: number, final: boolean, joined: boolean): Claim;
  createState(): State;
  /** Reads on in one direction. `request` is the decoded request that a response answers, undefined where it was not seen. */
  read(reader: Reader, isRequest: boolean, state: State, request: unknown): Step;
  /** The direction stands at an unknown place: forget the message that was being read. */
  reset(state: State, isRequest: boolean): void;
  /** A message that `untilTurn` or `untilClose` was said of has ended at `position`. */
  ended(message: unknown, state: State, isRequest: boolean, position: number): void;
  /** The response is complete and the request is not: true if the rest of it is not expected any more. */
  abandoned(request: unknown, state: State): boolean;
  describe(exchange: Exchange): Description;
}
