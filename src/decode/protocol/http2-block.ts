import type { Reader } from '../reader.ts';
import {
  END_HEADERS,
  HEAD,
  PADDED,
  prefixLength,
  readFrameHead,
  Type,
  type FrameHead,
} from './http2-frame.ts';

/** A header block, in one piece. One object, filled anew for every block. */
export interface HeaderBlock {
  bytes: Uint8Array;
  from: number;
  to: number;
  /** Bytes of its frames. */
  length: number;
  /** It goes on beyond what was captured. */
  cut: boolean;
}

/** How a block was found. */
export const Found = { whole: 0, more: 1, malformed: 2 } as const;
export type Found = (typeof Found)[keyof typeof Found];

const next: FrameHead = { length: 0, type: 0, flags: 0, stream: 0 };
let joined = Buffer.alloc(16_384);

/**
 * Finds the block that begins in the frame at the reader, whose head is `frame`, and goes on in the CONTINUATION frames behind it (RFC 9113, 6.10).
 * `skipped`: bytes before the block besides those that the flags tell.
 */
export function findBlock(reader: Reader, frame: FrameHead, skipped: number, block: HeaderBlock): Found {
  const { bytes, at, limit, blocked } = reader;
  const start = at + HEAD;
  if (limit - start < frame.length && !blocked) return Found.more;
  const padding = (frame.flags & PADDED) !== 0 && limit > start ? bytes[start]! : 0;
  block.bytes = bytes;
  block.from = start + prefixLength(frame.flags) + skipped;
  block.to = start + frame.length - padding;
  block.length = HEAD + frame.length;
  block.cut = block.to > limit;
  if (block.to < block.from) return Found.malformed;
  if (block.cut) {
    block.to = Math.max(block.from, limit);
    if (block.from > limit) block.from = block.to = limit;
    return Found.whole;
  }
  return (frame.flags & END_HEADERS) !== 0 ? Found.whole : joinFragments(reader, frame.stream, block);
}

function joinFragments(reader: Reader, stream: number, block: HeaderBlock): Found {
  const { bytes, at, limit, blocked } = reader;
  let length = 0;
  const add = (from: number, to: number): void => {
    if (joined.length < length + to - from) joined = Buffer.concat([joined], (length + to - from) * 2);
    joined.set(bytes.subarray(from, to), length);
    length += to - from;
  };
  add(block.from, block.to);
  let frame = at + block.length;
  for (let last = false; !last; frame += HEAD + next.length) {
    if (limit - frame < HEAD) {
      if (!blocked) return Found.more;
      block.cut = true;
      break;
    }
    readFrameHead(bytes, frame, next);
    if (next.type !== Type.continuation || next.stream !== stream) return Found.malformed;
    if (limit - frame - HEAD < next.length && !blocked) return Found.more;
    const end = Math.min(limit, frame + HEAD + next.length);
    add(frame + HEAD, end);
    last = (next.flags & END_HEADERS) !== 0;
    if (end - frame - HEAD < next.length) {
      block.cut = true;
      frame += HEAD + next.length;
      break;
    }
  }
  block.bytes = joined;
  block.from = 0;
  block.to = length;
  block.length = frame - at;
  return Found.whole;
}

/** Whether a block begins with a status: that of a response, and not of its trailers. An index that is no entry of the static table says nothing. */
export function beginsWithStatus({ bytes, from, to }: HeaderBlock): boolean {
  let at = from;
  // Size updates may stand before the first field.
  while (at < to && (bytes[at]! & 0xe0) === 0x20) {
    const long = (bytes[at]! & 0x1f) === 0x1f;
    at++;
    while (long && at < to && bytes[at]! >= 0x80) at++;
    if (long) at++;
  }
  if (at >= to) return false;
  const first = bytes[at]!;
  const index = first >= 0x80 ? first & 0x7f : first >= 0x40 ? first & 0x3f : first & 0x0f;
  return index >= STATUS_FIRST && index <= STATUS_LAST;
}
/** Entries of the static table with `:status`. */
const STATUS_FIRST = 8;
const STATUS_LAST = 14;
