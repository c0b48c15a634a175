import { namesSpan } from '../context/context.ts';
import type { LinkStrategy } from './strategy.ts';

/** The parent that the request itself names: whoever sent it knew. */
export const header: LinkStrategy = {
  name: 'header',

  parentOf({ traceContext }) {
    if (traceContext === undefined || !namesSpan(traceContext)) return undefined;
    return { context: traceContext, remote: true, confidence: 1 };
  },
};
