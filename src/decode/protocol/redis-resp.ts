import { Claim } from '../decoder.ts';
import { COMMANDS } from './redis-commands.ts';

const CR = 13;
const LF = 10;
export const STAR = 42;
export const DOLLAR = 36;
export const PLUS = 43;
export const MINUS = 45;
export const PUSH = 62;

/** Longest line with a number, and with a text: an error, a simple string. */
const MAX_NUMBER = 24;
const MAX_TEXT = 8192;
/** Elements of one aggregate, and bytes of one string: Redis' own bounds. */
const MAX_ELEMENTS = 1 << 20;
const MAX_BULK = 512 * 1024 * 1024;
/** A command's name, and the most that is looked at of a line that may be an inline command. */
const MAX_COMMAND = 32;
const MAX_INLINE_PROBE = 256;

/** Commands that POP3 has as well, whose answers begin like Redis'. */
const SHARED = new Set(['AUTH', 'QUIT']);

/** What an element is, by its first byte (RESP3 specification). */
const Kind = { none: 0, text: 1, number: 2, bulk: 3, list: 4, pairs: 5 } as const;
const KINDS = new Uint8Array(256);
for (const [kind, types] of [
  [Kind.text, '+-(,'],
  [Kind.number, ':_#'],
  [Kind.bulk, '$!='],
  [Kind.list, '*~>'],
  [Kind.pairs, '%|'],
] as const)
  for (const type of types) KINDS[type.charCodeAt(0)] = kind;

export const INCOMPLETE = -1;
export const BROKEN = -2;

/** The element whose head was read last. One for all: it is used before the next is read. */
export const element = {
  /** First byte, and where the text after it ends. */
  type: 0,
  lineEnd: 0,
  /** Bytes of its content with what ends it; 0 of one that is all in its head. */
  content: 0,
  /** Elements within, and after, that belong to it. */
  children: 0,
};

/** Reads the head of one element. Returns where it ends, INCOMPLETE or BROKEN; fills `element`. */
export function readElement(bytes: Uint8Array, from: number, to: number): number {
  if (from >= to) return INCOMPLETE;
  const type = bytes[from]!;
  const kind = KINDS[type]!;
  if (kind === Kind.none) return BROKEN;
  const end = lineEnd(bytes, from + 1, to, kind === Kind.text ? MAX_TEXT : MAX_NUMBER);
  if (end < 0) return end;
  element.type = type;
  element.lineEnd = end;
  element.content = element.children = 0;
  if (kind <= Kind.number) return end + 2;
  const count = parseCount(bytes, from + 1, end);
  if (count === BROKEN) return BROKEN;
  if (kind === Kind.bulk) {
    if (count > MAX_BULK) return BROKEN;
    element.content = count < 0 ? 0 : count + 2;
  } else {
    if (count > MAX_ELEMENTS) return BROKEN;
    // Attributes (|) stand before the value that they are of.
    const pairs = kind === Kind.pairs ? count * 2 + (type === 124 ? 1 : 0) : count;
    element.children = Math.max(0, pairs);
  }
  return end + 2;
}

/** Where the line's CR stands, INCOMPLETE or BROKEN. */
function lineEnd(bytes: Uint8Array, from: number, to: number, most: number): number {
  const end = Math.min(to, from + most);
  for (let i = from; i < end; i++) {
    const byte = bytes[i]!;
    if (byte === CR) return i + 1 >= to ? INCOMPLETE : bytes[i + 1] === LF ? i : BROKEN;
    if (byte < 32 && byte !== 9) return BROKEN;
  }
  return end - from >= most ? BROKEN : INCOMPLETE;
}

/** A number of at most nine digits; -1 for null; BROKEN for anything else. */
function parseCount(bytes: Uint8Array, from: number, to: number): number {
  if (to - from === 2 && bytes[from] === MINUS && bytes[from + 1] === 49) return -1;
  if (to === from || to - from > 9) return BROKEN;
  let count = 0;
  for (let i = from; i < to; i++) {
    const digit = bytes[i]! - 48;
    if (digit < 0 || digit > 9) return BROKEN;
    count = count * 10 + digit;
  }
  return count;
}

