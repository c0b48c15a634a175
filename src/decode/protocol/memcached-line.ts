/**
 * Lines of the text protocol and of the meta commands (memcached, doc/protocol.txt).
 *
 *   command  = word *( SP argument ) CRLF [ bytes CRLF ]       a bare LF ends a line, too, as the server has it
 *   response = word *( SP argument ) CRLF [ bytes CRLF ] ...
 */
import { latin1 } from '../bytes.ts';
import { Kind } from './memcached-message.ts';

export interface Command {
  readonly name: string;
  readonly kind: Kind;
  /** Which token is the number of bytes that follow the line, 0 where none do. */
  readonly sizeAt: number;
}

const LF = 10;
const CR = 13;
const SP = 32;
const Q = 113;
const MAX_TOKENS = 8;
const MAX_KEY = 250;
/** Decimal digits of a size: 32 bits. */
const MAX_SIZE_DIGITS = 10;
const NOREPLY = 'noreply';

function commands(kind: Kind, names: string, sizeAt = 0): Command[] {
  return names.split(' ').map((name) => ({ name, kind, sizeAt }));
}

const COMMANDS: readonly Command[] = [
  ...commands(Kind.retrieve, 'get gets gat gats'),
  ...commands(Kind.store, 'set add replace append prepend cas', 4),
  ...commands(Kind.delete, 'delete'),
  ...commands(Kind.touch, 'touch'),
  ...commands(Kind.arithmetic, 'incr decr'),
  ...commands(Kind.meta, 'mg md ma me'),
  ...commands(Kind.meta, 'ms', 2),
  ...commands(Kind.noop, 'mn'),
  ...commands(Kind.quit, 'quit shutdown'),
  ...commands(Kind.watch, 'watch'),
  ...commands(Kind.other, 'stats version verbosity flush_all config lru lru_crawler slabs extstore'),
  ...commands(Kind.other, 'cache_memlimit refresh_certs misbehave debugtime'),
];
/** By length of the name. */
const BY_LENGTH: ReadonlyArray<readonly Command[]> = Array.from({ length: 16 }, (_, length) =>
  COMMANDS.filter(({ name }) => name.length === length),
);
const NAMES: ReadonlySet<string> = new Set(COMMANDS.map(({ name }) => name));

export function isCommand(word: string): boolean {
  return NAMES.has(word);
}

/** A command that is not known: what the server answers is read all the same. */
const UNKNOWN: Command = { name: '', kind: Kind.other, sizeAt: 0 };

/** Where the tokens of a line are; one object for all lines. */
export const line = {
  /** All tokens, of which the first eight can be looked at. */
  count: 0,
  starts: new Int32Array(MAX_TOKENS),
  ends: new Int32Array(MAX_TOKENS),
  lastStart: 0,
  lastEnd: 0,
  longest: 0,
};

/** Finds the tokens of `[from, to)`, which has no line end. False for bytes that no line has. */
export function splitLine(bytes: Uint8Array, from: number, to: number): boolean {
  let count = 0;
  line.longest = 0;
  for (let i = from; i < to;) {
    if (bytes[i] === SP) {
      i++;
      continue;
    }
    const start = i;
    while (i < to && bytes[i] !== SP) {
      if (bytes[i]! < SP || bytes[i] === 127) return false;
      i++;
    }
    if (count < MAX_TOKENS) {
      line.starts[count] = start;
      line.ends[count] = i;
    }
    count++;
    line.lastStart = start;
    line.lastEnd = i;
    if (i - start > line.longest) line.longest = i - start;
  }
  line.count = count;
  return count > 0;
}

/** End of the line's content: before CRLF or LF. */
export function contentEnd(bytes: Uint8Array, from: number, lf: number): number {
  return lf > from && bytes[lf - 1] === CR ? lf - 1 : lf;
}

export function isWord(bytes: Uint8Array, from: number, to: number, word: string): boolean {
  if (to - from !== word.length) return false;
  for (let i = 0; i < word.length; i++) if (bytes[from + i] !== word.charCodeAt(i)) return false;
  return true;
}

/** The command that a word of the bytes is; undefined for none. */
export function findCommand(bytes: Uint8Array, from: number, to: number): Command | undefined {
  for (const command of BY_LENGTH[to - from] ?? []) if (isWord(bytes, from, to, command.name)) return command;
  return undefined;
}

