import { Flag } from '../capture/records.gen.ts';
import type { Ending } from '../connection/tracked-connection.ts';
import type { ConversationOwner } from './conversation-owner.ts';
import type { FifoDecoder } from './decoder.ts';
import { endWithConnection } from './ending.ts';
import type { Incomplete } from './exchange.ts';
import { hopKey } from './hop.ts';
import { LiveExchange, type FirstByte } from './live-exchange.ts';
import { Memory } from './memory.ts';
import { FifoPairing } from './pairing.ts';
import { Mode, type Side } from './side.ts';

/**
 * The exchanges of one conversation: opened by requests, answered by responses, and ended by the end of either, by that of the connection, by
 * time, or where it is not certain any more what belongs to them.
 */
export class Exchanges<S> {
  readonly pairing = new FifoPairing();
  #owner: ConversationOwner<S>;
  readonly #decoder: FifoDecoder;
  #state: unknown;
  readonly #request: Side;
  readonly #response: Side;
  /** The next request follows lost ones. */
  #damaged = false;

  constructor(owner: ConversationOwner<S>, decoder: FifoDecoder, request: Side, response: Side) {
    this.#owner = owner;
    this.#decoder = decoder;
    this.#request = request;
    this.#response = response;
  }

  /** Goes on with those of a conversation that was left with `memory`. Nothing is open. */
  resume(owner: ConversationOwner<S>, memory: number, state: unknown): void {
    const { pairing } = this;
    this.#owner = owner;
    this.#state = state;
    this.#damaged = (memory & Memory.damaged) !== 0;
    pairing.reset();
    pairing.pipelined = (memory & Memory.pipelined) !== 0;
    pairing.interleaved = (memory & Memory.interleaved) !== 0;
    pairing.adrift = (memory & Memory.adrift) !== 0;
    pairing.orphaned = (memory & Memory.orphaned) !== 0;
  }

