import type { DataRecord } from '../capture/records.gen.ts';
import { Stream } from '../connection/stream.ts';
import type { Reading } from '../connection/thread-table.ts';
import type { Ending, TrackedConnection } from '../connection/tracked-connection.ts';
import { byteClass, classify, type ByteClass, type Classification, type Question } from './classifier.ts';
import type { Conversation } from './conversation.ts';
import type { ConversationContext, ConversationOwner } from './conversation-owner.ts';
import type { ConversationPool } from './conversation-pool.ts';
import { Claim, fits, type Datagram, type DatagramDecoder, type Decoder } from './decoder.ts';
import { DatagramExchanges } from './datagram-exchanges.ts';
import type { Next } from './reader.ts';
import type { LiveExchange, Touched } from './live-exchange.ts';
import { Memory } from './memory.ts';

/** What a session needs of the stage it belongs to; one object for all sessions. */
export interface SessionContext extends ConversationContext<Session> {
  readonly decoders: readonly Decoder[];
  readonly datagramDecoders: readonly DatagramDecoder[];
  readonly conversations: ConversationPool<Session>;
  recognised(connection: TrackedConnection<Session>, decoder: Decoder): void;
  recognisedDatagrams(connection: TrackedConnection<Session>): void;
  /** The connection speaks nothing known: what of it was seen so far. */
  unrecognised(
    connection: TrackedConnection<Session>,
    byteClass: ByteClass,
    records: number,
    bytes: number,
  ): void;
}

/** Records (or bytes) of no known protocol until a connection that was seen from its start is given up. */
const MAX_FIRST_RECORDS = 4;
const MAX_FIRST_BYTES = 64;
/** The same for one that was joined in the middle, perhaps of a long body. */
const MAX_JOINED_RECORDS = 32;
/** Records that wait until the other direction bears out what they look like. */
const MAX_HELD_RECORDS = 16;
/** Records without any payload. */
const MAX_EMPTY_RECORDS = 256;

const NO_EXCHANGES: readonly LiveExchange[] = [];
/** One object for all sessions. */
const classification: Classification = { claim: Claim.no, decoder: undefined, sure: false };
const nothing = new Stream();
const question: Question = {
  stream: nothing,
  other: nothing,
  joined: false,
  sentByClient: undefined,
  refuted: undefined,
};

/**
 * Decoding of one connection: finds out which protocol it speaks, then leaves it to a conversation. While the connection is idle the
 * conversation is put away and only a few bits of it are kept.
 */
export class Session implements ConversationOwner<Session> {
  readonly connection: TrackedConnection<Session>;
  readonly context: SessionContext;
  decoder: Decoder | undefined = undefined;
  /** What its first bytes looked like, when they were no known protocol. */
  byteClass: ByteClass | undefined = undefined;
  exchanges = 0;
  #conversation: Conversation<Session> | undefined = undefined;
  /** Of a socket of datagrams. */
  #datagrams: DatagramExchanges<Session> | undefined = undefined;
  provisional = false;
  /** Of the conversation that was put away. */
  #memory = 0;
  #state: unknown = undefined;
  /** An exchange that goes on in the protocol that follows, while that is being found out. */
  #carried: LiveExchange | undefined = undefined;
  /** What it was taken for and is not. */
  #refuted: Decoder | undefined = undefined;
  /** Records that were tried for a protocol, their captured bytes, and all their bytes. */
  #tries = 0;
  #triedBytes = 0;
  #triedLength = 0;
  /** Seen from the first byte of the protocol. */
  #fresh = false;
  /** Both directions stand where the protocol before has left them, as long as nothing was tried. */
  #handedOver = false;
  /** Records were lost before the protocol was known. */
  #holes = false;
  /** The direction whose first bytes are no message of anybody. */
  #unfit: Stream | undefined = undefined;

  constructor(connection: TrackedConnection<Session>, context: SessionContext) {
    this.connection = connection;
    this.context = context;
  }

