import type { Rule } from './rule.ts';

/**
 * A thread that serves one request at a time: what it sends between reading the request and answering it is for that request. Where it has
 * waited for events of several descriptors in between it is an event loop, of which this cannot be said.
 */
export const thread: Rule = {
  name: 'thread',

  originOf({ tid, turn }, serving) {
    const sole = serving.soleOf(tid);
    return sole?.exchange.turn === turn ? sole : undefined;
  },
};
