/**
 * Frames of HTTP/2. RFC 9113, 4.1 and 6.
 *
 *   length(24) type(8) flags(8) R(1)=0 stream(31) payload
 *
 * DATA, HEADERS and PUSH_PROMISE with PADDED: pad-length(8) ... padding. HEADERS with PRIORITY: 5 bytes before the block.
 */
import { startsWith, u32be } from '../bytes.ts';

export const Type = {
  data: 0,
  headers: 1,
  priority: 2,
  rstStream: 3,
  settings: 4,
  pushPromise: 5,
  ping: 6,
  goaway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;

export const END_STREAM = 0x1;
export const ACK = 0x1;
export const END_HEADERS = 0x4;
export const PADDED = 0x8;
export const PRIORITY = 0x20;

export const HEAD = 9;
/** SETTINGS_MAX_FRAME_SIZE until it is set, and its highest value (6.5.2). */
export const DEFAULT_MAX_FRAME = 16_384;
export const MOST_MAX_FRAME = 0xffffff;

export const SETTING_MAX_FRAME = 5;
export const SETTING_LENGTH = 6;

/** What a client begins with (3.4). */
export const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';

/** Error codes in lower case (7). */
const ERRORS: readonly string[] = [
  ...['stream_reset', 'protocol_error', 'internal_error', 'flow_control_error', 'settings_timeout'],
  ...['stream_closed', 'frame_size_error', 'refused_stream', 'cancel', 'compression_error', 'connect_error'],
  ...['enhance_your_calm', 'inadequate_security', 'http_1_1_required'],
];

/** `error.type` of a stream that was ended with the code; `stream_reset` where it does not say why. */
export function errorOf(code: number): string {
  return ERRORS[code] ?? 'stream_reset';
}

/** A frame's first nine bytes. One object, filled anew for every frame. */
export interface FrameHead {
  length: number;
  type: number;
  flags: number;
  stream: number;
}

export function readFrameHead(bytes: Uint8Array, at: number, head: FrameHead): void {
  head.length = (bytes[at]! << 16) | (bytes[at + 1]! << 8) | bytes[at + 2]!;
  head.type = bytes[at + 3]!;
  head.flags = bytes[at + 4]!;
  head.stream = u32be(bytes, at + 5);
}

/** Lengths that frames of a type must have, where there is one (6). */
const EXACT_LENGTHS: ReadonlyArray<number | undefined> = (() => {
  const lengths: Array<number | undefined> = [];
  lengths[Type.priority] = 5;
  lengths[Type.rstStream] = lengths[Type.windowUpdate] = 4;
  lengths[Type.ping] = 8;
  return lengths;
})();
/** Types whose frames belong to the connection, and either; those of all others belong to a stream. Bits by type. */
const OF_CONNECTION = (1 << Type.settings) | (1 << Type.ping) | (1 << Type.goaway);
const OF_EITHER = 1 << Type.windowUpdate;
const KNOWN_TYPES = 10;

/** Whether a frame can have this head. Of types that are not in RFC 9113 only the length is known. */
export function isFrameHead({ length, type, flags, stream }: FrameHead, maxFrame: number): boolean {
  if (stream > 0x7fffffff || length > maxFrame) return false;
  if (type >= KNOWN_TYPES) return true;
  const bit = 1 << type;
  if ((bit & OF_EITHER) === 0 && (stream === 0) !== ((bit & OF_CONNECTION) !== 0)) return false;
  const exact = EXACT_LENGTHS[type];
  return exact === undefined ? isLength(length, type, flags) : exact === length;
}

function isLength(length: number, type: number, flags: number): boolean {
  switch (type) {
    case Type.settings:
      return (flags & ACK) !== 0 ? length === 0 : length % SETTING_LENGTH === 0;
    case Type.goaway:
      return length >= 8;
    case Type.headers:
      return length > prefixLength(flags);
    case Type.pushPromise:
      return length > prefixLength(flags & PADDED) + 4;
    default:
      return true;
  }
}

/** Bytes before the content of a frame with these flags. */
export function prefixLength(flags: number): number {
  return ((flags & PADDED) !== 0 ? 1 : 0) + ((flags & PRIORITY) !== 0 ? 5 : 0);
}

/** Whether the bytes are the preface, or as much of it as there is. */
export function isPreface(bytes: Uint8Array, from: number, to: number): boolean {
  return startsWith(bytes, from, to, PREFACE.slice(0, to - from));
}
