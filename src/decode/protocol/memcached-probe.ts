import { Claim } from '../decoder.ts';
import { probePacket } from './memcached-packet.ts';
import {
  beginsCommand,
  contentEnd,
  findCommand,
  findLineFeed,
  isQuiet,
  line,
  numberAt,
  splitLine,
  tokenNumber,
  type Command,
} from './memcached-line.ts';
import { Kind } from './memcached-message.ts';
import { beginsReply, readReply, Reply, reply } from './memcached-reply.ts';

const MAX_LINE = 8192;
const MAX_KEY = 250;
const MAX_EXPIRY_DIGITS = 12;
const MAX_CAS_DIGITS = 20;
/** A line of a response may be this long until it must have ended. */
const MAX_REPLY = 1024;
/** `O` and what the client made up. */
const MAX_OPAQUE = 64;
const MINUS = 45;

/** Commands and responses whose first four characters say what they are. */
export const MEMCACHED_STARTS: readonly string[] = [
  ...['get ', 'gets', 'gat ', 'set ', 'add ', 'repl', 'appe', 'prep', 'cas ', 'incr', 'decr', 'dele', 'touc'],
  ...['VALU', 'END\r', 'STOR', 'NOT_', 'EXIS', 'DELE', 'TOUC', 'HD\r\n', 'EN\r\n', 'MN\r\n', 'mn\r\n'],
];

/**
 * Whose are the bytes at the start of a record? Storage commands, those of meta with flags, and values say it by their line; `get x` is as well a Redis inline
 * command, `delete 5` one of beanstalkd, and `END` or `OK` anybody's. Those count where both directions are alike.
 */
export function probeMemcached(
  bytes: Uint8Array,
  from: number,
  to: number,
  final: boolean,
  joined: boolean,
): Claim {
  if (to <= from) return Claim.more;
  const first = bytes[from]!;
  if (first === 0x80 || first === 0x81) return probePacket(bytes, from, to, final, joined);
  const small = first >= 97 && first <= 122;
  if (!small && !isCapitalOrDigit(first)) return Claim.no;
  const lf = findLineFeed(bytes, from, Math.min(to, from + MAX_LINE));
  if (lf < 0) return probePart(bytes, from, to, final, small);
  if (!splitLine(bytes, from, contentEnd(bytes, from, lf))) return Claim.no;
  if (line.starts[0] !== from) return Claim.no;
  if (!small) return probeReply(bytes);
  const command = findCommand(bytes, from, line.ends[0]!);
  return command ? probeCommand(bytes, command, joined) : Claim.no;
}

function isCapitalOrDigit(byte: number): boolean {
  return (byte >= 65 && byte <= 90) || (byte >= 48 && byte <= 57);
}

/** A line whose end has not come. */
function probePart(bytes: Uint8Array, from: number, to: number, final: boolean, small: boolean): Claim {
  if (!splitLine(bytes, from, contentEnd(bytes, from, to))) return Claim.no;
  const wordEnd = line.ends[0]!;
  const whole = wordEnd < to;
  if (small) {
    const command = whole ? findCommand(bytes, from, wordEnd) : undefined;
    if (!command && (whole || !beginsCommand(bytes, from, to))) return Claim.no;
    if (final || to - from >= MAX_LINE) {
      const manyKeys = command?.kind === Kind.retrieve && line.count > 2 && line.longest <= MAX_KEY;
      return manyKeys ? Claim.likeRequest : Claim.no;
    }
    return Claim.more;
  }
  if (final || to - from > MAX_REPLY) return Claim.no;
  return beginsReply(bytes, from, wordEnd, whole) ? Claim.more : Claim.no;
}

/** The line that was split begins with the command. */
function probeCommand(bytes: Uint8Array, command: Command, joined: boolean): Claim {
  const { kind } = command;
  if (line.longest > MAX_KEY && kind !== Kind.meta) return Claim.no;
  // Of a run of quiet commands its beginning must be seen.
  if (joined && (kind === Kind.noop || isQuiet(bytes, command))) return Claim.no;
  if (kind === Kind.store) return isStore(bytes, command.name === 'cas' ? 6 : 5) ? Claim.request : Claim.no;
  if (!hasShape(bytes, command, joined)) return Claim.no;
  return kind === Kind.meta && line.count > 2 && !joined ? Claim.request : Claim.likeRequest;
}

