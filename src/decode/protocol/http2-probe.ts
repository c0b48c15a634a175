import { u16be, u32be } from '../bytes.ts';
import { Claim } from '../decoder.ts';
import {
  ACK,
  DEFAULT_MAX_FRAME,
  END_HEADERS,
  END_STREAM,
  HEAD,
  isFrameHead,
  isPreface,
  MOST_MAX_FRAME,
  PADDED,
  PREFACE,
  prefixLength,
  PRIORITY,
  readFrameHead,
  SETTING_LENGTH,
  SETTING_MAX_FRAME,
  Type,
  type FrameHead,
} from './http2-frame.ts';

const frame: FrameHead = { length: 0, type: 0, flags: 0, stream: 0 };
const PREFACE_START = PREFACE.charCodeAt(0);
/** A frame that is waited for is no longer than this. */
const MAX_WAIT = 8192;
/** Flags that a frame may have, by type. Those of others are ignored, but nobody sends them. */
const FLAGS: readonly number[] = [
  END_STREAM | PADDED,
  END_STREAM | END_HEADERS | PADDED | PRIORITY,
  0,
  0,
  ACK,
  END_HEADERS | PADDED,
  ACK,
  0,
  0,
  END_HEADERS,
];
const SETTING_ENABLE_PUSH = 2;
const SETTING_WINDOW = 4;
/** The highest one of RFC 9113, RFC 8441 and RFC 9218. */
const LAST_SETTING = 9;
/** gRPC's own, and GREASE of others, are not looked into: experiments are numbered from here on. */
const FIRST_EXPERIMENT = 0x0a0a;

/** Pseudo-fields of the static table (RFC 7541, appendix A). */
const LAST_OF_REQUESTS = 7;
const LAST_OF_RESPONSES = 14;

/**
 * Whose are the bytes at the start of a record? A client begins with the preface, which nothing else begins with, and a server with SETTINGS.
 *
 * In the middle of a connection every frame that is there must be well-formed, up to the end. Where one of them is a whole header block with a
 * pseudo-field of the static table, whose length agrees in itself, that tells who sent it. Other frames may be either end's, and count only
 * where the other direction speaks HTTP/2, too.
 */
export function probeHttp2(
  bytes: Uint8Array,
  from: number,
  to: number,
  final: boolean,
  joined: boolean,
): Claim {
  if (to <= from) return Claim.more;
  if (bytes[from] === PREFACE_START) return probePreface(bytes, from, to, final);
  if (to - from < HEAD) return final || bytes[from] !== 0 ? Claim.no : Claim.more;
  if (joined) return probeFrames(bytes, from, to, final);
  readFrameHead(bytes, from, frame);
  if (frame.type !== Type.settings || !isPlausible() || (frame.flags & ACK) !== 0) return Claim.no;
  if (to - from < HEAD + frame.length) return final || frame.length > MAX_WAIT ? Claim.no : Claim.more;
  if (!areSettings(bytes, from + HEAD)) return Claim.no;
  return frame.length === 0 ? Claim.likeResponse : Claim.response;
}

function probePreface(bytes: Uint8Array, from: number, to: number, final: boolean): Claim {
  const end = Math.min(to, from + PREFACE.length);
  if (!isPreface(bytes, from, end)) return Claim.no;
  if (end - from === PREFACE.length) return Claim.request;
  return final ? Claim.no : Claim.more;
}

function isPlausible(): boolean {
  const { type, flags } = frame;
  return isFrameHead(frame, DEFAULT_MAX_FRAME) && (flags & ~(FLAGS[type] ?? 0)) === 0 && type < FLAGS.length;
}

