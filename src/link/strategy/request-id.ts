import type { LinkStrategy } from './strategy.ts';

/** Ids are unique by custom, not by a specification. */
const CONFIDENCE = 0.99;

/** A client span whose request carries the id of a request that its process serves, and that no other request there carries. */
export const requestId: LinkStrategy = {
  name: 'request_id',

  parentOf({ match }, placed) {
    if (match?.by !== 'request id') return undefined;
    const context = match.inbound.context(placed);
    return context && { context, remote: false, confidence: CONFIDENCE };
  },
};
