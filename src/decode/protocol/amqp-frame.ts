import { u16be, u32be } from '../bytes.ts';

/** Frame types (AMQP 0-9-1, 2.3.5). */
export const FrameType = { method: 1, header: 2, body: 3, heartbeat: 8 } as const;

const FRAME_END = 0xce;
export const FRAME_HEAD = 7;
/** Type, channel, size, and the octet at the end. */
const FRAME_FRAMING = 8;
/** RabbitMQ's frames are 128 KiB long at most unless told otherwise. */
const MAX_SIZE = 1 << 25;
/** Of content header frames: class, weight, body size, flags. */
const LEAST_HEADER = 14;

/** The protocol header that begins a connection (4.2.2). */
const PROTOCOL = [0x41, 0x4d, 0x51, 0x50, 0, 0, 9, 1];
export const PROTOCOL_LENGTH = PROTOCOL.length;

/** How much of the protocol header stands at `at`, if what is there is its beginning; else -1. */
export function protocolAt(bytes: Uint8Array, at: number, limit: number): number {
  const length = Math.min(PROTOCOL_LENGTH, limit - at);
  for (let i = 0; i < length; i++) if (bytes[at + i] !== PROTOCOL[i]) return -1;
  return length;
}

/** The frame that was read last. */
export const frame = {
  type: 0,
  channel: 0,
  size: 0,
  /** Of its payload. */
  at: 0,
};

/** In the place of a position: the frame's head has not come; it breaks the rules. */
export const INCOMPLETE = -1;
export const MALFORMED = -2;

/** type:1 channel:2 size:4 payload end:1      2.3.5. Fills `frame`; where it ends, or INCOMPLETE or MALFORMED. */
export function readFrame(bytes: Uint8Array, at: number, limit: number): number {
  if (at >= limit) return INCOMPLETE;
  const type = bytes[at]!;
  if (type === 0 || (type > FrameType.body && type !== FrameType.heartbeat)) return MALFORMED;
  if (at + FRAME_HEAD > limit) return INCOMPLETE;
  frame.type = type;
  frame.channel = u16be(bytes, at + 1);
  frame.size = u32be(bytes, at + 3);
  frame.at = at + FRAME_HEAD;
  if (!hasRightSize()) return MALFORMED;
  const end = at + FRAME_FRAMING + frame.size;
  return end <= limit && bytes[end - 1] !== FRAME_END ? MALFORMED : end;
}

function hasRightSize(): boolean {
  const { type, channel, size } = frame;
  if (size > MAX_SIZE) return false;
  if (type === FrameType.method) return size >= 4;
  if (type === FrameType.heartbeat) return size === 0 && channel === 0;
  return channel !== 0 && (type === FrameType.body || size >= LEAST_HEADER);
}

/** Class and method id of a method frame's payload; -1 where they are no numbers of a method. */
export function methodAt(bytes: Uint8Array, at: number): number {
  return bytes[at] === 0 && bytes[at + 2] === 0 ? (bytes[at + 1]! << 8) | bytes[at + 3]! : -1;
}
