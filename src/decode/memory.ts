/** Bits of what an idle conversation is kept as. */
export const Memory = {
  client: 1,
  syncRequest: 2,
  syncResponse: 4,
  pipelined: 8,
  damaged: 16,
  orphaned: 32,
  interleaved: 64,
  adrift: 128,
  bulky: 256,
} as const;
