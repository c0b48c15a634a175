/** Keys and values of BPF maps as bytes; both architectures are little-endian. */

export function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

/** Sum over CPUs of the 64-bit field at `offset` in a value of a per-CPU map, of `size` bytes a CPU. */
export function sumOverCpus(value: Buffer, size: number, offset: number): bigint {
  let sum = 0n;
  for (let at = offset; at < value.length; at += size) sum += value.readBigUInt64LE(at);
  return sum;
}
