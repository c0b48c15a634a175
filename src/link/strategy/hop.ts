import type { LinkStrategy } from './strategy.ts';

/** A server span's parent is the client span of the same hop: both ends computed the same key from the socket. */
export const hop: LinkStrategy = {
  name: 'hop',

  parentOf({ exchange, hop }, placed) {
    if (exchange.role !== 'server' || hop === undefined) return undefined;
    const context = hop.client === undefined ? hop.clientLeft : placed(hop.client);
    // A client that was filtered, or whose process makes its own spans, has no span to hang on.
    if (context === undefined || context === 'dropped') return undefined;
    return { context, remote: false, confidence: 1 };
  },
};
