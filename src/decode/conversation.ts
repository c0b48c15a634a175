import type { LossReason } from '../base/losses.ts';
import { Stream } from '../connection/stream.ts';
import type { Chunk } from '../connection/chunk.ts';
import type { Ending } from '../connection/tracked-connection.ts';
import type { ConversationOwner } from './conversation-owner.ts';
import { Claim, Step, type Decoder } from './decoder.ts';
import { Exchanges } from './exchanges.ts';
import type { FirstByte, LiveExchange } from './live-exchange.ts';
import { Memory } from './memory.ts';
import { Reader } from './reader.ts';
import { createSide, isAtRest, Mode, resetSide, runsOn, type Side } from './side.ts';

/** Records of a direction in which no message start is found until the connection is given up. */
const MAX_SYNC_TRIES = 256;
/** Drains a response waits for its request's record. */
const EARLY_TICKS = 2;

/** Filled at every message start. One for all sessions: the pipeline is one thread and a message is opened before the next begins. */
const first: FirstByte = {
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
const shared = new Reader(new Stream());

/**
 * The messages of one connection whose protocol is known: where each direction stands, where the next message begins, and what may have been
 * among bytes that cannot be read.
 */
export class Conversation<S> {
  readonly decoder: Decoder;
  #session: ConversationOwner<S>;
  readonly #state: unknown;
  readonly #request: Side;
  readonly #response: Side;
  readonly #exchanges: Exchanges<S>;
  #isClient = false;
  /** Since when a response waits for its request. */
  #earlyTick = 0;
  /** Nothing is read any more. */
  #over = false;
  /** The direction whose bytes have just come, and the exchanges that they belong to: the last, and how many. */
  #arriving: Side | undefined = undefined;
  #touched: LiveExchange | undefined = undefined;
  #touches = 0;

  constructor(session: ConversationOwner<S>, decoder: Decoder, memory: number) {
    const { send, receive } = session.connection;
    this.decoder = decoder;
    this.#session = session;
    this.#state = decoder.createState();
    this.#request = createSide(true, receive);
    this.#response = createSide(false, send);
    this.#exchanges = new Exchanges(session, decoder, this.#state, this.#request, this.#response);
    this.resume(session, memory);
  }

  /** Goes on with the conversation of a session that was left with `memory`. This one must be new or at rest. */
  resume(session: ConversationOwner<S>, memory: number): this {
    const { send, receive } = session.connection;
    this.#session = session;
    this.#isClient = (memory & Memory.client) !== 0;
    this.decoder.reset(this.#state, true);
    this.decoder.reset(this.#state, false);
    resetSide(this.#request, this.#isClient ? send : receive, (memory & Memory.syncRequest) !== 0);
    resetSide(this.#response, this.#isClient ? receive : send, (memory & Memory.syncResponse) !== 0);
    this.#exchanges.resume(session, memory);
    return this;
  }

  /** Goes on where a message was found in `stream`; what was in `other` before is not known. `holes`: records of either were lost. */
  join(stream: Stream, other: Stream, holes: boolean): void {
    const unknown = this.#sideOf(other);
    unknown.mode = Mode.sync;
    this.#missed(this.#request, stream.endNs);
    if (!unknown.isRequest) this.#missed(unknown, other.endNs);
    // Without losses it is a connection that is older than the agent, of a client that is taken for one that waits.
    this.#exchanges.pairing.orphaned = !holes;
  }

  /** Oldest first. */
  get open(): readonly LiveExchange[] {
    return this.#exchanges.pairing.open;
  }

  /** Something came in `stream`. Returns the exchange that it belongs to, if it is one. */
  onBytes(stream: Stream): LiveExchange | undefined {
    const side = this.#sideOf(stream);
    this.#arriving = side;
    this.#touches = 0;
    this.#touch(side, side.exchange);
    this.#runBoth(side);
    const touched = this.#touches === 1 ? this.#touched : undefined;
    this.#touched = this.#arriving = undefined;
    return touched;
  }

  #touch(side: Side, exchange: LiveExchange | undefined): void {
    if (side !== this.#arriving || exchange === undefined || exchange === this.#touched) return;
    this.#touched = exchange;
    this.#touches++;
  }

  /** Bytes between what was seen and what waits are lost. */
  onHole(stream: Stream): void {
    const side = this.#sideOf(stream);
    const behindNs = stream.waitingNs;
    if (side.finishing) {
      // The skip under way ends inside the hole; what else was in there is not known.
      side.finishing = false;
      if (side.exchange && !side.isRequest) side.exchange.incomplete = 'end_unseen';
      this.#finish(side);
    }
    this.#lose('unsynchronised', stream.dropSeen());
    if (side.isRequest && !side.atStart) {
      this.#missed(side, behindNs);
      if (side.mode === Mode.message) this.#loseSight(side);
    } else if (side.mode !== Mode.close) {
      this.#damage(side, behindNs);
    }
    stream.crossHole();
    if (!this.#over) this.onBytes(stream);
  }

  /** Returns true while something still waits. */
  onTick(): boolean {
    if (this.#earlyTick === 0) return false;
    if (this.#session.context.tick() - this.#earlyTick < EARLY_TICKS) return true;
    this.#runBoth(this.#response);
    return this.#earlyTick !== 0;
  }

  /** No more bytes come in this direction. */
  onStreamEnd(stream: Stream): void {
    const side = this.#sideOf(stream);
    if (side.mode === Mode.turn || side.mode === Mode.close) this.#endOpenEnded(side);
  }

  onEnd(ending: Ending): void {
    if (this.#earlyTick !== 0) {
      this.#earlyTick = -EARLY_TICKS;
      this.#run(this.#response);
    }
    this.#exchanges.end(ending);
  }

  /** Gives up exchanges on which nothing has happened for `timeoutNs`. Returns true while something is open. */
  onIdle(nowNs: number, timeoutNs: number): boolean {
    if (this.open.length === 0) return false;
    const { lastNs } = this.#session.connection;
    if (nowNs - lastNs < timeoutNs) return true;
    this.#exchanges.timeOut(lastNs + timeoutNs);
    return false;
  }

  /** A response, or a request, is under way whose rest the kernel may only sum up. */
  waitsOnRun(budgetBytes: number): boolean {
    if (this.open.length === 0) return false;
    return runsOn(this.#response, budgetBytes) || runsOn(this.#request, budgetBytes);
  }

  /** Nothing is open, waiting or half read: all that must be remembered is in `memory`. */
  get atRest(): boolean {
    const sides = isAtRest(this.#request) && isAtRest(this.#response);
    return sides && this.#earlyTick === 0 && this.#exchanges.pairing.atRest;
  }

  /** What a conversation at rest is made anew from. */
  get memory(): number {
    return (
      (this.#isClient ? Memory.client : 0) |
      (this.#request.mode === Mode.sync ? Memory.syncRequest : 0) |
      (this.#response.mode === Mode.sync ? Memory.syncResponse : 0) |
      this.#exchanges.memory
    );
  }

  /** Another protocol, or none, is spoken from here on. */
  #leave(): void {
    this.#exchanges.giveUpAll();
    this.#over = true;
  }

  #sideOf(stream: Stream): Side {
    return this.#request.stream === stream ? this.#request : this.#response;
  }

  #lose(reason: LossReason<'delivered'>, records: number): void {
    if (records > 0) this.#session.context.lose(this.#session.connection, reason, records);
  }

  /** Reads on in one direction, then in the other if it waited for this one. */
  #runBoth(side: Side): void {
    this.#run(side);
    const other = side.isRequest ? this.#response : this.#request;
    if (!this.#over && other.stream.available > 0) this.#run(other);
  }

  #run(side: Side): void {
    const { stream } = side;
    while (!this.#over && stream.cursor <= stream.end) {
      if (side.finishing) {
        side.finishing = false;
        this.#finish(side);
        continue;
      }
      if (side.mode === Mode.turn || side.mode === Mode.close) {
        if (!this.#restEnds(side)) return;
      } else if (side.mode === Mode.sync && !this.#sync(side)) return;
      if (side.atStart && !this.#begins(side)) return;
      const reader = shared.over(stream);
      const step = this.decoder.read(reader, side.isRequest, this.#state, side.exchange?.request);
      if (!this.#step(side, step, reader)) return;
    }
  }

  /** Notes who moved the first byte of the message at the cursor. False if it cannot be read yet. */
  #begins(side: Side): boolean {
    const { stream } = side;
    const front = stream.front;
    if (!front) return false;
    if (stream.available === 0) {
      // Bytes without content where a message should begin.
      this.#cut(side, front.timeNs);
      return true;
    }
    first.position = stream.cursor;
    first.startNs = front.startNs;
    first.timeNs = front.timeNs;
    first.tgid = front.tgid;
    first.tid = front.tid;
    first.processStartNs = front.processStartNs;
    first.turn = front.turn;
    first.reason = front.reason;
    first.flags = front.flags;
    return side.isRequest || this.#answers(side);
  }

  /** Finds the exchange that the response at the cursor answers. False if its request may still come. */
  #answers(side: Side): boolean {
    if (side.decided) return true;
    const exchange = this.#exchanges.answer(first.timeNs);
    if (exchange !== 'wait') side.exchange = exchange;
    else if (this.#isEarly()) return false;
    this.#earlyTick = 0;
    side.decided = true;
    if (!this.#isClient && side.exchange !== undefined)
      side.exchange.answer = { tid: first.tid, turn: first.turn, reason: first.reason };
    this.#touch(side, side.exchange);
    return true;
  }

  /** True while the request of a response that is there may still come. */
  #isEarly(): boolean {
    const tick = this.#session.context.tick();
    if (this.#earlyTick === 0) this.#earlyTick = tick;
    if (tick - this.#earlyTick >= EARLY_TICKS) return false;
    this.#session.context.awaitTick(this.#session.connection);
    return true;
  }

  /** Acts on what the decoder answered. False when nothing more can be done now. */
  #step(side: Side, step: Step, reader: Reader): boolean {
    switch (step) {
      case Step.more:
        if (!reader.blocked) return false;
        if (side.atStart) {
          this.#cut(side, side.stream.front?.timeNs ?? 0);
          // It would be found again.
          this.#lose('unsynchronised', side.stream.dropFront());
        } else {
          this.#loseSight(side);
        }
        return true;
      case Step.head:
        this.#head(side, reader.message);
        return true;
      case Step.interim:
        return true;
      case Step.end:
        if (reader.arrived) this.#finish(side);
        else side.finishing = true;
        return true;
      case Step.untilTurn:
      case Step.untilClose:
        side.mode = step === Step.untilTurn ? Mode.turn : Mode.close;
        return true;
      case Step.malformed:
        this.#malformed(side);
        return true;
      case Step.handOver:
        this.#finish(side);
        this.#leave();
        this.#session.handOver();
        return false;
      default:
        // Step.wait. What was waited for may never come.
        if (this.#exchanges.pairing.unanswered) return false;
        this.decoder.reset(this.#state, side.isRequest);
        return true;
    }
  }

  #head(side: Side, message: unknown): void {
    side.atStart = false;
    side.tries = 0;
    if (side.isRequest) {
      this.#open(message);
    } else if (side.exchange) {
      side.exchange.response = message;
    } else {
      // Whether it has a body depends on its request, so the next response is looked for.
      this.#exchanges.pairing.orphan(first.timeNs);
      this.#session.context.orphan(this.#session.connection);
      this.#resync(side);
    }
  }

  #open(request: unknown): void {
    const startNs = this.#isClient ? first.startNs : first.timeNs;
    const response = this.#response;
    const turning = response.mode === Mode.turn;
    // A client that sends again takes its response for complete, even one that by its head goes on until the close.
    const openEnded = turning || (response.mode === Mode.close && this.open.length === 1);
    // What has come behind it, and looks like the next response, waits to be read.
    if (openEnded && response.stream.endNs <= startNs) this.#endHere(response, Mode.sync);
    this.#exchanges.open(this.#isClient, first, request);
    this.#touch(this.#request, this.#request.exchange);
    // The end of the response before was not seen, and what came after this request was taken for more of it.
    if (turning && response.mode === Mode.turn) this.#damage(response, response.stream.endNs);
  }

  /** The message's last byte has come. */
  #finish(side: Side): void {
    const { exchange } = side;
    side.exchange = undefined;
    side.atStart = true;
    side.decided = false;
    if (!exchange) return;
    if (side.isRequest) this.#exchanges.requestEnded(exchange);
    else this.#exchanges.responseEnded(exchange);
  }

  /** A message without a visible end has ended with the bytes that were seen. */
  #endOpenEnded(side: Side): void {
    side.stream.skipSeen();
    this.#endHere(side, Mode.sync);
  }

  /** A message without a visible end has ended at the cursor. */
  #endHere(side: Side, next: number): void {
    const message = side.isRequest ? side.exchange?.request : side.exchange?.response;
    this.#doubt(side);
    this.decoder.ended(message, this.#state, side.isRequest, side.stream.cursor);
    side.mode = next;
    this.#finish(side);
  }

  /** Uses up bytes of a message without a visible end. True if a message begins at the cursor. */
  #restEnds(side: Side): boolean {
    const { stream } = side;
    while (side.mode === Mode.turn && stream.front) {
      if (stream.available > 0 && stream.atRecordStart && this.#probe(side) === startOf(side)) {
        if (this.#mayBegin(side)) {
          this.#endHere(side, Mode.message);
          return true;
        }
        if (!side.isRequest && this.#isEarly()) return false;
        this.#earlyTick = 0;
      }
      this.#hear(side, stream.front);
      stream.skip(stream.front.end - stream.cursor);
    }
    stream.skipSeen();
    return false;
  }

  /** Bytes without framing. Of sends that were summed up it is only known when the last one was over: the next request may have come before. */
  #hear(side: Side, front: Chunk): void {
    if (front.enterNs !== 0 || this.#isClient || this.#exchanges.pairing.pipelined)
      side.heardNs = front.startNs;
  }

  /** A message without a visible end is over: its bytes may have been those of others as well. */
  #doubt(side: Side): void {
    if (side.isRequest) {
      this.#exchanges.requestsDoubtful();
    } else if (this.open.length > 1) {
      const others = this.#exchanges.giveUpBefore(side.heardNs, side.exchange);
      if (others && side.exchange) side.exchange.incomplete = 'end_unseen';
    }
  }

  /** Only where the next message is due can bytes that look like one end the message before. */
  #mayBegin(side: Side): boolean {
    const { exchange } = side;
    if (side.isRequest) return !exchange || exchange.answered || exchange.response !== undefined;
    return !exchange || this.open[this.open.length - 1] !== exchange;
  }

  /** Whose are the bytes at the cursor? */
  #probe({ stream: { window, at, limit, blocked } }: Side): Claim {
    return this.decoder.probe(window, at, limit, blocked, true);
  }

  /** The framing of a body is lost from here on. */
  #loseSight(side: Side): void {
    this.decoder.reset(this.#state, side.isRequest);
    side.mode = Mode.turn;
    side.finishing = false;
  }

  #malformed(side: Side): void {
    const timeNs = side.stream.front?.timeNs ?? 0;
    this.#lose('malformed', side.stream.dropFront());
    if (!side.atStart) {
      this.#loseSight(side);
      return;
    }
    if (!side.isRequest && side.exchange && !this.#exchanges.pairing.pipelined) {
      this.#exchanges.giveUp(side.exchange, 'malformed_response');
      this.#resync(side);
      return;
    }
    this.#damage(side, timeNs);
  }

  /** The head of a message crossed at `timeNs`, and was not captured as far as it is needed. */
  #cut(side: Side, timeNs: number): void {
    if (side.isRequest) this.#session.context.headCut(this.#session.connection);
    this.#damage(side, timeNs);
  }

  /** Messages of this direction, up to `timeNs`, were lost or cannot be read. */
  #damage(side: Side, timeNs: number): void {
    this.#missed(side, timeNs);
    this.#resync(side);
  }

  /** There may have been messages of this direction, up to `timeNs`. */
  #missed(side: Side, timeNs: number): void {
    if (side.isRequest) this.#exchanges.requestsLost(timeNs);
    else this.#exchanges.giveUpBefore(timeNs);
  }

  #resync(side: Side): void {
    this.decoder.reset(this.#state, side.isRequest);
    side.mode = Mode.sync;
    side.atStart = true;
    side.finishing = side.decided = false;
    side.exchange = undefined;
    this.#earlyTick = side.isRequest ? this.#earlyTick : 0;
  }

  /** Gives up records until one begins with a message. */
  #sync(side: Side): boolean {
    const { stream } = side;
    while (stream.front) {
      if (stream.available > 0 && stream.atRecordStart) {
        const claim = this.#probe(side);
        if (claim === Claim.more && !stream.blocked) return false;
        if (claim === startOf(side)) {
          side.mode = Mode.message;
          side.atStart = true;
          return true;
        }
        side.tries++;
      }
      if (side.tries > MAX_SYNC_TRIES) {
        this.#leave();
        this.#session.giveUp('damaged');
        return false;
      }
      this.#missed(side, stream.front.timeNs);
      this.#lose('unsynchronised', stream.dropFront());
    }
    return false;
  }
}

/** What the first bytes of this direction's messages are to a decoder. */
function startOf(side: Side): Claim {
  return side.isRequest ? Claim.request : Claim.response;
}
