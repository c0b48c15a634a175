import type { LiveExchange } from './live-exchange.ts';
import type { Match } from './pairing.ts';

/** What names a request on its connection, among those that the same end has made. */
export type Id = number | string;

/**
 * What a decoder says of the frame that it reads, and asks of the exchanges that are open. The sender of the frame is one end, the other is its
 * peer. What is said to end, ends when the last byte of the frame has come.
 */
export interface Frames {
  /** The sender asks. An open request of it with the same id is given up: its response was lost. */
  request(id: Id, request: unknown): LiveExchange;
  /** The sender tells something that nobody answers: it ends with the frame. */
  oneWay(message: unknown): LiveExchange;
  /** The sender begins to tell something that nobody answers, in several frames of which the last one ends it. */
  tell(id: Id, message: unknown): LiveExchange;
  /** The open request with this id that the sender has made. */
  own(id: Id): LiveExchange | undefined;
  /**
   * The peer's request that the frame answers. `wait`: it may be late, and the decoder returns `Step.wait`; `orphan`: it was never seen. Only
   * where the frame `begins` a response is it waited for and, if it does not come, counted.
   */
  answered(id: Id, begins: boolean): LiveExchange | (typeof Match)[keyof typeof Match];
  /** The exchange is over with this frame. `failure`: its `error.type`, where it did not end well below the protocol. */
  end(exchange: LiveExchange, failure?: string): void;
  /** The open requests of the sender, or of its peer, for which the test is true. */
  select(ofSender: boolean, test: (exchange: LiveExchange) => boolean): LiveExchange[];
}
