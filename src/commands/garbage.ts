import { getHeapSpaceStatistics } from 'node:v8';

const EVERY_MS = 60_000;
/** Less is not worth a collection. */
const WORTH_BYTES = 2 * 1024 * 1024;
/** Where V8 keeps what has outlived the young generation. */
const SPACES = new Set(['old_space', 'large_object_space']);

/** Bytes that have outlived the young generation, dead or alive, with the memory of buffers. */
function outlivedBytes(): number {
  let bytes = process.memoryUsage().arrayBuffers;
  for (const { space_name, space_used_size } of getHeapSpaceStatistics())
    if (SPACES.has(space_name)) bytes += space_used_size;
  return bytes;
}

/**
 * Collects, once a minute, what V8 would leave for long: it comes for what has outlived the young generation only when that has grown by half. At a
 * moderate load this takes many minutes, in which memory creeps up as if there were a leak. Not all of it goes back to the system: of 207 MB with a full
 * queue 13 did at once, where 53 were garbage. Records wait in the ring meanwhile. Needs --expose-gc; does nothing without. Returns what ends it.
 */
export function collectGarbage(
  collect: (() => void) | undefined = globalThis.gc,
  outlived = outlivedBytes,
): () => void {
  if (collect === undefined) return () => {};
  let alive = outlived();
  const timer = setInterval(() => {
    if (outlived() - alive < WORTH_BYTES) return;
    collect();
    alive = outlived();
  }, EVERY_MS);
  timer.unref();
  return () => clearInterval(timer);
}
