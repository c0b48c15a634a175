import { Step } from '../decoder.ts';
import type { Reader } from '../reader.ts';
import type { MemcachedRequest, MemcachedResponse } from './memcached-message.ts';

/** Where a direction stands. */
export const Phase = {
  start: 0,
  /** The message goes on with another command, or another line or packet of the response. */
  next: 1,
  /** A value's bytes are being skipped; the end of its line follows. */
  valueEnd: 2,
  end: 3,
  /** The request ends here and nobody answers. */
  unanswered: 4,
  /** Nobody knows how it goes on. */
  lost: 5,
  toClose: 6,
} as const;

export interface Side<Message> {
  phase: number;
  /** What follows the end of a value's line. */
  after: number;
  message: Message | undefined;
  /** Of the binary protocol, as the message's first byte says. */
  binary: boolean;
  /** Bytes of the line looked at in vain. */
  scanned: number;
}

export interface MemcachedState {
  request: Side<MemcachedRequest>;
  response: Side<MemcachedResponse>;
}

export function createSide<Message>(): Side<Message> {
  return { phase: Phase.start, after: Phase.start, message: undefined, binary: false, scanned: 0 };
}

export function resetSide(side: Side<unknown>): void {
  side.phase = side.after = Phase.start;
  side.message = undefined;
  side.scanned = 0;
}

/** What a phase that ends the message is said by; undefined for the others. */
export function finalStep(side: Side<unknown>): Step | undefined {
  const { phase } = side;
  if (phase < Phase.end) return undefined;
  if (phase === Phase.toClose) return Step.untilClose;
  resetSide(side);
  if (phase === Phase.end) return Step.end;
  return phase === Phase.lost ? Step.untilTurn : Step.endUnanswered;
}

/** Says the head of the message, unless it was said before. */
export function sayHead<Message>(reader: Reader, side: Side<Message>, message: Message): boolean {
  if (side.message !== undefined) return false;
  side.message = reader.message = message;
  return true;
}
