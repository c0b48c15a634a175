import type { Origins } from '../origins.ts';
import type { LinkStrategy } from './strategy.ts';

/** A call's parent is the request that its process was serving when it was made, as a rule found it. */
export function createInside(origins: Origins): LinkStrategy {
  return {
    name: 'inside',

    parentOf(pending, placed) {
      const { origin } = pending;
      const context = origin && placed(origin);
      // A request that was filtered has no span to hang on.
      if (context === undefined) return undefined;
      const link = origins.linkOf(pending);
      return link && { context, remote: false, ...link };
    },
  };
}
