import type { LinkStrategy } from './strategy.ts';

/** A server span's parent is the client span of the same hop: both ends computed the same key from the socket. */
export const hop: LinkStrategy = {
  name: 'hop',

  parentOf({ exchange, hop }, placed) {
    if (exchange.role !== 'server' || hop === undefined) return undefined;
    if (hop.client !== undefined && !hop.client.dropped) {
      return { context: placed(hop.client), remote: false, confidence: 1 };
    }
    // A client that was filtered has no span to hang on.
    if (hop.clientLeft === undefined || hop.clientLeft === 'dropped') return undefined;
    return { context: hop.clientLeft, remote: false, confidence: 1 };
  },
};
