import type { LiveExchange } from './live-exchange.ts';

/** Whom a response answers, when that is not an exchange. */
export const Match = {
  /** No request is open: its record may be late. */
  wait: 'wait',
  /** Its request was never seen. */
  orphan: 'orphan',
} as const;

const NONE: LiveExchange[] = [];

/**
 * Responses come in the order of the requests. Records do not quite come in the order of time, so a response may be there before its
 * request; and requests or responses may be lost. A response is therefore only paired with a request that began before it, and never with
 * one of which it is not certain that it is the next unanswered one: a wrong pair is worse than a missing one.
 *
 * What is certain after a loss depends on the client. One that waits for each response, or for all of those it has asked for, has nothing
 * outstanding when it asks again. Of one that always has something outstanding it is not known any more which response is whose.
 */
export class FifoPairing {
  /** Oldest first; answered ones are at the front, waiting for the end of their request. */
  open: LiveExchange[] = NONE;
  /** A response came while a later request was under way. */
  pipelined = false;
  /** A request was made between the responses to two earlier ones. */
  interleaved = false;
  /** Something was lost of a connection with requests interleaved: nothing is certain until its end. */
  adrift = false;
  /** A response without a request came after requests were lost. */
  orphaned = false;
  /** Responses that are still due to exchanges which were given up. */
  #debt = 0;
  /** Requests, and responses, up to then may have been lost. */
  #requestsLostNs = 0;
  #responsesLostNs = 0;
  /** When the last response began that was paired. */
  #pairedNs = 0;

  /** Of another connection, with nothing open or owed. The flags are the caller's to set. */
  reset(): void {
    this.#requestsLostNs = this.#responsesLostNs = this.#pairedNs = 0;
  }

  add(exchange: LiveExchange): void {
    if (this.open === NONE) {
      // A literal of one: push() on an empty array reserves room for 17, at every request.
      this.open = [exchange];
      return;
    }
    this.open.push(exchange);
  }

  /** Nothing is open or owed. */
  get atRest(): boolean {
    return this.open.length === 0 && this.#debt === 0;
  }

  /** The first exchange whose response is not complete. */
  get unanswered(): LiveExchange | undefined {
    const { open } = this;
    for (let i = 0; i < open.length; i++) if (!open[i]!.answered) return open[i];
    return undefined;
  }

  /** Who is answered by a response whose first byte crossed at `timeNs`. */
  match(timeNs: number): LiveExchange | 'wait' | 'orphan' {
    if (this.#debt > 0) {
      this.#debt--;
      return Match.orphan;
    }
    const exchange = this.unanswered;
    if (!exchange) return Match.wait;
    if (exchange.startNs > timeNs) return Match.orphan;
    if (this.open.length > 1) this.#observe(exchange, timeNs);
    this.#pairedNs = timeNs;
    return exchange;
  }

  /** Looks how the client asks: the response of `exchange` began at `timeNs`. */
  #observe(exchange: LiveExchange, timeNs: number): void {
    for (let i = this.open.length - 1; this.open[i] !== exchange; i--) {
      const { startNs } = this.open[i]!;
      if (startNs > timeNs) continue;
      this.pipelined = true;
      if (exchange.startNs < this.#pairedNs && startNs > this.#pairedNs) this.interleaved = true;
      return;
    }
  }

  /**
   * Whether the lost requests before this exchange may still be answered. A client that waits for each response shows it by their
   * responses, which came without requests; of one that pipelines nothing can be told.
   */
  uncertain(exchange: LiveExchange): boolean {
    return this.adrift || (exchange.afterDamage && (this.pipelined || !this.orphaned));
  }

  /** Whether the response of an exchange may be among those that were lost. */
  mayBeLost(exchange: LiveExchange): boolean {
    return exchange.startNs <= this.#responsesLostNs;
  }

  /** A response that began at `timeNs` has no request. */
  orphan(timeNs: number): void {
    if (timeNs > this.#requestsLostNs) this.orphaned = true;
  }

  /** Requests up to `timeNs` may have been lost. */
  requestsLost(timeNs: number): void {
    this.#requestsLostNs = Math.max(this.#requestsLostNs, timeNs);
    this.orphaned = false;
    this.adrift ||= this.interleaved;
  }

  /** Responses up to `timeNs` may have been lost. */
  responsesLost(timeNs: number): void {
    this.#responsesLostNs = Math.max(this.#responsesLostNs, timeNs);
    this.adrift ||= this.interleaved || (this.pipelined && this.#debt > 0);
    this.#debt = 0;
  }

  /** The response of an exchange that is given up may still come. */
  owe(): void {
    this.#debt++;
  }

  remove(exchange: LiveExchange): void {
    const i = this.open.indexOf(exchange);
    if (i < 0) return;
    if (this.open.length === 1) this.open = NONE;
    else if (i === 0) this.open.shift();
    else this.open.splice(i, 1);
  }
}
