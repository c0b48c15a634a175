import { SlotMap } from '../base/slot-map.ts';
import { Flag } from '../capture/records.gen.ts';
import type { Stream } from '../connection/stream.ts';
import type { Ending } from '../connection/tracked-connection.ts';
import { Conversation, first, shared } from './conversation.ts';
import type { ConversationOwner } from './conversation-owner.ts';
import { Step, type IdDecoder } from './decoder.ts';
import { endWithConnection } from './ending.ts';
import type { Incomplete } from './exchange.ts';
import type { Frames, Id } from './frames.ts';
import { hopKey } from './hop.ts';
import { answerOf, LiveExchange } from './live-exchange.ts';
import { Memory } from './memory.ts';
import { Match } from './pairing.ts';
import type { Reader } from './reader.ts';
import { Mode, type Side } from './side.ts';

/** How long a record may be later than one of another thread or direction that crossed after it. */
const LATE_NS = 20e6;

/** The exchanges that one end has asked for, by id, the one that was heard of longest ago first as far as it was looked at. */
type Asked = SlotMap<Id, LiveExchange>;

/**
 * Messages that name the request they belong to. Any number may be open at a time, in both directions.
 *
 * A lost frame leaves the others as they are: what names no open request is an orphan, and a request whose response may be among what was lost
 * ends with `response_lost` once it is given up, not with a failure.
 */
export class IdConversation<S> extends Conversation<S> implements Frames {
  readonly decoder: IdDecoder;
  readonly #ofClient: Asked = new SlotMap();
  readonly #ofServer: Asked = new SlotMap();
  /** Whose frame is being read, and the exchange that it was last said to belong to. */
  #side: Side;
  #spoken: LiveExchange | undefined = undefined;
  /** What is over when the frame under way has come, by sender. */
  #endingWithClient: LiveExchange[] = [];
  #endingWithServer: LiveExchange[] = [];
  /** Frames up to then may have been lost. */
  #clientLostNs = 0;
  #serverLostNs = 0;
  /** Nothing more comes. */
  #ended = false;
  /** Makes names for what nobody answers, which no id is like: ids are whole numbers or texts. */
  #told = 0.5;
  /** Many frames were seen in one run. */
  #pipelined = false;
  /** A frame was long before that: the kernel was asked to copy less of a run. */
  #bulky = false;

  constructor(session: ConversationOwner<S>, decoder: IdDecoder, memory: number, state: unknown) {
    super(session, state);
    this.decoder = decoder;
    this.#side = this.fromClient;
    this.resume(session, memory, state);
  }

  override resume(session: ConversationOwner<S>, memory: number, state: unknown): this {
    this.#pipelined = (memory & Memory.pipelined) !== 0;
    this.#bulky = (memory & Memory.bulky) !== 0;
    this.#clientLostNs = this.#serverLostNs = 0;
    this.#ended = false;
    return super.resume(session, memory, state);
  }

