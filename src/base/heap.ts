import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';

/** One half of V8's young generation. */
const SEMI_SPACE_BYTES = 8 << 20;
/** What the heap may grow by from one full collection to the next, in percent of what was alive. */
const GROWTH_PERCENT = 100;
/** Were the young generation of another V8 never to grow, this ends the attempt. */
const MAX_ROUNDS = 10;
const BLOCK_WORDS = 128;

/**
 * Bounds the memory that V8 takes for the sake of speed. Left alone it lets a small heap grow fourfold between two full collections and the young
 * generation to 32 MB: half of the agent's memory, for nothing, since what is not short-lived here is small. With half of the young
 * generation spans begin to outlive it, and moving them costs more than is saved.
 *
 * Limits of the young generation are read when the process starts, before any code of ours; only its growth can be told later. So it is made to
 * grow at once, by objects that survive, and then to stop. For long-running commands, at their start; about 10 ms.
 */
export function boundHeap(): void {
  setFlagsFromString(`--heap-growing-percent=${GROWTH_PERCENT}`);
  for (let round = 0; round < MAX_ROUNDS && semiSpaceBytes() < SEMI_SPACE_BYTES; round++) {
    const semiSpace = semiSpaceBytes();
    setFlagsFromString(`--semi-space-growth-factor=${Math.ceil(SEMI_SPACE_BYTES / semiSpace)}`);
    const survivors: number[][] = [];
    for (let bytes = 0; bytes < 2 * semiSpace; bytes += 8 * BLOCK_WORDS)
      survivors.push(new Array<number>(BLOCK_WORDS).fill(0));
  }
  setFlagsFromString('--semi-space-growth-factor=1');
}

function semiSpaceBytes(): number {
  const young = getHeapSpaceStatistics().find((space) => space.space_name === 'new_space');
  return young === undefined ? SEMI_SPACE_BYTES : young.space_size / 2;
}
