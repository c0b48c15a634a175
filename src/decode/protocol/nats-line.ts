import { indexOf } from '../bytes.ts';

/** Protocol messages (docs.nats.io, "Client Protocol"). */
export const Verb = {
  none: 0,
  info: 1,
  connect: 2,
  pub: 3,
  hpub: 4,
  sub: 5,
  unsub: 6,
  msg: 7,
  hmsg: 8,
  ping: 9,
  pong: 10,
  ok: 11,
  err: 12,
} as const;

/** Texts by verb. */
const TEXTS = [
  '',
  'INFO',
  'CONNECT',
  'PUB',
  'HPUB',
  'SUB',
  'UNSUB',
  'MSG',
  'HMSG',
  'PING',
  'PONG',
  '+OK',
  '-ERR',
];
/** Arguments by verb, least and most; INFO, CONNECT and -ERR have one text. */
const LEAST = [0, 0, 0, 2, 3, 2, 1, 3, 4, 0, 0, 0, 0];
const MOST = [0, 0, 0, 3, 4, 3, 2, 4, 5, 0, 0, 0, 0];
/** Numbers at the end of the line by verb: sizes. */
const SIZES = [0, 0, 0, 1, 2, 0, 0, 1, 2, 0, 0, 0, 0];
/** Who may send it: 1 client, 2 server. */
const SENDERS = [0, 2, 1, 1, 1, 1, 1, 2, 2, 3, 3, 2, 2];

const SP = 32;
const HT = 9;
const CR = 13;
const LF = 10;
const QUOTE = 39;
const MAX_DIGITS = 9;
const MAX_ARGUMENTS = 5;
/** INFO has the addresses of a whole cluster. */
const MAX_LINE = 65_536;

/** The line that was read last. */
export const line = {
  verb: Verb.none as number,
  /** Where its text, or first argument, begins and where it ends, without the line's end. */
  at: 0,
  end: 0,
  /** Where what follows it begins. */
  next: 0,
  count: 0,
  starts: new Uint32Array(MAX_ARGUMENTS),
  ends: new Uint32Array(MAX_ARGUMENTS),
  /** Bytes of headers and payload behind it, without the line end that follows these; -1: nothing follows. */
  size: -1,
  /** Bytes of headers. */
  headers: 0,
};

/** In the place of a position: the line's end has not come; it breaks the rules. */
export const INCOMPLETE = -1;
export const MALFORMED = -2;

/**
 *   verb *( blanks argument ) CRLF [headers] [payload] [CRLF]
 *
 * Fills `line`; where the whole message ends, or INCOMPLETE or MALFORMED.
 */
export function readLine(bytes: Uint8Array, at: number, limit: number): number {
  const verb = verbAt(bytes, at, limit);
  if (verb === Verb.none) return isVerbBegun(bytes, at, limit) ? INCOMPLETE : MALFORMED;
  const lf = indexOf(bytes, LF, at, limit);
  if (lf < 0) return limit - at > MAX_LINE ? MALFORMED : INCOMPLETE;
  line.verb = verb;
  line.next = lf + 1;
  line.end = bytes[lf - 1] === CR ? lf - 1 : lf;
  line.at = skipBlanks(bytes, at + TEXTS[verb]!.length, line.end);
  line.size = -1;
  line.headers = line.count = 0;
  if (MOST[verb] === 0) return hasRightText(bytes) ? line.next : MALFORMED;
  if (!readArguments(bytes) || line.count < LEAST[verb]! || line.count > MOST[verb]!) return MALFORMED;
  if (SIZES[verb] === 0) return line.next;
  return readSizes(bytes) ? line.next + line.size + 2 : MALFORMED;
}

export function maySend(fromClient: boolean): boolean {
  return (SENDERS[line.verb]! & (fromClient ? 1 : 2)) !== 0;
}

function verbAt(bytes: Uint8Array, at: number, limit: number): number {
  for (let verb = 1; verb < TEXTS.length; verb++) {
    const text = TEXTS[verb]!;
    const end = at + text.length;
    if (end < limit && isText(bytes, at, text, text.length) && isBlank(bytes[end]!)) return verb;
  }
  return Verb.none;
}

/** What is there may become a verb. */
function isVerbBegun(bytes: Uint8Array, at: number, limit: number): boolean {
  return TEXTS.some(
    (text) => text !== '' && limit - at <= text.length && isText(bytes, at, text, limit - at),
  );
}

/** In any case, as servers read it. */
function isText(bytes: Uint8Array, at: number, text: string, length: number): boolean {
  for (let i = 0; i < length; i++) {
    const byte = bytes[at + i]!;
    if (byte !== text.charCodeAt(i) && byte - 32 !== text.charCodeAt(i)) return false;
  }
  return true;
}

/** A blank, or the line's end. */
function isBlank(byte: number): boolean {
  return byte === SP || byte === HT || byte === CR || byte === LF;
}

function skipBlanks(bytes: Uint8Array, from: number, to: number): number {
  let at = from;
  while (at < to && isBlank(bytes[at]!)) at++;
  return at;
}

/** JSON behind INFO and CONNECT, a text in quotes behind -ERR, nothing behind the others. */
function hasRightText(bytes: Uint8Array): boolean {
  const { verb, at, end } = line;
  if (verb === Verb.info || verb === Verb.connect) return at < end && bytes[at] === 0x7b; /* { */
  return verb === Verb.err ? bytes[at] === QUOTE : at === end;
}

function readArguments(bytes: Uint8Array): boolean {
  const { end } = line;
  let at = line.at;
  while (at < end) {
    if (line.count === MAX_ARGUMENTS) return false;
    line.starts[line.count] = at;
    while (at < end && !isBlank(bytes[at]!)) if (bytes[at++]! < SP) return false;
    line.ends[line.count++] = at;
    at = skipBlanks(bytes, at, end);
  }
  return true;
}

function readSizes(bytes: Uint8Array): boolean {
  line.size = numberAt(bytes, line.count - 1);
  line.headers = SIZES[line.verb] === 2 ? numberAt(bytes, line.count - 2) : 0;
  return line.size >= 0 && line.headers >= 0 && line.headers <= line.size;
}

function numberAt(bytes: Uint8Array, argument: number): number {
  const from = line.starts[argument]!;
  const to = line.ends[argument]!;
  if (to === from || to - from > MAX_DIGITS) return -1;
  let value = 0;
  for (let i = from; i < to; i++) {
    const digit = bytes[i]! - 48;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
  }
  return value;
}