  get memory(): number {
    const { pairing } = this;
    return (
      (pairing.pipelined ? Memory.pipelined : 0) |
      (pairing.interleaved ? Memory.interleaved : 0) |
      (pairing.adrift ? Memory.adrift : 0) |
      (pairing.orphaned ? Memory.orphaned : 0) |
      (this.#damaged ? Memory.damaged : 0)
    );
  }

  /** A request began at `first`. It may be over at once: its response may have been lost. */
  open(isClient: boolean, first: FirstByte, request: unknown): void {
    const { connection, context } = this.#owner;
    const role = isClient ? 'client' : 'server';
    const hop = hopKey(connection, isClient, first.position);
    const exchange = new LiveExchange(this.#decoder.name, role, connection, first, request, hop);
    exchange.patient = this.#decoder.isPatient?.(request) ?? false;
    exchange.afterDamage = this.#damaged;
    this.#damaged = false;
    if (this.pairing.open.length >= context.maxOpen) {
      this.giveUp(this.pairing.open[0]!, 'response_lost');
      this.pairing.owe();
    }
    this.pairing.add(exchange);
    if ((first.flags & Flag.unsure) !== 0) exchange.incomplete = 'position_unsure';
    this.#request.exchange = exchange;
    this.#owner.exchanges++;
    context.opened(exchange);
    if (this.pairing.mayBeLost(exchange)) this.giveUp(exchange, 'response_lost');
  }

  /** A response began at `timeNs`: 'wait' if its request may be late. Undefined where it is not certain, or nobody's. */
  answer(timeNs: number): LiveExchange | 'wait' | undefined {
    const { pairing } = this;
    const { pipelined } = pairing;
    const match = pairing.match(timeNs);
    if (match === 'wait') return match;
    if (match === 'orphan') return undefined;
    if (pairing.pipelined && !pipelined) {
      const { capture } = this.#decoder;
      const own = capture.pipelined === undefined ? undefined : capture;
      this.#owner.context.pipelined(this.#owner.connection, own);
    }
    if (!pairing.uncertain(match)) return match;
    this.giveUpBefore(timeNs);
    return undefined;
  }

  /** The last byte of its request has come. */
  requestEnded(exchange: LiveExchange): void {
    exchange.requestEnded = true;
    if (!exchange.answered) return;
    if (exchange.response === undefined)
      exchange.endNs = Math.max(exchange.endNs, this.#request.stream.endNs);
    this.#close(exchange);
  }

  /** The last byte of its response has come. */
  responseEnded(exchange: LiveExchange): void {
    exchange.answered = true;
    this.#owner.provisional = false;
    exchange.endNs = Math.max(exchange.startNs, this.#response.stream.endNs);
    if (exchange.requestEnded || this.#requestOver(exchange)) {
      exchange.requestEnded = true;
      this.#close(exchange);
    }
  }

  /** The response is complete; will the rest of the request come? */
  #requestOver(exchange: LiveExchange): boolean {
    const side = this.#request;
    if (side.exchange !== exchange) return true;
    const over = side.mode === Mode.turn || this.#decoder.abandoned(exchange.request, this.#state);
    if (over && side.mode !== Mode.turn) side.exchange = undefined;
    return over;
  }

  /** Requests up to `timeNs` may have been lost. */
  requestsLost(timeNs: number): void {
    this.#damaged = true;
    this.pairing.requestsLost(timeNs);
  }

  /** There may have been other requests in what was read. A client is taken for one that waits, unless it is known to pipeline. */
  requestsDoubtful(): void {
    if (!this.#damaged) this.pairing.orphaned = true;
    this.#damaged = true;
  }

  /** Ends all exchanges but one that a response up to `timeNs` may have answered: it is not known which. True if there were any. */
  giveUpBefore(timeNs: number, but?: LiveExchange): boolean {
    this.pairing.responsesLost(timeNs);
    const doubtful = this.pairing.open.filter((e) => !e.answered && e !== but && e.startNs <= timeNs);
    for (const exchange of doubtful) this.giveUp(exchange, 'response_lost');
    return doubtful.length > 0;
  }

  /** Ends an exchange of which the rest cannot be known. */
  giveUp(exchange: LiveExchange, why: Incomplete): void {
    if (!exchange.answered) {
      exchange.incomplete = exchange.response === undefined ? why : 'end_unseen';
      exchange.endNs = Math.max(exchange.startNs, this.#owner.connection.lastNs);
    }
    this.#close(exchange);
  }

  giveUpAll(): void {
    for (const exchange of [...this.pairing.open]) this.giveUp(exchange, 'response_lost');
  }

  /** The connection is over. */
  end(ending: Ending): void {
    for (const exchange of [...this.pairing.open]) {
      if (!exchange.answered && !this.#endUnseen(exchange) && !this.#isAll(exchange))
        endWithConnection(exchange, this.#owner.connection, ending);
      this.#close(exchange);
    }
  }

  /** Nothing has happened since long before `endNs`. */
  timeOut(endNs: number): void {
    for (const exchange of [...this.pairing.open]) {
      if (exchange.patient) continue;
      if (!exchange.answered && !this.#endUnseen(exchange) && !this.#isAll(exchange)) {
        if (exchange !== this.#response.exchange) this.pairing.owe();
        exchange.failure = 'timeout';
        exchange.endNs = endNs;
      }
      this.#close(exchange);
    }
  }

  /** The exchange goes on in another protocol. */
  release(exchange: LiveExchange): void {
    this.pairing.remove(exchange);
    if (this.#request.exchange === exchange) this.#request.exchange = undefined;
    if (this.#response.exchange === exchange) this.#response.exchange = undefined;
  }

  /** True if the response came and only its end could not be told. */
  #endUnseen(exchange: LiveExchange): boolean {
    const side = this.#response;
    if (exchange !== side.exchange || side.mode !== Mode.turn) return false;
    exchange.incomplete = 'end_unseen';
    exchange.endNs = Math.max(exchange.startNs, side.stream.endNs);
    return true;
  }

  /** True if nobody need answer what came of the request, and nobody has begun to. What comes next is another request. */
  #isAll(exchange: LiveExchange): boolean {
    const side = this.#request;
    if (exchange !== side.exchange || side.mode !== Mode.message || side.finishing) return false;
    if (exchange.response !== undefined || this.#decoder.mayBeAll?.(exchange.request) !== true) return false;
    exchange.endNs = Math.max(exchange.startNs, side.stream.endNs);
    side.atStart = true;
    this.#decoder.reset(this.#state, true);
    return true;
  }

  #close(exchange: LiveExchange): void {
    this.release(exchange);
    this.#owner.context.closed(exchange);
  }
}
