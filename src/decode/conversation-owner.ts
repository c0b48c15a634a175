import type { LossReason } from '../base/losses.ts';
import type { TrackedConnection } from '../connection/tracked-connection.ts';
import type { ByteClass } from './classifier.ts';
import type { LiveExchange } from './live-exchange.ts';

/** What a conversation needs of its session. */
export interface ConversationOwner<S> {
  readonly connection: TrackedConnection<S>;
  readonly context: ConversationContext<S>;
  /** Exchanges opened so far. */
  exchanges: number;
  /** Both directions go on in another protocol; the conversation is over. */
  handOver(): void;
  /** No message is found any more; the conversation is over. */
  giveUp(byteClass: ByteClass): void;
}

/** What conversations need of the stage; one object for all. */
export interface ConversationContext<S> {
  readonly maxOpen: number;
  opened(exchange: LiveExchange): void;
  closed(exchange: LiveExchange): void;
  /** A response without a request. */
  orphan(connection: TrackedConnection<S>): void;
  /** At least one request whose head was not captured. */
  headCut(connection: TrackedConnection<S>): void;
  lose(connection: TrackedConnection<S>, reason: LossReason<'delivered'>, records: number): void;
  awaitTick(connection: TrackedConnection<S>): void;
  tick(): number;
  pipelined(connection: TrackedConnection<S>): void;
}
