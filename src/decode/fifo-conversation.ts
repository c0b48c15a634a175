import type { Chunk } from '../connection/chunk.ts';
import type { Stream } from '../connection/stream.ts';
import type { Ending } from '../connection/tracked-connection.ts';
import { Conversation, first, shared } from './conversation.ts';
import type { ConversationOwner } from './conversation-owner.ts';
import { Claim, Step, fits, type FifoDecoder } from './decoder.ts';
import { Exchanges } from './exchanges.ts';
import { answerOf, type LiveExchange } from './live-exchange.ts';
import type { Reader } from './reader.ts';
import { Mode, type Side } from './side.ts';

/** Drains a response waits for its request's record. */
const EARLY_TICKS = 2;

/** Messages of which the responses come in the order of the requests. */
export class FifoConversation<S> extends Conversation<S> {
  readonly decoder: FifoDecoder;
  readonly #exchanges: Exchanges<S>;
  /** Since when a response waits for its request. */
  #earlyTick = 0;

  constructor(session: ConversationOwner<S>, decoder: FifoDecoder, memory: number, state: unknown) {
    super(session, state);
    this.decoder = decoder;
    this.#exchanges = new Exchanges(session, decoder, this.fromClient, this.fromServer);
    this.resume(session, memory, state);
  }

  override resume(session: ConversationOwner<S>, memory: number, state: unknown): this {
    this.#exchanges.resume(session, memory, state);
    return super.resume(session, memory, state);
  }

  /** Goes on where a message was found in `stream`; what was in `other` before is not known. `holes`: records of either were lost. */
  join(stream: Stream, other: Stream, holes: boolean): void {
    const unknown = this.sideOf(other);
    unknown.mode = Mode.sync;
    this.missed(this.fromClient, stream.endNs);
    if (!unknown.fromClient) this.missed(unknown, other.endNs);
    // Without losses it is a connection that is older than the agent, of a client that is taken for one that waits.
    this.#exchanges.pairing.orphaned = !holes;
  }

  /** Oldest first. */
  get open(): readonly LiveExchange[] {
    return this.#exchanges.pairing.open;
  }

  get busy(): boolean {
    return this.open.length > 0;
  }

  /** Bytes between what was seen and what waits are lost. */
  onHole(stream: Stream): void {
    const side = this.sideOf(stream);
    const behindNs = stream.waitingNs;
    if (side.finishing) {
      // The skip under way ends inside the hole; what else was in there is not known.
      side.finishing = false;
      if (side.exchange && !side.fromClient) side.exchange.incomplete = 'end_unseen';
      this.#finish(side);
    }
    this.lose('unsynchronised', stream.dropSeen());
    if (side.fromClient && !side.atStart) {
      this.missed(side, behindNs);
      if (side.mode === Mode.message) this.#loseSight(side);
    } else if (side.mode !== Mode.close) {
      this.#damage(side, behindNs);
    }
    stream.crossHole();
    if (!this.over) this.onBytes(stream);
  }

