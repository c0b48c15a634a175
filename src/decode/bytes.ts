/** Numbers and texts in strangers' bytes. Every function expects the caller to have checked that the bytes are there. */

export function u16be(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 8) | bytes[at + 1]!;
}

export function u32be(bytes: Uint8Array, at: number): number {
  return i32be(bytes, at) >>> 0;
}

export function i32be(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!;
}

export function u16le(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8);
}

export function u24le(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16);
}

export function u32le(bytes: Uint8Array, at: number): number {
  return i32le(bytes, at) >>> 0;
}

export function i32le(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
}

/** Unsigned; exact up to 2^53. */
export function u64be(bytes: Uint8Array, at: number): number {
  return u32be(bytes, at) * 4294967296 + u32be(bytes, at + 4);
}

/** Position of the byte in `[from, to)`, -1 if it is not there. */
export function indexOf(bytes: Uint8Array, byte: number, from: number, to: number): number {
  for (let i = from; i < to; i++) if (bytes[i] === byte) return i;
  return -1;
}

/** True if the ASCII text stands at `from`. */
export function startsWith(bytes: Uint8Array, from: number, to: number, text: string): boolean {
  if (to - from < text.length) return false;
  for (let i = 0; i < text.length; i++) if (bytes[from + i] !== text.charCodeAt(i)) return false;
  return true;
}

let wrapped: Buffer = Buffer.alloc(0);
let wrappedOf: Uint8Array = wrapped;

/** Texts come many from one array: the view that makes them is made once. */
function wrap(bytes: Uint8Array): Buffer {
  if (Buffer.isBuffer(bytes)) return bytes;
  if (wrappedOf !== bytes) {
    wrappedOf = bytes;
    wrapped = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  }
  return wrapped;
}

/** UTF-8; what is not becomes U+FFFD. */
export function text(bytes: Uint8Array, from: number, to: number): string {
  return wrap(bytes).toString('utf8', from, to);
}

/** One character a byte. */
export function latin1(bytes: Uint8Array, from: number, to: number): string {
  return wrap(bytes).toString('latin1', from, to);
}
