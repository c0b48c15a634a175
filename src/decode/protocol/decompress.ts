import { constants, inflateSync } from 'node:zlib';

const EMPTY = new Uint8Array(0);

/**
 * The beginning of what was compressed: `most` bytes, or fewer where the bytes end or break the rules before.
 *
 * Two formats of literals and copies from what is already there. Work and memory are bounded by `most`, whatever the bytes say.
 */
class Output {
  bytes = EMPTY;
  size = 0;

  over(most: number): this {
    this.bytes = new Uint8Array(most);
    this.size = 0;
    return this;
  }

  get full(): boolean {
    return this.size >= this.bytes.length;
  }

  literal(from: Uint8Array, at: number, end: number): void {
    const last = Math.min(end, at + this.bytes.length - this.size);
    this.bytes.set(from.subarray(at, last), this.size);
    this.size += last - at;
  }

  /** False where it reaches back beyond the beginning. */
  copy(distance: number, length: number): boolean {
    if (distance === 0 || distance > this.size) return false;
    const end = Math.min(this.bytes.length, this.size + length);
    // Byte by byte: a copy may reach into itself.
    for (; this.size < end; this.size++) this.bytes[this.size] = this.bytes[this.size - distance]!;
    return true;
  }

  take(): Uint8Array {
    const taken = this.bytes.subarray(0, this.size);
    this.bytes = EMPTY;
    return taken;
  }
}

const output = new Output();

/** An LZ4 block (lz4_Block_format.md): *( token [length] literals [u16le distance [length]] ). */
export function decompressLz4(bytes: Uint8Array, from: number, to: number, most: number): Uint8Array {
  output.over(most);
  let at = from;
  while (at < to && !output.full) {
    const token = bytes[at++]!;
    let length = token >> 4;
    if (length === 15) for (let more = 255; more === 255 && at < to; length += more) more = bytes[at++]!;
    output.literal(bytes, at, Math.min(to, at + length));
    at += length;
    if (at + 2 > to) break;
    const distance = bytes[at]! | (bytes[at + 1]! << 8);
    at += 2;
    length = token & 15;
    if (length === 15) for (let more = 255; more === 255 && at < to; length += more) more = bytes[at++]!;
    if (!output.copy(distance, length + 4)) break;
  }
  return output.take();
}

/** Raw Snappy (format_description.txt): varint size, *( tag literal | tag distance ). */
export function decompressSnappy(bytes: Uint8Array, from: number, to: number, most: number): Uint8Array {
  output.over(most);
  let at = from;
  while (at < to && bytes[at]! >= 0x80) at++;
  at++;
  while (at < to && !output.full) {
    const tag = bytes[at++]!;
    const kind = tag & 3;
    if (kind === 0) {
      let length = tag >> 2;
      if (length >= 60) {
        const count = length - 59;
        length = littleEndian(bytes, at, Math.min(to, at + count));
        at += count;
      }
      output.literal(bytes, at, Math.min(to, at + length + 1));
      at += length + 1;
      continue;
    }
    const count = kind === 3 ? 4 : kind;
    if (at + count > to) break;
    const low = littleEndian(bytes, at, at + count);
    at += count;
    const distance = kind === 1 ? ((tag >> 5) << 8) | low : low;
    if (!output.copy(distance, kind === 1 ? ((tag >> 2) & 7) + 4 : (tag >> 2) + 1)) break;
  }
  return output.take();
}

/** RFC 1950. Nothing where it is longer than `most`. */
export function decompressZlib(bytes: Uint8Array, from: number, to: number, most: number): Uint8Array {
  try {
    const options = { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength: most };
    return inflateSync(bytes.subarray(from, to), options);
  } catch {
    return EMPTY;
  }
}

/**
 * The body of a CQL envelope: LZ4 (i32 length, block) or Snappy. Where it is not known which a first byte of 0 tells that the length has four bytes.
 */
export function decompressBody(
  compression: string | undefined,
  bytes: Uint8Array,
  from: number,
  to: number,
  most: number,
): Uint8Array {
  const lz4 = compression === undefined ? bytes[from] === 0 : compression === 'lz4';
  return lz4 ? decompressLz4(bytes, from + 4, to, most) : decompressSnappy(bytes, from, to, most);
}

function littleEndian(bytes: Uint8Array, from: number, to: number): number {
  let value = 0;
  for (let i = to - 1; i >= from; i--) value = value * 256 + bytes[i]!;
  return value;
}
