/** The byte at a position of the stream with this seed: the same function as payload_byte() in test/workload/driver/play.h. */
export function payloadByte(seed: number, position: number): number {
  const high = Math.floor(position / 2 ** 32);
  let h = Math.imul(seed, 0x9e3779b1) + Math.imul(position, 0x85ebca6b) + Math.imul(high, 0xc2b2ae35);
  h ^= h >>> 15;
  h = Math.imul(h, 0x2c1b3c6d);
  h ^= h >>> 12;
  return h & 0xff;
}
