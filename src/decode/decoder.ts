import type { ProtocolName } from '../base/settings.ts';
import type { ByteClass } from './classifier.ts';
import type { Description, Exchange } from './exchange.ts';
import type { Frames, Id } from './frames.ts';
import type { LiveExchange } from './live-exchange.ts';
import type { Reader } from './reader.ts';

/** What a decoder answers to `read`. */
export const Step = {
  /** The message (or its head) needs bytes that have not come. */
  more: 0,
  /** A message began; `reader.message` is its decoded head and the reader stands behind it. Go on reading for its end. */
  head: 1,
  /** Something that is no message of its own was skipped (an interim response, an empty line); the reader stands at a message start. */
  interim: 2,
  /** The message, or frame, ends at the reader's position, which may lie beyond what has come. */
  end: 3,
  /** The end of the message cannot be seen in its bytes (any more): it goes on until the conversation turns or the connection ends. */
  untilTurn: 4,
  /** The message ends with its direction of the connection, by the protocol's rules. */
  untilClose: 5,
  /** The bytes break the protocol's rules. The reader's position is as it was. */
  malformed: 6,
  /** The conversation ends at the reader's position and both directions go on in another protocol; see `Reader.next`. */
  handOver: 7,
  /** What comes next depends on the other direction: ask again when something was read there. The reader's position is as it was. */
  wait: 8,
  /** As `end`, of a request that nobody answers. */
  endUnanswered: 9,
} as const;
export type Step = (typeof Step)[keyof typeof Step];

/**
 * What the first bytes of a record are to a decoder. The `like` claims are for bytes that other protocols' messages may begin with as well: they
 * count where the other direction begins like what belongs to it, and where the protocol is known already.
 */
export const Claim = {
  no: 0,
  more: 1,
  request: 2,
  response: 3,
  likeRequest: 4,
  likeResponse: 5,
  /** A message of either end. */
  like: 6,
  /** The same, for bytes that no other protocol's messages begin with: who has connected tells whose it is. */
  either: 7,
} as const;
export type Claim = (typeof Claim)[keyof typeof Claim];

/** Whether a message with this claim can come from the given end, in a conversation whose protocol is known. */
export function fits(claim: Claim, fromClient: boolean): boolean {
  if (claim === Claim.like || claim === Claim.either) return true;
  return fromClient
    ? claim === Claim.request || claim === Claim.likeRequest
    : claim === Claim.response || claim === Claim.likeResponse;
}

/** What the kernel is to copy of a connection. */
export interface Capture {
  /** Payload bytes of a run in one direction; undefined: the configured limit. `UNLIMITED` where one direction may talk alone for ever. */
  readonly budget?: number;
  /** The same once many messages were seen in one run; undefined: no more than before of protocols with ids, 64 KiB of others. */
  readonly pipelined?: number;
  /**
   * The same once a frame was longer than this, of protocols with ids, unless many messages were seen in one run before. A client may begin with
   * hundreds of messages before it looks for a response, but of long ones no more than the head is worth being copied. Undefined: as `budget`.
   */
  readonly bulk?: number;
  /** Beyond the budget the records of a run are only summed up. For protocols that go on without what is in the middle of a long message. */
  readonly elide: boolean;
}
export const UNLIMITED = 0xffffffff;

/**
 * One protocol. Stateless: what outlives a call is in the state object that it makes for each connection, which must stay small and bounded.
 *
 * Nothing is thrown at strangers' bytes: every outcome is a `Step`.
 */