function hasShape(bytes: Uint8Array, command: Command, joined: boolean): boolean {
  const { count } = line;
  switch (command.kind) {
    case Kind.retrieve:
      return command.name.startsWith('gat') ? count > 2 && isExpiry(bytes, 1) : count > 1;
    case Kind.delete:
      return isDelete(bytes, joined);
    case Kind.touch:
      return isThree() && isExpiry(bytes, 2);
    case Kind.arithmetic:
      return isThree() && tokenNumber(bytes, 2, MAX_CAS_DIGITS) >= 0;
    case Kind.meta:
      return isMeta(bytes, command);
    case Kind.noop:
      return count === 1;
    default:
      return count <= 4;
  }
}

/** `touch key exptime [noreply]` */
function isThree(): boolean {
  return line.count === 3 || line.count === 4;
}

/** `set key flags exptime bytes`, and nothing but `noreply` behind it. */
function isStore(bytes: Uint8Array, tokens: number): boolean {
  if (line.count !== tokens && line.count !== tokens + 1) return false;
  if (tokenNumber(bytes, 2) < 0 || !isExpiry(bytes, 3) || tokenNumber(bytes, 4) < 0) return false;
  if (tokens === 6 && tokenNumber(bytes, 5, MAX_CAS_DIGITS) < 0) return false;
  return line.count === tokens || bytes[line.lastStart] === 110; /* n */
}

/** Jobs of beanstalkd are numbers, and are got before they are deleted. */
function isDelete(bytes: Uint8Array, joined: boolean): boolean {
  if (line.count < 2 || line.count > 4) return false;
  return !joined || tokenNumber(bytes, 1, MAX_CAS_DIGITS) < 0;
}

function isExpiry(bytes: Uint8Array, index: number): boolean {
  if (index >= line.count) return false;
  const from = line.starts[index]!;
  if (bytes[from] !== MINUS) return tokenNumber(bytes, index, MAX_EXPIRY_DIGITS) >= 0;
  return line.ends[index]! > from + 1;
}

/** `mg key flags`: each a letter, some with a number behind it. */
function isMeta(bytes: Uint8Array, { sizeAt }: Command): boolean {
  if (line.count <= Math.max(1, sizeAt)) return false;
  if (sizeAt > 0 && tokenNumber(bytes, sizeAt) < 0) return false;
  for (let i = Math.max(2, sizeAt + 1); i < Math.min(line.count, line.starts.length); i++)
    if (!isFlag(bytes, line.starts[i]!, line.ends[i]!)) return false;
  return true;
}

const PLAIN_FLAGS = 'bcfhklqstvxI';
const NUMBER_FLAGS = 'CDEFJNRT';

function isFlag(bytes: Uint8Array, from: number, to: number): boolean {
  const letter = String.fromCharCode(bytes[from]!);
  if (letter === 'O') return to - from <= MAX_OPAQUE;
  if (letter === 'M') return to - from === 2;
  if (NUMBER_FLAGS.includes(letter))
    return numberAt(bytes, from + 1, to, MAX_CAS_DIGITS) >= 0 || bytes[from + 1] === MINUS;
  return to - from === 1 && PLAIN_FLAGS.includes(letter);
}

function probeReply(bytes: Uint8Array): Claim {
  if (!readReply(bytes)) return Claim.no;
  const { what, word } = reply;
  if (what === Reply.value) return line.count === 4 || line.count === 5 ? Claim.response : Claim.no;
  if (what === Reply.error || (what & (Reply.meta | Reply.item)) !== 0) return Claim.likeResponse;
  if (what === Reply.number) return Claim.likeResponse;
  if (word === '') return Claim.no;
  return line.count === 1 || word === 'VERSION' ? Claim.likeResponse : Claim.no;
}
