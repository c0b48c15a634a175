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
 */
export class FifoPairing {
  /** Oldest first; answered ones are at the front, waiting for the end of their request. */
  open: LiveExchange[] = NONE;
  /** More than one request was once under way. */
  pipelined = false;
  /** Responses that are still due to exchanges which were given up. */
  #debt = 0;
  /** There were responses without a request since requests were lost. */
  orphaned = false;

  /** Of another connection, with nothing open or owed. */
  reset(pipelined: boolean, orphaned: boolean): void {
    this.pipelined = pipelined;
    this.orphaned = orphaned;
  }

  add(exchange: LiveExchange): void {
    if (this.open === NONE) {
      // A literal of one: push() on an empty array reserves room for 17, at every request.
      this.open = [exchange];
      return;
    }
    if (this.unanswered) this.pipelined = true;
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
    return exchange;
  }

  /**
   * Whether the lost requests before this exchange may still be answered. A client that waits for each response shows it by their
   * responses, which came without requests; of one that pipelines nothing can be told.
   */
  uncertain(exchange: LiveExchange): boolean {
    return exchange.afterDamage && (this.pipelined || !this.orphaned);
  }

  orphan(): void {
    this.orphaned = true;
  }

  /** Requests were lost from here on. */
  damaged(): void {
    this.orphaned = false;
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
