import { noteOf } from '../pending.ts';
import type { Rule } from './rule.ts';

/**
 * As `turn`, for a request on the very connection whose response was just read. Where connections are to be had it is the same caller that goes on;
 * where callers queue for them it is whoever waited longest, of whom nothing is known.
 */
export const reuse: Rule = {
  name: 'reuse',

  originOf({ reason, role, connection }) {
    if (role !== 'client' || reason?.connection !== connection) return undefined;
    const read = noteOf(reason.exchange);
    return read?.handedOver ? undefined : read?.origin;
  },
};
