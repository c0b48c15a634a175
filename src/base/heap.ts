import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';

/** One half of V8's young generation, at most. */
const SEMI_SPACE_BYTES = 8 << 20;
/** What the heap may grow by from one full collection to the next, in percent of what was alive. */
const GROWTH_PERCENT = 100;
const CHECK_MS = 100;
/** Were the young generation of another V8 never to grow, this ends the attempt. */
const MAX_ROUNDS = 10;
const BLOCK_WORDS = 128;

/**
 * Bounds the memory that V8 takes for the sake of speed. Left alone it lets a small heap grow fourfold between two full collections and the young
 * generation to 32 MB: half of the agent's memory, for nothing, since what is not short-lived here is small. With half of this young
 * generation spans begin to outlive it, and moving them costs more than is saved.
 *
 * V8 reads the limits of the young generation when the process starts, before any code of ours; later it can only be told by which factor to
 * grow. So objects that survive make it grow to the wanted size, some 10 ms, and no further. It shrinks while little happens: then it may grow
 * again. For long-running commands.
 */
export function boundHeap(): void {
  setFlagsFromString(`--heap-growing-percent=${GROWTH_PERCENT}`);
  for (let round = 0; round < MAX_ROUNDS && semiSpaceBytes() < SEMI_SPACE_BYTES; round++) {
    allowGrowth();
    const survivors: number[][] = [];
    const wanted = (2 * semiSpaceBytes()) / 8 / BLOCK_WORDS;
    while (survivors.length < wanted) survivors.push(new Array<number>(BLOCK_WORDS).fill(0));
  }
  allowGrowth();
  setInterval(allowGrowth, CHECK_MS).unref();
}

/** Growing once leads to the wanted size. */
function allowGrowth(): void {
  const factor = Math.max(1, Math.floor(SEMI_SPACE_BYTES / semiSpaceBytes()));
  setFlagsFromString(`--semi-space-growth-factor=${factor}`);
}

function semiSpaceBytes(): number {
  const young = getHeapSpaceStatistics().find((space) => space.space_name === 'new_space')!;
  return young.space_size / 2;
}