/** Some command begins like the bytes. */
export function beginsCommand(bytes: Uint8Array, from: number, to: number): boolean {
  return COMMANDS.some(
    ({ name }) => name.length > to - from && isWord(bytes, from, to, name.slice(0, to - from)),
  );
}

/** The command of the line that was split; a word of small letters may be one that is not known here. */
export function commandOf(bytes: Uint8Array): Command | undefined {
  const from = line.starts[0]!;
  const to = line.ends[0]!;
  const command = findCommand(bytes, from, to);
  if (command) return command;
  if (to - from > 32) return undefined;
  for (let i = from; i < to; i++) {
    const letter = bytes[i]!;
    if ((letter < 97 || letter > 122) && letter !== 95) return undefined;
  }
  return UNKNOWN;
}

/** Value of a decimal number of at most `most` digits, -1 for anything else. */
export function numberAt(bytes: Uint8Array, from: number, to: number, most = MAX_SIZE_DIGITS): number {
  if (to === from || to - from > most) return -1;
  let number = 0;
  for (let i = from; i < to; i++) {
    const digit = bytes[i]! - 48;
    if (digit < 0 || digit > 9) return -1;
    number = number * 10 + digit;
  }
  return number;
}

export function tokenNumber(bytes: Uint8Array, index: number, most = MAX_SIZE_DIGITS): number {
  if (index >= line.count) return -1;
  return numberAt(bytes, line.starts[index]!, line.ends[index]!, most);
}

/** Bytes of the value behind the line that was split, -1 where none follows: the server takes no value of a command that it refuses. */
export function valueSize(bytes: Uint8Array, command: Command): number {
  const { sizeAt } = command;
  if (sizeAt === 0 || line.ends[1]! - line.starts[1]! > MAX_KEY) return -1;
  return tokenNumber(bytes, sizeAt);
}

/** Keys that values are asked for by the line that was split. */
export function keysAsked(bytes: Uint8Array, command: Command): number {
  if (command.kind === Kind.retrieve)
    return Math.max(0, line.count - (command.name.startsWith('gat') ? 2 : 1));
  return command.name === 'mg' && findFlag(bytes, 118 /* v */) >= 0 ? 1 : 0;
}

/** The classic commands say at their end that nobody shall answer. */
export function isNoreply(bytes: Uint8Array, command: Command): boolean {
  if (command.kind === Kind.quit) return true;
  if (command.kind === Kind.meta || command.kind === Kind.retrieve || line.count < 2) return false;
  return isWord(bytes, line.lastStart, line.lastEnd, NOREPLY);
}

export function isQuiet(bytes: Uint8Array, command: Command): boolean {
  return command.kind === Kind.meta && findFlag(bytes, Q) >= 0;
}

/** Start of the flag of a meta command that begins with the letter, -1 if it is not there. Looks at the line's end, whatever its length. */
function findFlag(bytes: Uint8Array, letter: number): number {
  const from = line.ends[1]!;
  for (let i = from; i < line.lastEnd; i++) if (bytes[i] === SP && bytes[i + 1] === letter) return i + 1;
  return -1;
}

/** What the response to a meta command will have in it: its opaque token, else its key if the command asks for that; '' for neither. */
export function responseMark(bytes: Uint8Array): string {
  const at = findFlag(bytes, 79 /* O */);
  if (at >= 0) {
    let end = at;
    while (end < line.lastEnd && bytes[end] !== SP) end++;
    return latin1(bytes, at, end);
  }
  return findFlag(bytes, 107 /* k */) >= 0 ? `k${latin1(bytes, line.starts[1]!, line.ends[1]!)}` : '';
}

/** The response line has the token that begins where `mark` does. */
export function hasMark(bytes: Uint8Array, from: number, to: number, mark: string): boolean {
  for (let i = from; i < to; i++) {
    if (bytes[i] !== SP || !isWord(bytes, i + 1, i + 1 + mark.length, mark)) continue;
    const after = i + 1 + mark.length;
    if (after === to || bytes[after] === SP) return true;
  }
  return false;
}

/** Position of the line feed, -1 if it has not come. `from` may lie behind the line's start. */
export function findLineFeed(bytes: Uint8Array, from: number, to: number): number {
  for (let i = from; i < to; i++) if (bytes[i] === LF) return i;
  return -1;
}
