import type { Rule } from './rule.ts';
import { servedBy } from './thread.ts';

/**
 * A pool whose results are waited for: the thread that reads the response of a call wakes the one that waits for it, and whatever request that one
 * serves is what the call was made for. Of locks the kernel's side tells nothing (bpf/futex.bpf.h).
 */
export const completion: Rule = {
  name: 'completion',

  originOfWoken: servedBy,
};
