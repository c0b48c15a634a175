import { readAt } from '../pending.ts';
import type { Rule } from './rule.ts';
import { servedWith } from './turn.ts';

/**
 * As `turn`, where several messages were received at once, as on a connection that a whole process shares: each leads to one request or response, in
 * their order. What is sent in a place is because of what came in that place, if in the end as many were sent as had come.
 */
export const batch: Rule = {
  name: 'batch',

  originOf: ({ reason, place, turn }) => servedWith(readAt(reason, place), turn),
};
