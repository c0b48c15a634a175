import type { Pending } from '../pending.ts';
import type { Serving } from '../serving.ts';
import type { Rule, Woken } from './rule.ts';

/**
 * The one request that a thread serves. Where it has waited for events of several descriptors since it read that, it is an event loop, of which this
 * cannot be said.
 */
export function servedBy({ tid, turn }: Woken, serving: Serving): Pending | undefined {
  const sole = serving.soleOf(tid);
  return sole?.exchange.turn === turn ? sole : undefined;
}

/** A thread that serves one request at a time: what it sends between reading the request and answering it is for that request. */
export const thread: Rule = {
  name: 'thread',

  originOf: servedBy,
};
