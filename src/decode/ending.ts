import { Direction } from '../capture/records.gen.ts';
import type { Ending, TrackedConnection } from '../connection/tracked-connection.ts';
import type { LiveExchange } from './live-exchange.ts';

/** Ends an exchange that is not answered as its connection ended. */
export function endWithConnection<S>(
  exchange: LiveExchange,
  connection: TrackedConnection<S>,
  ending: Ending,
): void {
  const { closing, lastNs } = connection;
  const silent = ending === 'expired' || ending === 'shutdown' || ending === 'paused';
  const heardNs = Math.max(exchange.startNs, lastNs);
  const awaitsPeer = (exchange.role === 'client') !== exchange.told;
  const lost = connection.lostAtEnd(awaitsPeer ? Direction.receive : Direction.send);
  exchange.endNs = silent || lost ? heardNs : Math.max(exchange.startNs, closing?.endingNs || heardNs);
  if (silent) exchange.incomplete = ending === 'paused' ? 'capture_paused' : 'capture_ended';
  else if (lost) exchange.incomplete = exchange.response === undefined ? 'response_lost' : 'end_unseen';
  else exchange.failure = ending === 'replaced' ? 'connection_closed' : `connection_${ending}`;
}
