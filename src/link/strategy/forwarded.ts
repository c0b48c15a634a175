import type { LinkStrategy } from './strategy.ts';

/**
 * A client span whose request carries the trace context of a request that its process serves: a proxy that passes headers on untouched. The
 * span that the header names is the sender's of the first request, and the one served here stands between.
 */
export const forwarded: LinkStrategy = {
  name: 'header',

  parentOf({ match }, placed) {
    if (match?.by !== 'trace context') return undefined;
    const context = match.inbound.context(placed);
    return context && { context, remote: false, confidence: 1 };
  },
};