interface Protocol<State> {
  /** As in span attributes, metrics, fixtures and documentation. */
  readonly name: ProtocolName;
  /**
   * What its messages begin with, four ASCII characters each. Where a call begins so, the kernel captures again although the payload budget
   * of the run is spent. Need not be complete, and other bytes may begin so, too.
   */
  readonly starts: readonly string[];
  readonly capture: Capture;
  /** Spoken only where another protocol hands over to it: it is never looked for, `probe` finds the next message where some was lost. */
  readonly handedOver?: true;
  /**
   * Whose are the bytes `[from, to)`, which stand at the start of a record? Must be strict: a wrong claim makes wrong spans. `final`: no more
   * bytes can be had behind them. `joined`: nothing says that a message begins here, it may as well be the middle of one. `more` is answered
   * only while a valid continuation exists, and for 8 KiB at most.
   */
  probe(bytes: Uint8Array, from: number, to: number, final: boolean, joined: boolean): Claim;
  createState(): State;
  /** Something in the state must be kept while the connection is idle (a negotiated version, prepared statements). Else it is thrown away. */
  lasting?(state: State): boolean;
  /** Nothing has happened for a while on a connection of which the state was kept: it should take as little memory as it can. */
  shrink?(state: State): void;
  describe(exchange: Exchange): Description;
}

/** A protocol whose responses come in the order of the requests, all of which one end makes. */
export interface FifoDecoder<State = unknown> extends Protocol<State> {
  readonly pairing: 'fifo';
  /** Reads on in one direction. `request` is the decoded request that a response answers, undefined where it was not seen. */
  read(reader: Reader, isRequest: boolean, state: State, request: unknown): Step;
  /**
   * Passes over what the server says unasked where a response could begin: `interim`, `more` or `malformed`. Undefined: a response begins there.
   */
  readAside?(reader: Reader, state: State): Step | undefined;
  /** Messages of this direction may be among what was lost: what they would have changed in the state is not known any more. */
  lost?(state: State, isRequest: boolean): void;
  /** What comes where a message may begin can belong to the one before, and need not have been captured to the next one's start. */
  mayGoOn?(state: State, isRequest: boolean): boolean;
  /** The direction stands at an unknown place: forget the message that was being read. */
  reset(state: State, isRequest: boolean): void;
  /** A message that `untilTurn` or `untilClose` was said of has ended at `position`. */
  ended(message: unknown, state: State, isRequest: boolean, position: number): void;
  /** The response is complete and the request is not: true if the rest of it is not expected any more. */
  abandoned(request: unknown, state: State): boolean;
  /** The request may wait for its response for any time: it is never given up for want of one. */
  isPatient?(request: unknown): boolean;
  /** Nothing need come after what has come of the request, nor a response: where nothing does, it is well. */
  mayBeAll?(request: unknown): boolean;
}

/** A protocol of frames that say themselves which request they belong to, or that nobody answers. Either end may make requests. */
export interface IdDecoder<State = unknown> extends Protocol<State> {
  readonly pairing: 'id';
  /** Ids are used again soon after they are free: where responses were lost it is not known any more whose the next one is. */
  readonly idsReturn: boolean;
  /**
   * Reads one whole frame, whose content may not have come or not have been captured in full: `end`, `more`, `interim`, `wait`, `malformed` or
   * `handOver`. What it means is said to `frames`, before the state is changed where `frames` answers `wait`.
   */
  read(reader: Reader, fromClient: boolean, state: State, frames: Frames): Step;
  /** Frames of this direction were lost; the next one begins at a frame start that was found anew. */
  lost(state: State, fromClient: boolean): void;
  /** What follows a loss cannot be read: what its bytes are. Such a protocol is only found at its very beginning. */
  readonly afterLoss?: ByteClass;
  /** An exchange of the protocol before goes on in this one, which it has switched to: under which id? Undefined: it does not. */
  carry?(state: State, exchange: LiveExchange): Id | undefined;
}

/** Messages that are a datagram each, of which requests and responses have the same id. */
export interface DatagramDecoder {
  readonly name: ProtocolName;
  /** What the datagram `[from, to)` is; undefined: nothing of this protocol. `cut`: it was longer. `port`: the lower one of both ends', a hint. */
  readDatagram(bytes: Uint8Array, from: number, to: number, cut: boolean, port: number): Datagram | undefined;
  describe(exchange: Exchange): Description;
}
export interface Datagram {
  readonly isRequest: boolean;
  readonly id: string | number;
  readonly message: unknown;
}

export type Decoder = FifoDecoder | IdDecoder;
