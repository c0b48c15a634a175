import type { LossReason } from '../base/losses.ts';
import { Stream } from '../connection/stream.ts';
import type { Ending } from '../connection/tracked-connection.ts';
import type { ConversationOwner } from './conversation-owner.ts';
import { Claim, fits, type Decoder } from './decoder.ts';
import type { FirstByte, LiveExchange, Touched } from './live-exchange.ts';
import { Memory } from './memory.ts';
import { Reader } from './reader.ts';
import { createSide, isAtRest, Mode, resetSide, runsOn, type Side } from './side.ts';

/** Records of a direction in which no message start is found until the connection is given up. */
const MAX_SYNC_TRIES = 256;

/** Filled at every message start. One for all sessions: the pipeline is one thread and a message is opened before the next begins. */
export const first: FirstByte = {
  position: 0,
  startNs: 0,
  timeNs: 0,
  tgid: 0,
  tid: 0,
  processStartNs: 0,
  turn: 0,
  reason: undefined,
  flags: 0,
};
/** For all sessions, for the same reason. */
export const shared = new Reader(new Stream());

/**
 * The messages of one connection whose protocol is known: where each direction stands, where the next message begins, and what may have been
 * among bytes that cannot be read. How messages become exchanges is the business of the classes that extend it, one for each kind of pairing.
 */
export abstract class Conversation<S> {
  abstract readonly decoder: Decoder;
  /** What the decoder keeps of this connection. */
  state: unknown;
  protected session: ConversationOwner<S>;
  protected readonly fromClient: Side;
  protected readonly fromServer: Side;
  protected isClient = false;
  /** Nothing is read any more. */
  protected over = false;
  /** The direction whose bytes have just come, and the exchanges that they belong to. */
  #arriving: Side | undefined = undefined;
  #touched: Touched = undefined;
  #lastTouched: LiveExchange | undefined = undefined;

  constructor(session: ConversationOwner<S>, state: unknown) {
    const { send, receive } = session.connection;
    this.session = session;
    this.state = state;
    this.fromClient = createSide(true, receive);
    this.fromServer = createSide(false, send);
  }

  /** Goes on with the conversation of a session that was left with `memory` and `state`. This one must be new or at rest. */
  resume(session: ConversationOwner<S>, memory: number, state: unknown): this {
    const { send, receive } = session.connection;
    this.session = session;
    this.state = state;
    this.isClient = (memory & Memory.client) !== 0;
    resetSide(this.fromClient, this.isClient ? send : receive, (memory & Memory.syncRequest) !== 0);
    resetSide(this.fromServer, this.isClient ? receive : send, (memory & Memory.syncResponse) !== 0);
    return this;
  }

  /** Goes on where a message was found in `stream`; what was in `other` before is not known. `holes`: records of either were lost. */
  abstract join(stream: Stream, other: Stream, holes: boolean): void;
  /** Takes over an exchange of the protocol that was spoken before; it is closed where this one does not go on with it. */
  carry(exchange: LiveExchange): void {
    this.session.context.closed(exchange);
  }
  /** Bytes between what was seen and what waits are lost. */
  abstract onHole(stream: Stream): void;
  /** Returns true while something still waits. */
  abstract onTick(): boolean;
  /** No more bytes come in this direction. */
  abstract onStreamEnd(stream: Stream): void;
  abstract onEnd(ending: Ending): void;
  /** Gives up exchanges on which nothing has happened for `timeoutNs`. Returns true while something is open. */
  abstract onIdle(nowNs: number, timeoutNs: number): boolean;
  abstract get open(): readonly LiveExchange[];
  /** Something is open. */
  abstract get busy(): boolean;

  protected abstract run(side: Side): void;
  /** There may have been messages of this direction, up to `timeNs`. */
  protected abstract missed(side: Side, timeNs: number): void;
  /** The head of a message crossed at `timeNs`, and was not captured as far as it is needed. */
  protected abstract cut(side: Side, timeNs: number): void;

  /** Something came in `stream`. */
  onBytes(stream: Stream): Touched {
    const side = this.sideOf(stream);
    this.#arriving = side;
    this.touch(side, side.exchange);
    this.runBoth(side);
    const touched = this.#touched;
    this.#touched = this.#lastTouched = this.#arriving = undefined;
    return touched;
  }

