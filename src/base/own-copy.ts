/** A copy in memory of exactly its length. Buffer.from() puts small ones into common blocks of 8 KiB, each of which lives as long as anything in it. */
export function ownCopy(bytes: Uint8Array): Buffer {
  const copy = Buffer.allocUnsafeSlow(bytes.length);
  copy.set(bytes);
  return copy;
}