  /** Returns true while something still waits. */
  onTick(): boolean {
    if (this.#earlyTick === 0) return false;
    if (this.session.context.tick() - this.#earlyTick < EARLY_TICKS) return true;
    this.runBoth(this.fromServer);
    return this.#earlyTick !== 0;
  }

  /** No more bytes come in this direction. */
  onStreamEnd(stream: Stream): void {
    const side = this.sideOf(stream);
    if (side.mode === Mode.turn || side.mode === Mode.close) this.#endOpenEnded(side);
  }

  onEnd(ending: Ending): void {
    if (this.#earlyTick !== 0) {
      this.#earlyTick = -EARLY_TICKS;
      this.run(this.fromServer);
    }
    if (!this.over) this.#exchanges.end(ending);
  }

  /** Gives up exchanges on which nothing has happened for `timeoutNs`. Returns true while something is open. */
  onIdle(nowNs: number, timeoutNs: number): boolean {
    if (this.open.length === 0) return false;
    const { lastNs } = this.session.connection;
    if (nowNs - lastNs < timeoutNs) return true;
    this.#exchanges.timeOut(lastNs + timeoutNs);
    return false;
  }

  override get atRest(): boolean {
    return super.atRest && this.#earlyTick === 0 && this.#exchanges.pairing.atRest;
  }

  override get memory(): number {
    return super.memory | this.#exchanges.memory;
  }

  protected override leave(): void {
    this.#exchanges.giveUpAll();
    super.leave();
  }

  protected run(side: Side): void {
    const { stream } = side;
    while (!this.over && stream.cursor <= stream.end) {
      if (side.finishing) {
        side.finishing = false;
        this.#finish(side);
        continue;
      }
      if (side.mode === Mode.turn || side.mode === Mode.close) {
        if (!this.#restEnds(side)) return;
      } else if (side.mode === Mode.sync && !this.sync(side)) return;
      if (side.atStart) {
        const starts = this.#starts(side);
        if (starts === 'waits') return;
        if (starts === 'again') continue;
      }
      const reader = shared.over(stream);
      const step = this.decoder.read(reader, side.fromClient, this.state, side.exchange?.request);
      if (!this.#step(side, step, reader)) return;
    }
  }

  /** Whether a message can be read from here on, or something else was there. */
  #starts(side: Side): 'waits' | 'again' | 'now' {
    if (this.isBlank(side)) {
      if (this.decoder.mayGoOn?.(this.state, side.fromClient)) side.mode = Mode.turn;
      else this.headMissing(side);
      return 'again';
    }
    if (!side.fromClient && !side.decided && side.stream.front) {
      const step = this.decoder.readAside?.(shared.over(side.stream), this.state);
      if (step !== undefined) return this.#step(side, step, shared) ? 'again' : 'waits';
    }
    return this.#begins(side) ? 'now' : 'waits';
  }

  #begins(side: Side): boolean {
    return this.notesFirst(side) && (side.fromClient || this.#answers(side));
  }

  /** Finds the exchange that the response at the cursor answers. False if its request may still come. */
  #answers(side: Side): boolean {
    if (side.decided) return true;
    const exchange = this.#exchanges.answer(first.timeNs);
    if (exchange !== 'wait') side.exchange = exchange;
    else if (this.#isEarly()) return false;
    this.#earlyTick = 0;
    side.decided = true;
    if (!this.isClient && side.exchange !== undefined) side.exchange.answer = answerOf(first);
    this.touch(side, side.exchange);
    return true;
  }

  /** True while the request of a response that is there may still come. */
  #isEarly(): boolean {
    const tick = this.session.context.tick();
    if (this.#earlyTick === 0) this.#earlyTick = tick;
    if (tick - this.#earlyTick >= EARLY_TICKS) return false;
    this.session.context.awaitTick(this.session.connection);
    return true;
  }

  /** Acts on what the decoder answered. False when nothing more can be done now. */
  #step(side: Side, step: Step, reader: Reader): boolean {
    switch (step) {
      case Step.more:
        if (!reader.blocked) return false;
        if (side.atStart) this.headMissing(side);
        else this.#loseSight(side);
        return true;
      case Step.head:
        this.#head(side, reader.message);
        return true;
      case Step.interim:
        return true;
      case Step.endUnanswered:
        if (side.exchange) side.exchange.answered = true;
        this.#end(side, reader);
        return true;
      case Step.end:
        this.#end(side, reader);
        return true;
      case Step.untilTurn:
      case Step.untilClose:
        side.mode = step === Step.untilTurn ? Mode.turn : Mode.close;
        return true;
      case Step.malformed:
        if (this.withdraws()) return false;
        this.#malformed(side);
        return true;
      case Step.handOver:
        this.#handOver(side, reader);
        return false;
      default:
        // Step.wait. What was waited for may never come.
        if (this.#exchanges.pairing.unanswered) return false;
        this.decoder.reset(this.state, side.fromClient);
        return true;
    }
  }

  #end(side: Side, reader: Reader): void {
    if (reader.arrived) this.#finish(side);
    else side.finishing = true;
  }

  /** The exchange at whose end another protocol begins may go on in it. */
  #handOver(side: Side, { next }: Reader): void {
    const { exchange } = side;
    const carried = next?.carries === true ? exchange : undefined;
    if (carried) {
      carried.endNs = Math.max(carried.startNs, side.stream.endNs);
      this.#exchanges.release(carried);
    } else {
      this.#finish(side);
    }
    this.leave();
    this.session.handOver(next, carried);
  }

  #head(side: Side, message: unknown): void {
    side.atStart = false;
    side.tries = 0;
    if (side.fromClient) {
      this.#open(message);
    } else if (side.exchange) {
      side.exchange.response = message;
    } else {
      // Whether it has a body depends on its request, so the next response is looked for.
      this.#exchanges.pairing.orphan(first.timeNs);
      this.session.context.orphan(this.session.connection);
      this.#resync(side);
    }
  }

  #open(request: unknown): void {
    const startNs = this.isClient ? first.startNs : first.timeNs;
    const response = this.fromServer;
    const turning = response.mode === Mode.turn;
    // A client that sends again takes its response for complete, even one that by its head goes on until the close.
    const openEnded = turning || (response.mode === Mode.close && this.open.length === 1);
    // What has come behind it, and looks like the next response, waits to be read.
    if (openEnded && response.stream.endNs <= startNs) this.#endHere(response, Mode.sync);
    this.#exchanges.open(this.isClient, first, request);
    this.touch(this.fromClient, this.fromClient.exchange);
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
    if (side.fromClient) this.#exchanges.requestEnded(exchange);
    else this.#exchanges.responseEnded(exchange);
  }