  /** A message, or a response, is under way whose rest the kernel may only sum up. */
  waitsOnRun(budgetBytes: number): boolean {
    if (!this.decoder.capture.elide || !this.busy) return false;
    return runsOn(this.fromServer, budgetBytes) || runsOn(this.fromClient, budgetBytes);
  }

  /** Nothing is open, waiting or half read: all that must be remembered is in `memory` and, of some protocols, in `state`. */
  get atRest(): boolean {
    return isAtRest(this.fromClient) && isAtRest(this.fromServer);
  }

  /** What a conversation at rest is made anew from. */
  get memory(): number {
    return (
      (this.isClient ? Memory.client : 0) |
      (this.fromClient.mode === Mode.sync ? Memory.syncRequest : 0) |
      (this.fromServer.mode === Mode.sync ? Memory.syncResponse : 0)
    );
  }

  protected touch(side: Side, exchange: LiveExchange | undefined): void {
    if (side !== this.#arriving || exchange === undefined || exchange === this.#lastTouched) return;
    const before = this.#touched;
    if (before === undefined) this.#touched = exchange;
    else if (Array.isArray(before)) before.push(exchange);
    else this.#touched = [before, exchange];
    this.#lastTouched = exchange;
  }

  protected sideOf(stream: Stream): Side {
    return this.fromClient.stream === stream ? this.fromClient : this.fromServer;
  }

  protected otherOf(side: Side): Side {
    return side.fromClient ? this.fromServer : this.fromClient;
  }

  protected lose(reason: LossReason<'delivered'>, records: number): void {
    if (records > 0) this.session.context.lose(this.session.connection, reason, records);
  }

  /** Reads on in one direction, then in the other if it waited for this one. */
  protected runBoth(side: Side): void {
    this.run(side);
    const other = this.otherOf(side);
    if (!this.over && other.stream.available > 0) this.run(other);
  }

  /** Notes who moved the first byte of the message at the cursor. False if it has not come. */
  protected notesFirst(side: Side): boolean {
    const { stream } = side;
    const front = stream.front;
    if (!front) return false;
    first.position = stream.cursor;
    first.startNs = front.startNs;
    first.timeNs = front.timeNs;
    first.tgid = front.tgid;
    first.tid = front.tid;
    first.processStartNs = front.processStartNs;
    first.turn = front.turn;
    first.reason = front.reason;
    first.flags = front.flags;
    return true;
  }

  /** Whose are the bytes at the cursor? */
  protected probe({ stream: { window, at, limit, blocked } }: Side): Claim {
    return this.decoder.probe(window, at, limit, blocked, true);
  }

  /** Gives up records until one begins with a message. */
  protected sync(side: Side): boolean {
    const { stream } = side;
    while (stream.front) {
      if (stream.available > 0 && stream.atRecordStart) {
        const claim = this.probe(side);
        if (claim === Claim.more && !stream.blocked) return false;
        if (fits(claim, side.fromClient)) {
          side.mode = Mode.message;
          side.atStart = true;
          return true;
        }
        side.tries++;
      }
      if (side.tries > MAX_SYNC_TRIES) {
        this.leave();
        this.session.giveUp('damaged');
        return false;
      }
      this.missed(side, stream.front.timeNs);
      this.lose('unsynchronised', stream.dropFront());
    }
    return false;
  }

  /** Bytes without content where a message should begin. */
  protected isBlank({ stream }: Side): boolean {
    return stream.available === 0 && stream.front !== undefined;
  }

  /** The start of a message was not captured, or not as far as it is needed. */
  protected headMissing(side: Side): void {
    this.cut(side, side.stream.front?.timeNs ?? 0);
    // It would be found again.
    this.lose('unsynchronised', side.stream.dropFront());
  }

  /** The protocol was only taken for what it is now seen not to be. */
  protected withdraws(): boolean {
    if (!this.session.provisional) return false;
    this.over = true;
    this.session.withdraw(this.open);
    return true;
  }

  /** Another protocol, or none, is spoken from here on. */
  protected leave(): void {
    this.over = true;
  }
}