function areSettings(bytes: Uint8Array, from: number): boolean {
  for (let at = from; at < from + frame.length; at += SETTING_LENGTH) {
    const id = u16be(bytes, at);
    const value = u32be(bytes, at + 2);
    if (id === 0 || (id > LAST_SETTING && id < FIRST_EXPERIMENT)) return false;
    if (id === SETTING_ENABLE_PUSH && value > 1) return false;
    if (id === SETTING_WINDOW && value > 0x7fffffff) return false;
    if (id === SETTING_MAX_FRAME && (value < DEFAULT_MAX_FRAME || value > MOST_MAX_FRAME)) return false;
  }
  return true;
}

function probeFrames(bytes: Uint8Array, from: number, to: number, final: boolean): Claim {
  let claim: Claim = Claim.like;
  for (let at = from; to - at >= HEAD; at += HEAD + frame.length) {
    readFrameHead(bytes, at, frame);
    if (!isPlausible()) return Claim.no;
    const end = at + HEAD + frame.length;
    if (end > to) {
      if (frame.type === Type.data || claim !== Claim.like || final) return claim;
      return frame.length > MAX_WAIT ? Claim.no : Claim.more;
    }
    const content = probeContent(bytes, at + HEAD, end);
    if (content === Claim.no) return content;
    if (claim === Claim.like) claim = content;
  }
  return claim;
}

/** Of a whole frame: who sent it; `like` where that cannot be told, `no` where it is none. */
function probeContent(bytes: Uint8Array, from: number, end: number): Claim {
  if (frame.type === Type.settings) return areSettings(bytes, from) ? Claim.like : Claim.no;
  if (frame.type === Type.windowUpdate) return u32be(bytes, from) > 0 ? Claim.like : Claim.no;
  if (frame.type === Type.goaway) return u32be(bytes, from + 4) < 0x100 ? Claim.like : Claim.no;
  if (frame.type === Type.rstStream) return u32be(bytes, from) < 0x100 ? Claim.like : Claim.no;
  if (frame.type !== Type.headers) return Claim.like;
  const padding = (frame.flags & PADDED) !== 0 ? bytes[from]! : 0;
  const start = from + prefixLength(frame.flags);
  if (start > end - padding) return Claim.no;
  if ((frame.flags & END_HEADERS) === 0) return Claim.like;
  return probeBlock(bytes, start, end - padding);
}

/** Goes through a header block (see hpack.ts) without reading its texts: all lengths must agree. */
function probeBlock(bytes: Uint8Array, from: number, to: number): Claim {
  let claim: Claim = Claim.like;
  let at = from;
  while (at < to) {
    const first = bytes[at]!;
    const mask = first >= 0x80 ? 0x7f : first >= 0x40 ? 0x3f : first >= 0x20 ? 0x1f : 0x0f;
    const index = first & mask;
    at = integerEnd(bytes, at, to, mask);
    if (mask === 0x1f) continue;
    if (mask !== 0x7f) {
      if (index === 0) at = stringEnd(bytes, at, to);
      at = stringEnd(bytes, at, to);
    } else if (index === 0) {
      return Claim.no;
    }
    if (claim === Claim.like) claim = senderOf(index);
  }
  return at === to ? claim : Claim.no;
}

/** Who sends a field whose name is this one of the static table. */
function senderOf(index: number): Claim {
  if (index === 0 || index > LAST_OF_RESPONSES) return Claim.like;
  return index <= LAST_OF_REQUESTS ? Claim.request : Claim.response;
}

/** Both answer a position beyond `to` where the bytes do not reach. */
function integerEnd(bytes: Uint8Array, at: number, to: number, mask: number): number {
  let end = at + 1;
  if ((bytes[at]! & mask) < mask) return end;
  while (end < to && bytes[end]! >= 0x80) end++;
  return end + 1;
}

function stringEnd(bytes: Uint8Array, at: number, to: number): number {
  if (at >= to) return to + 1;
  let length = bytes[at]! & 0x7f;
  const end = integerEnd(bytes, at, to, 0x7f);
  for (let i = at + 1, shift = 0; i < end && i < to && shift <= 21; i++, shift += 7)
    length += (bytes[i]! & 0x7f) << shift;
  return end + length;
}