  override get memory(): number {
    return super.memory | (this.#pipelined ? Memory.pipelined : 0) | (this.#bulky ? Memory.bulky : 0);
  }

  join(stream: Stream, other: Stream): void {
    if (this.decoder.afterLoss === undefined) this.sideOf(other).mode = Mode.sync;
    this.decoder.lost(this.state, true);
    this.decoder.lost(this.state, false);
    this.#note(this.sideOf(stream), stream.endNs);
    this.#note(this.sideOf(other), other.endNs);
  }

  override carry(exchange: LiveExchange): void {
    const id = this.decoder.carry?.(this.state, exchange);
    if (id === undefined) {
      super.carry(exchange);
      return;
    }
    exchange.protocol = this.decoder.name;
    exchange.id = id;
    this.#asked(this.isClient === (exchange.role === 'client')).set(id, exchange);
  }

  get open(): readonly LiveExchange[] {
    return [...this.#ofClient.values(), ...this.#ofServer.values()];
  }

  onHole(stream: Stream): void {
    const side = this.sideOf(stream);
    const behindNs = stream.waitingNs;
    if (side.finishing) {
      // The skip under way ends inside the hole; what else was in there is not known.
      for (const exchange of this.#ending(side)) exchange.incomplete ??= 'end_unseen';
      this.#finish(side);
    }
    this.lose('unsynchronised', stream.dropSeen());
    this.#damage(side, behindNs);
    stream.crossHole();
    if (!this.over) this.onBytes(stream);
  }

  onTick(): boolean {
    const { fromClient, fromServer } = this;
    // What crossed first may be what the other direction waits for.
    const clientFirst = frontNs(fromClient) <= frontNs(fromServer);
    for (const side of clientFirst ? [fromClient, fromServer] : [fromServer, fromClient])
      if (side.waits && !this.over) this.run(side);
    return fromClient.waits || fromServer.waits;
  }

  onStreamEnd(): void {
    // Frames say themselves where they end.
  }

  onEnd(ending: Ending): void {
    const { connection } = this.session;
    // Nothing is late any more, and what waits for it may have others behind it.
    this.#ended = true;
    this.onTick();
    if (this.over) return;
    for (const exchange of this.open) {
      if (this.#mayBeLost(exchange) || exchange.optional) this.#giveUp(exchange, 'response_lost');
      else {
        endWithConnection(exchange, connection, ending);
        this.#close(exchange);
      }
    }
  }

  onIdle(nowNs: number, timeoutNs: number): boolean {
    for (const exchange of this.open) {
      if (!exchange.patient && nowNs - exchange.endNs >= timeoutNs) this.#timeOut(exchange, timeoutNs);
    }
    return this.busy;
  }

  get busy(): boolean {
    return this.#ofClient.size > 0 || this.#ofServer.size > 0;
  }

  override get atRest(): boolean {
    return super.atRest && !this.busy;
  }

  request(id: Id, request: unknown): LiveExchange {
    this.#measureRun();
    const before = this.#asked(this.#side.fromClient).get(id);
    if (before) this.#giveUp(before, 'response_lost');
    return this.#open(this.#side, id, request);
  }

  oneWay(message: unknown): LiveExchange {
    const exchange = this.tell(this.#told++, message);
    this.end(exchange);
    return exchange;
  }

  tell(id: Id, message: unknown): LiveExchange {
    const exchange = this.request(id, message);
    exchange.told = true;
    return exchange;
  }

  own(id: Id): LiveExchange | undefined {
    return this.#heard(this.#asked(this.#side.fromClient).get(id));
  }

  answered(id: Id, begins: boolean): LiveExchange | (typeof Match)[keyof typeof Match] {
    const side = this.#side;
    const exchange = this.#asked(!side.fromClient).get(id);
    if (exchange === undefined || exchange.startNs > first.timeNs) {
      if (begins && this.#isEarly()) return Match.wait;
      if (begins) this.session.context.orphan(this.session.connection);
      return Match.orphan;
    }
    if (begins) this.#measureRun();
    if (exchange.role === 'server') exchange.answer ??= answerOf(first);
    return this.#heard(exchange)!;
  }

  end(exchange: LiveExchange, failure?: string): void {
    if (failure !== undefined) {
      exchange.failure = failure;
      if (exchange.response === undefined && this.#mayBeLost(exchange))
        exchange.incomplete ??= 'response_lost';
    }
    this.#ending(this.#side).push(exchange);
  }

  select(ofSender: boolean, test: (exchange: LiveExchange) => boolean): LiveExchange[] {
    return [...this.#asked(this.#side.fromClient === ofSender).values()].filter(test);
  }

  protected override leave(): void {
    for (const exchange of this.open) this.#giveUp(exchange, 'response_lost');
    super.leave();
  }

  protected run(side: Side): void {
    const { stream } = side;
    while (!this.over && stream.cursor <= stream.end) {
      if (side.finishing) {
        this.#finish(side);
        continue;
      }
      if (side.mode === Mode.sync && !this.sync(side)) return;
      if (this.isBlank(side)) {
        this.headMissing(side);
        continue;
      }
      if (!this.notesFirst(side)) return;
      this.#side = side;
      this.#spoken = undefined;
      const reader = shared.over(stream);
      if (!this.#step(side, this.decoder.read(reader, side.fromClient, this.state, this), reader)) return;
    }
  }

  /**
   * A request or response that begins well behind the start of its run shows that the next one may begin where nothing is copied any more. Frames that
   * go on with a message show nothing but that it is long.
   */
  #measureRun(): void {
    const { capture } = this.decoder;
    const { cursor, runStart } = this.#side.stream;
    if (this.#pipelined || capture.pipelined === undefined) return;
    if (cursor - runStart < (capture.bulk ?? capture.budget ?? 0) / 2) return;
    this.#pipelined = true;
    this.session.context.pipelined(this.session.connection, capture);
  }

  /** Of what follows a long frame no more is to be copied than such need. */
  #measureFrame({ cursor }: Stream): void {
    const { capture } = this.decoder;
    if (capture.bulk === undefined || this.#pipelined || this.#bulky) return;
    if (cursor - first.position < capture.bulk) return;
    this.#bulky = true;
    this.session.context.bulky(this.session.connection, capture);
  }

  /** Acts on what the decoder answered. False when nothing more can be done now. */
  #step(side: Side, step: Step, reader: Reader): boolean {
    if (step !== Step.wait) side.waits = false;
    switch (step) {
      case Step.more:
        if (!reader.blocked) return false;
        this.headMissing(side);
        return true;
      case Step.interim:
        return true;
      case Step.end:
        this.#measureFrame(side.stream);
        side.tries = 0;
        side.finishing = true;
        side.atStart = false;
        // Records of it that are still to come belong to it as well.
        side.exchange = this.#spoken;
        return true;
      case Step.handOver:
        this.#finish(side);
        this.#handOver(reader);
        return false;
      case Step.malformed:
        if (this.withdraws()) return false;
        this.#malformed(side);
        return true;
      default:
        return false;
    }
  }

  #handOver({ next }: Reader): void {
    const carried = next?.carries === true ? this.open[0] : undefined;
    if (carried) this.#asked(this.isClient === (carried.role === 'client')).delete(carried.id);
    this.leave();
    this.session.handOver(next, carried);
  }

  #malformed(side: Side): void {
    const timeNs = side.stream.front?.timeNs ?? 0;
    this.lose('malformed', side.stream.dropFront());
    this.#ending(side).length = 0;
    this.#damage(side, timeNs);
  }

  protected cut(side: Side, timeNs: number): void {
    if (side.fromClient) this.session.context.headCut(this.session.connection);
    this.#damage(side, timeNs);
  }

  /** Frames of this direction, up to `timeNs`, were lost or cannot be read. */
  #damage(side: Side, timeNs: number): void {
    this.missed(side, timeNs);
    const { afterLoss } = this.decoder;
    if (afterLoss !== undefined) {
      this.leave();
      this.session.giveUp(afterLoss);
      return;
    }
    side.mode = Mode.sync;
    side.atStart = true;
    side.finishing = false;
    side.exchange = undefined;
  }

  protected missed(side: Side, timeNs: number): void {
    this.decoder.lost(this.state, side.fromClient);
    this.#note(side, timeNs);
    for (const exchange of [...this.#asked(side.fromClient).values()])
      if (exchange.told) this.#giveUp(exchange, 'end_unseen');
    if (!this.decoder.idsReturn) return;
    for (const exchange of [...this.#asked(!side.fromClient).values()])
      if (exchange.startNs <= timeNs) this.#giveUp(exchange, 'response_lost');
  }

  #note(side: Side, timeNs: number): void {
    if (side.fromClient) this.#clientLostNs = Math.max(this.#clientLostNs, timeNs);
    else this.#serverLostNs = Math.max(this.#serverLostNs, timeNs);
  }

  /** The last byte of a frame has come. */
  #finish(side: Side): void {
    side.finishing = false;
    side.atStart = true;
    side.exchange = undefined;
    const ending = this.#ending(side);
    if (ending.length === 0) return;
    const endNs = side.stream.endNs;
    for (const exchange of ending) {
      if (!this.#isOpen(exchange)) continue;
      exchange.answered = true;
      exchange.endNs = Math.max(exchange.startNs, endNs);
      if (exchange.response !== undefined) this.session.provisional = false;
      this.#close(exchange);
    }
    ending.length = 0;
  }

  #open(side: Side, id: Id, request: unknown): LiveExchange {
    const { connection, context } = this.session;
    const asked = this.#asked(side.fromClient);
    this.#makeRoom(asked);
    const asks = side.fromClient === this.isClient;
    const hop = hopKey(connection, asks, first.position);
    const role = asks ? 'client' : 'server';
    const exchange = new LiveExchange(this.decoder.name, role, connection, first, request, hop);
    exchange.id = id;
    asked.set(id, exchange);
    if ((first.flags & Flag.unsure) !== 0) exchange.incomplete = 'position_unsure';
    this.session.exchanges++;
    context.opened(exchange);
    this.#spoken = exchange;
    this.touch(side, exchange);
    return exchange;
  }

  #heard(exchange: LiveExchange | undefined): LiveExchange | undefined {
    if (exchange === undefined) return undefined;
    exchange.endNs = Math.max(exchange.endNs, first.timeNs);
    this.#spoken = exchange;
    this.touch(this.#side, exchange);
    return exchange;
  }

  /** True while the request of a response that is there may still come. */
  #isEarly(): boolean {
    const { context, connection } = this.session;
    if (this.#ended || context.nowNs() >= first.timeNs + LATE_NS) return false;
    this.#side.waits = true;
    context.awaitTick(connection);
    return true;
  }

  /** A connection may be busy for ever: what was heard of long ago is looked for where something is opened, one a time. */
  #makeRoom(asked: Asked): void {
    const { maxOpen, exchangeTimeoutNs } = this.session.context;
    const exchange = asked.oldest;
    if (exchange === undefined) return;
    if (asked.size >= maxOpen) {
      this.#giveUp(exchange, 'response_lost');
    } else if (!exchange.patient && first.timeNs - exchange.endNs >= exchangeTimeoutNs) {
      this.#timeOut(exchange, exchangeTimeoutNs);
    } else if (exchange.endNs > exchange.startNs || exchange.patient) {
      asked.delete(exchange.id);
      asked.set(exchange.id, exchange);
    }
  }

  #timeOut(exchange: LiveExchange, timeoutNs: number): void {
    if (this.#mayBeLost(exchange) || exchange.optional) {
      this.#giveUp(exchange, 'response_lost');
      return;
    }
    exchange.failure = 'timeout';
    exchange.endNs += timeoutNs;
    this.#close(exchange);
  }

  /** Whether what would end it may be among what was lost. */
  #mayBeLost(exchange: LiveExchange): boolean {
    const endsFromClient = (this.isClient === (exchange.role === 'client')) === exchange.told;
    return exchange.startNs <= (endsFromClient ? this.#clientLostNs : this.#serverLostNs);
  }

  #giveUp(exchange: LiveExchange, why: Incomplete): void {
    if (!exchange.optional || this.#mayBeLost(exchange))
      exchange.incomplete = exchange.response === undefined ? why : 'end_unseen';
    this.#close(exchange);
  }

  #close(exchange: LiveExchange): void {
    if (!this.#isOpen(exchange)) return;
    this.#askedBy(exchange).delete(exchange.id);
    this.session.context.closed(exchange);
  }

  /** What ends with a frame may be given up before that has come. */
  #isOpen(exchange: LiveExchange): boolean {
    return this.#askedBy(exchange).get(exchange.id) === exchange;
  }

  #askedBy({ role }: LiveExchange): Asked {
    return this.#asked(this.isClient === (role === 'client'));
  }

  #asked(byClient: boolean): Asked {
    return byClient ? this.#ofClient : this.#ofServer;
  }

  #ending(side: Side): LiveExchange[] {
    return side.fromClient ? this.#endingWithClient : this.#endingWithServer;
  }
}

function frontNs({ stream }: Side): number {
  return stream.front?.timeNs ?? 0;
}