/** The name of a command in upper case; '' where the bytes cannot be one. */
export function commandName(bytes: Uint8Array, from: number, to: number): string {
  if (to <= from || to - from > MAX_COMMAND) return '';
  let name = '';
  for (let i = from; i < to; i++) {
    let byte = bytes[i]!;
    if (byte >= 97 && byte <= 122) byte -= 32;
    const known = (byte >= 65 && byte <= 90) || (byte >= 48 && byte <= 57) || byte === 95;
    if (!known && (i === from || (byte !== 46 && byte !== MINUS))) return '';
    name += String.fromCharCode(byte);
  }
  return name;
}

/** See Decoder.probe. A command as an array of texts is sure; an array may be an answer, too, and what is one line is like many protocols'. */
export function probeRedis(
  bytes: Uint8Array,
  from: number,
  to: number,
  final: boolean,
  joined: boolean,
): Claim {
  const claim = bytes[from] === STAR ? probeArray(bytes, from, to, joined) : probeOther(bytes, from, to);
  return claim === Claim.more && final ? Claim.no : claim;
}

function probeArray(bytes: Uint8Array, from: number, to: number, joined: boolean): Claim {
  const head = readElement(bytes, from, to);
  if (head === BROKEN) return Claim.no;
  if (head === INCOMPLETE) return Claim.more;
  if (element.children === 0) return Claim.likeResponse;
  const first = readElement(bytes, head, to);
  if (first === BROKEN) return Claim.no;
  if (first === INCOMPLETE) return Claim.more;
  if (element.type !== DOLLAR || element.content < 3 || element.content > MAX_COMMAND + 2)
    return Claim.likeResponse;
  const end = first + element.content;
  if (end > to) return Claim.more;
  if (bytes[end - 2] !== CR || bytes[end - 1] !== LF) return Claim.no;
  const name = commandName(bytes, first, end - 2);
  if (name === '') return Claim.likeResponse;
  if (!COMMANDS.has(name)) return Claim.like;
  return joined ? Claim.likeRequest : Claim.request;
}

function probeOther(bytes: Uint8Array, from: number, to: number): Claim {
  if (from >= to) return Claim.more;
  if (KINDS[bytes[from]!] === Kind.none) return probeInline(bytes, from, to);
  const head = readElement(bytes, from, to);
  if (head === INCOMPLETE) return Claim.more;
  return head === BROKEN ? Claim.no : Claim.likeResponse;
}

/** `NAME argument ...` in one line, as one types it. */
function probeInline(bytes: Uint8Array, from: number, to: number): Claim {
  const most = Math.min(to, from + MAX_INLINE_PROBE);
  const end = printableEnd(bytes, from, most, 33);
  if (end === most) return most - from <= MAX_COMMAND && mayBegin(bytes, from, end) ? Claim.more : Claim.no;
  const name = commandName(bytes, from, end);
  if (!COMMANDS.has(name) || SHARED.has(name)) return Claim.no;
  const line = printableEnd(bytes, end, most, 32);
  if (line === most) return most - from >= MAX_INLINE_PROBE ? Claim.no : Claim.more;
  const lf = bytes[line] === CR ? line + 1 : line;
  if (lf >= to) return Claim.more;
  return bytes[lf] === LF ? Claim.likeRequest : Claim.no;
}

/** The first byte that is less than `least`, or no ASCII. */
function printableEnd(bytes: Uint8Array, from: number, to: number, least: number): number {
  let i = from;
  while (i < to && bytes[i]! >= least && bytes[i]! < 127) i++;
  return i;
}

function mayBegin(bytes: Uint8Array, from: number, to: number): boolean {
  const part = commandName(bytes, from, to);
  if (part === '') return false;
  for (const name of COMMANDS.keys()) if (name.startsWith(part)) return true;
  return false;
}