  /** A message without a visible end has ended with the bytes that were seen. */
  #endOpenEnded(side: Side): void {
    side.stream.skipSeen();
    this.#endHere(side, Mode.sync);
  }

  /** A message without a visible end has ended at the cursor. */
  #endHere(side: Side, next: number): void {
    const message = side.fromClient ? side.exchange?.request : side.exchange?.response;
    this.#doubt(side);
    this.decoder.ended(message, this.state, side.fromClient, side.stream.cursor);
    side.mode = next;
    this.#finish(side);
  }

  /** Uses up bytes of a message without a visible end. True if a message begins at the cursor. */
  #restEnds(side: Side): boolean {
    const { stream } = side;
    while (side.mode === Mode.turn && stream.front) {
      const claim = stream.available > 0 && stream.atRecordStart ? this.probe(side) : Claim.no;
      // Who reads the head of a message by itself has the rest of it in the next record.
      if (claim === Claim.more && !stream.blocked && side.fromClient && this.#mayBegin(side)) return false;
      if (fits(claim, side.fromClient)) {
        if (this.#mayBegin(side)) {
          this.#endHere(side, Mode.message);
          return true;
        }
        if (!side.fromClient && this.#isEarly()) return false;
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
    if (front.enterNs !== 0 || this.isClient || this.#exchanges.pairing.pipelined)
      side.heardNs = front.startNs;
  }

  /** A message without a visible end is over: its bytes may have been those of others as well. */
  #doubt(side: Side): void {
    if (side.fromClient) {
      this.#exchanges.requestsDoubtful();
    } else if (this.open.length > 1) {
      const others = this.#exchanges.giveUpBefore(side.heardNs, side.exchange);
      if (others && side.exchange) side.exchange.incomplete = 'end_unseen';
    }
  }

  /** Only where the next message is due can bytes that look like one end the message before. */
  #mayBegin(side: Side): boolean {
    const { exchange } = side;
    if (side.fromClient) return !exchange || exchange.answered || exchange.response !== undefined;
    return !exchange || this.open[this.open.length - 1] !== exchange;
  }

  /** The framing of a body is lost from here on. */
  #loseSight(side: Side): void {
    this.decoder.reset(this.state, side.fromClient);
    side.mode = Mode.turn;
    side.finishing = false;
  }

  #malformed(side: Side): void {
    const timeNs = side.stream.front?.timeNs ?? 0;
    this.lose('malformed', side.stream.dropFront());
    if (!side.atStart) {
      this.#loseSight(side);
      return;
    }
    if (!side.fromClient && side.exchange && !this.#exchanges.pairing.pipelined) {
      this.#exchanges.giveUp(side.exchange, 'malformed_response');
      this.#resync(side);
      return;
    }
    this.#damage(side, timeNs);
  }

  /** The head of a message crossed at `timeNs`, and was not captured as far as it is needed. */
  protected cut(side: Side, timeNs: number): void {
    if (side.fromClient) this.session.context.headCut(this.session.connection);
    this.#damage(side, timeNs);
  }

  /** Messages of this direction, up to `timeNs`, were lost or cannot be read. */
  #damage(side: Side, timeNs: number): void {
    this.missed(side, timeNs);
    this.#resync(side);
  }

  /** There may have been messages of this direction, up to `timeNs`. */
  protected missed(side: Side, timeNs: number): void {
    this.decoder.lost?.(this.state, side.fromClient);
    if (side.fromClient) this.#exchanges.requestsLost(timeNs);
    else this.#exchanges.giveUpBefore(timeNs);
  }

  #resync(side: Side): void {
    this.decoder.reset(this.state, side.fromClient);
    side.mode = Mode.sync;
    side.atStart = true;
    side.finishing = side.decided = false;
    side.exchange = undefined;
    this.#earlyTick = side.fromClient ? this.#earlyTick : 0;
  }
}
