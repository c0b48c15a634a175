import { type Pending, readBy } from '../pending.ts';
import type { Rule } from './rule.ts';

/**
 * A turn of an event loop: what is sent after bytes were received, before any others and before the loop waits again, is because of them. Bytes of a
 * request stand for it; those of a response for whoever the call was made for.
 */
export const turn: Rule = {
  name: 'turn',

  originOf(sent) {
    const { reason, role, connection, turn: now } = sent;
    if (reason === undefined || (role === 'client' && reason.connection === connection)) return undefined;
    return servedWith(readBy(reason), now);
  },
};

/** For whom something is that a thread does in this turn because of what it has received. */
export function servedWith(read: Pending | undefined, turn: number): Pending | undefined {
  if (read === undefined || read.handedOver) return undefined;
  const origin = read.exchange.role === 'server' ? read : read.origin;
  // A thread that never waits for events may have gone on to anything since it answered.
  return origin?.open === false && turn === 0 ? undefined : origin;
}
