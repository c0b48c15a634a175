import type { LossReason } from '../base/losses.ts';
import type { TrackedConnection } from '../connection/tracked-connection.ts';
import type { ByteClass } from './classifier.ts';
import type { Next } from './reader.ts';
import type { Capture } from './decoder.ts';
import type { LiveExchange } from './live-exchange.ts';

/** What a conversation needs of its session. */
export interface ConversationOwner<S> {
  readonly connection: TrackedConnection<S>;
  readonly context: ConversationContext<S>;
  /** Exchanges opened so far. */
  exchanges: number;
  /** The protocol is taken for known by bytes that others may begin with as well, and nothing has shown yet that it is right. */
  provisional: boolean;
  /** Both directions go on with `next`, in which `carried` is gone on with; the conversation is over. */
  handOver(next: Next | undefined, carried: LiveExchange | undefined): void;
  /** It is another protocol: `open` never were exchanges. The conversation is over. */
  withdraw(open: readonly LiveExchange[]): void;
  /** No message is found any more; the conversation is over. */
  giveUp(byteClass: ByteClass): void;
}

/** What conversations need of the stage; one object for all. */
export interface ConversationContext<S> {
  readonly maxOpen: number;
  opened(exchange: LiveExchange): void;
  closed(exchange: LiveExchange): void;
  /** What was opened was no exchange. */
  withdrawn(exchange: LiveExchange): void;
  /** A response without a request. */
  orphan(connection: TrackedConnection<S>): void;
  /** At least one request whose head was not captured. */
  headCut(connection: TrackedConnection<S>): void;
  lose(connection: TrackedConnection<S>, reason: LossReason<'delivered'>, records: number): void;
  awaitTick(connection: TrackedConnection<S>): void;
  tick(): number;
  /** The time up to which everything has been handed over. */
  nowNs(): number;
  readonly exchangeTimeoutNs: number;
  /** Many messages are in one run. `capture`: what is to be copied of it then, where the protocol says that. */
  pipelined(connection: TrackedConnection<S>, capture?: Capture): void;
  /** A message is longer than what is to be copied of such. */
  bulky(connection: TrackedConnection<S>, capture: Capture): void;
}
