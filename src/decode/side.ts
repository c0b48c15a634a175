import type { Stream } from '../connection/stream.ts';
import type { LiveExchange } from './live-exchange.ts';

/** How a direction is being read. */
export const Mode = {
  /** Looking for a message at the start of each record. */
  sync: 0,
  /** Messages follow each other. */
  message: 1,
  /** Inside a message whose end only a turn, or the next message's start, shows. */
  turn: 2,
  /** Inside a message that ends with the direction. */
  close: 3,
} as const;

/** Reading state of one direction. */
export interface Side {
  readonly fromClient: boolean;
  stream: Stream;
  mode: number;
  /** The next byte begins a message. */
  atStart: boolean;
  /** The message's end is set and has not come. */
  finishing: boolean;
  /** The message read now belongs to it. */
  exchange: LiveExchange | undefined;
  /** Whom the response answers has been decided; without an exchange nobody. */
  decided: boolean;
  /** What is at the cursor waits for the other direction. */
  waits: boolean;
  /** Records looked at in vain. */
  tries: number;
  /** In a message without a visible end: when the last of its bytes set out. */
  heardNs: number;
}

export function createSide(fromClient: boolean, stream: Stream): Side {
  return {
    fromClient,
    stream,
    mode: Mode.message,
    atStart: true,
    finishing: false,
    exchange: undefined,
    decided: false,
    waits: false,
    tries: 0,
    heardNs: 0,
  };
}

/** A side that is at rest goes on in another stream. */
export function resetSide(side: Side, stream: Stream, sync: boolean): void {
  side.stream = stream;
  side.mode = sync ? Mode.sync : Mode.message;
  side.tries = side.heardNs = 0;
}

/** Nothing is half read or waiting. */
export function isAtRest(side: Side): boolean {
  const quiet =
    side.atStart && !side.finishing && !side.decided && !side.waits && side.tries === 0 && !side.exchange;
  return quiet && side.mode <= Mode.message && !side.stream.front && !side.stream.hasWaiting;
}

/** A message is under way in a run of which the kernel has copied all it copies. */
export function runsOn(side: Side, budgetBytes: number): boolean {
  return !side.atStart && side.stream.end - side.stream.runStart >= budgetBytes;
}
