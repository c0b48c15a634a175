import type { LinkStrategy } from './strategy.ts';

/** A call's parent by the assignment of what no rule has an answer for. */
export const residual: LinkStrategy = {
  name: 'residual',

  parentOf({ residual }, placed) {
    if (residual === undefined || residual === 'waits') return undefined;
    const context = placed(residual.request);
    const { confidence, heldBack } = residual;
    return context && { context, remote: false, confidence, heldBack };
  },
};