  get open(): readonly LiveExchange[] {
    if (this.#carried) return [this.#carried];
    return this.#datagrams?.open ?? this.#conversation?.open ?? NO_EXCHANGES;
  }

  /** Name of the protocol, undefined while it is not known. */
  get protocol(): string | undefined {
    return this.decoder?.name ?? this.#datagrams?.decoder.name;
  }

  /** Puts the conversation away if it can be. Returns true if there is none now. */
  rest(): boolean {
    const conversation = this.#conversation;
    if (conversation === undefined) return this.#datagrams?.rest() ?? true;
    if (!conversation.atRest) return false;
    this.#memory = conversation.memory;
    this.#conversation = undefined;
    this.#state = this.context.conversations.give(conversation);
    return true;
  }

  /** Something came in `stream`. */
  onBytes(stream: Stream): Touched {
    return this.decoder ? this.#wake(this.decoder).onBytes(stream) : this.#identify(stream);
  }

  /** Returns the exchange that the datagram belongs to, if it is one, or why it is lost. */
  onDatagram(
    record: DataRecord,
    reason: Reading | undefined,
  ): LiveExchange | 'unrecognised' | 'malformed' | undefined {
    const known = this.#datagrams;
    if (known) {
      const datagram = readWith(known.decoder, record);
      return datagram ? known.take(record, datagram, reason) : 'malformed';
    }
    if (this.connection.transport !== 'udp') return 'unrecognised';
    for (const decoder of this.context.datagramDecoders) {
      const datagram = readWith(decoder, record);
      if (!datagram) continue;
      this.#datagrams = new DatagramExchanges(this, decoder);
      this.connection.decoded = true;
      this.context.recognisedDatagrams(this.connection);
      return this.#datagrams.take(record, datagram, reason);
    }
    return 'unrecognised';
  }

  /** Bytes between what was seen and what waits are lost. */
  onHole(stream: Stream): void {
    if (this.decoder) {
      this.#wake(this.decoder).onHole(stream);
      return;
    }
    this.#holes = true;
    this.#lose(stream.dropSeen());
    stream.crossHole();
    this.#identify(stream);
  }

  /** Returns true while something still waits. */
  onTick(): boolean {
    return this.#conversation?.onTick() ?? false;
  }

  /** No more bytes come in this direction. */
  onStreamEnd(stream: Stream): void {
    this.#conversation?.onStreamEnd(stream);
  }

  onEnd(ending: Ending): void {
    this.#release();
    this.#datagrams?.onEnd(ending);
    // What waited may show another protocol, whose conversation ends as well.
    for (let ended: Conversation<Session> | undefined; this.#conversation !== ended;) {
      ended = this.#conversation;
      ended?.onEnd(ending);
    }
  }

  /** Gives up exchanges on which nothing has happened for `timeoutNs`. Returns true while something is open. */
  onIdle(nowNs: number, timeoutNs: number): boolean {
    if (this.#state !== undefined) this.decoder?.shrink?.(this.#state);
    return (this.#datagrams ?? this.#conversation)?.onIdle(nowNs, timeoutNs) ?? false;
  }

  /** A message is under way whose rest the kernel may only sum up. */
  waitsOnRun(budgetBytes: number): boolean {
    return this.#conversation?.waitsOnRun(budgetBytes) ?? false;
  }

  /** What follows is looked at as a new connection's first bytes, unless it is known what it is. */
  handOver(next: Next | undefined, carried: LiveExchange | undefined): void {
    const { connection, context } = this;
    const { memory } = this.#conversation!;
    const to = next?.to;
    if (next?.origin) connection.origin = next.origin;
    if (next?.opaque !== undefined) {
      this.giveUp(next.opaque);
      return;
    }
    this.#forget();
    this.#carried = carried;
    this.#tries = this.#triedBytes = this.#triedLength = 0;
    this.#fresh = this.#handedOver = true;
    this.#holes = false;
    this.#unfit = undefined;
    const decoder = to === undefined ? undefined : context.decoders.find(({ name }) => name === to);
    if (decoder) {
      const conversation = this.#begin(decoder, memory & Memory.client);
      conversation.onBytes(connection.send);
      if (this.#conversation === conversation) conversation.onBytes(connection.receive);
      return;
    }
    this.#identify(connection.send);
    if (!this.decoder) this.#identify(connection.receive);
  }

  withdraw(open: readonly LiveExchange[]): void {
    for (const exchange of open) this.context.withdrawn(exchange);
    this.#refuted = this.decoder;
    this.#forget();
    this.#fresh = false;
    this.#unfit = undefined;
    this.#identify(this.connection.send);
    if (!this.decoder) this.#identify(this.connection.receive);
  }

  giveUp(byteClass: ByteClass): void {
    const { receive, send } = this.connection;
    this.#forget();
    this.byteClass = byteClass;
    const unread = Math.max(0, receive.end - receive.cursor) + Math.max(0, send.end - send.cursor);
    const records = receive.clear() + send.clear();
    if (records > 0) this.context.lose(this.connection, 'unrecognised', records);
    this.context.unrecognised(this.connection, byteClass, records + this.#tries, unread + this.#triedLength);
  }

  #forget(): void {
    this.#release();
    this.decoder = undefined;
    this.connection.decoded = false;
    this.provisional = false;
    this.#conversation = undefined;
    this.#state = undefined;
  }

  /** What was to be gone on with is over. */
  #release(): void {
    const carried = this.#carried;
    this.#carried = undefined;
    if (carried) this.context.closed(carried);
  }

  #wake(decoder: Decoder): Conversation<Session> {
    return (this.#conversation ??= this.context.conversations.take(this, decoder, this.#memory, this.#state));
  }

  #lose(records: number): void {
    if (records > 0)
      this.context.lose(this.connection, this.#fresh ? 'unrecognised' : 'unsynchronised', records);
  }

  /** Looks which protocol the connection speaks. */
  #identify(stream: Stream): Touched {
    const { connection } = this;
    if (this.#tries === 0 && stream.cursor === 0) this.#fresh = true;
    while (stream.front) {
      if (connection.kernelTls) {
        this.giveUp('ktls');
        return undefined;
      }
      if (stream.available > 0) {
        const { claim, decoder } = this.#classify(stream);
        if (decoder) return this.#adopt(decoder, stream, fits(claim, true));
        if (this.#mayYetBe(claim, stream)) return undefined;
        this.#refuse(claim, stream);
      }
      if (!this.#dropTried(stream)) return undefined;
    }
    const other = this.#otherOf(stream);
    if (this.#unfit === stream && other.front) this.#identify(other);
    return undefined;
  }

  /** Whose the bytes are will be known by what follows, or by the other direction: not where its first bytes are no answer to anything. */
  #mayYetBe(claim: Claim, stream: Stream): boolean {
    if (claim === Claim.more) return !stream.blocked;
    const unanswered = this.#unfit === undefined || this.#unfit === stream;
    return claim === Claim.like && unanswered && stream.held <= MAX_HELD_RECORDS;
  }

  /** Nobody decodes the bytes at the cursor. */
  #refuse(claim: Claim, stream: Stream): void {
    const { window, at, limit } = stream;
    this.byteClass ??= byteClass(window, at, limit);
    this.#triedBytes += limit - at;
    const isFirst = stream.cursor === 0 && this.#fresh && !this.#holes;
    if (isFirst && claim === Claim.no) this.#unfit ??= stream;
  }

  /** Lets go of the record at the cursor. False if there is no hope any more: the connection is given up. */
  #dropTried(stream: Stream): boolean {
    this.#triedLength += stream.front!.end - stream.cursor;
    const records = stream.dropFront();
    this.#tries += Math.max(1, records);
    if (!this.#hopeless()) {
      this.#lose(records);
      return true;
    }
    this.context.lose(this.connection, 'unrecognised', records);
    this.giveUp(this.byteClass ?? 'empty');
    return false;
  }

  /** Whose the bytes at the cursor are, of which protocol. */
  #classify(stream: Stream): Classification {
    const { receive, accepted } = this.connection;
    question.stream = stream;
    question.other = this.#otherOf(stream);
    question.joined = !this.#fresh;
    question.sentByClient = accepted === undefined ? undefined : accepted === (stream === receive);
    question.refuted = this.#refuted;
    return classify(this.context.decoders, question, classification);
  }

  #otherOf(stream: Stream): Stream {
    const { send, receive } = this.connection;
    return stream === receive ? send : receive;
  }

  #hopeless(): boolean {
    if (this.#triedBytes === 0) return this.#tries >= MAX_EMPTY_RECORDS;
    if (!this.#fresh) return this.#tries >= MAX_JOINED_RECORDS;
    return this.#tries >= MAX_FIRST_RECORDS || this.#triedBytes >= MAX_FIRST_BYTES;
  }

  #adopt(decoder: Decoder, stream: Stream, isRequest: boolean): Touched {
    const { connection } = this;
    const other = this.#otherOf(stream);
    const fresh = this.#fresh && stream.cursor === 0;
    if (fresh) other.start(0);
    const exact = this.#handedOver && this.#tries === 0 && !this.#holes;
    const isClient = (stream === connection.send) === isRequest;
    this.provisional = !classification.sure;
    const conversation = this.#begin(decoder, isClient ? Memory.client : 0);
    if (!exact && (!fresh || other.cursor !== 0)) conversation.join(stream, other, this.#holes);
    return conversation.onBytes(stream);
  }

  #begin(decoder: Decoder, memory: number): Conversation<Session> {
    const { connection } = this;
    if (connection.transport === 'unix') connection.accepted ??= (memory & Memory.client) === 0;
    this.decoder = decoder;
    this.#handedOver = false;
    connection.decoded = true;
    this.byteClass = undefined;
    this.#tries = this.#triedBytes = this.#triedLength = 0;
    this.#memory = memory;
    this.context.recognised(connection, decoder);
    const conversation = this.#wake(decoder);
    const carried = this.#carried;
    this.#carried = undefined;
    if (carried) conversation.carry(carried);
    return conversation;
  }
}

function readWith(decoder: DatagramDecoder, record: DataRecord): Datagram | undefined {
  const { payload, length, localPort, remotePort } = record;
  const cut = payload.length < length;
  return decoder.readDatagram(payload, 0, payload.length, cut, Math.min(localPort, remotePort));
}
