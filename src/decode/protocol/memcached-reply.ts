import { isWord, line, numberAt, tokenNumber } from './memcached-line.ts';
import { Kind } from './memcached-message.ts';

/** What a line of a response is; bits. */
export const Reply = {
  value: 1,
  end: 2,
  stored: 4,
  notFound: 8,
  deleted: 16,
  touched: 32,
  number: 64,
  error: 128,
  /** Of a meta command: two capitals. */
  meta: 256,
  /** `MN`. */
  noop: 512,
  /** One of several lines up to `END`. */
  item: 1024,
  other: 2048,
} as const;

interface Word {
  readonly text: string;
  readonly reply: number;
  /** Which token is the number of bytes that follow the line, 0 where none do. */
  readonly sizeAt: number;
}

function words(reply: number, texts: string, sizeAt = 0): Word[] {
  return texts.split(' ').map((text) => ({ text, reply, sizeAt }));
}

const WORDS: readonly Word[] = [
  ...words(Reply.value, 'VALUE', 3),
  ...words(Reply.end, 'END'),
  ...words(Reply.stored, 'STORED NOT_STORED EXISTS'),
  ...words(Reply.notFound, 'NOT_FOUND'),
  ...words(Reply.deleted, 'DELETED'),
  ...words(Reply.touched, 'TOUCHED'),
  ...words(Reply.error, 'ERROR CLIENT_ERROR SERVER_ERROR BUSY BADCLASS NOSPARE NOTFULL UNSAFE SAME'),
  ...words(Reply.meta, 'HD EN NF NS EX ME'),
  ...words(Reply.meta, 'VA', 1),
  ...words(Reply.noop, 'MN'),
  ...words(Reply.item, 'STAT ITEM PREFIX'),
  // Amazon ElastiCache: the value is the configuration of the cluster.
  ...words(Reply.item, 'CONFIG', 3),
  ...words(Reply.other, 'OK RESET VERSION'),
];
const BY_LENGTH: ReadonlyArray<readonly Word[]> = Array.from({ length: 16 }, (_, length) =>
  WORDS.filter(({ text }) => text.length === length),
);
const MAX_NUMBER_DIGITS = 20;

/** The last line that was looked at; one object for all lines. */
export const reply = {
  what: 0,
  /** Its first word, of those that are known. */
  word: '',
  /** Bytes that follow the line, -1 for none. */
  size: -1,
};

/** Fills `reply` from the line that was split. False if it is no line of a response. */
export function readReply(bytes: Uint8Array): boolean {
  const from = line.starts[0]!;
  const to = line.ends[0]!;
  reply.size = -1;
  for (const { text, reply: what, sizeAt } of BY_LENGTH[to - from] ?? []) {
    if (!isWord(bytes, from, to, text)) continue;
    reply.what = what;
    reply.word = text;
    if (sizeAt > 0) reply.size = tokenNumber(bytes, sizeAt);
    return sizeAt === 0 || reply.size >= 0;
  }
  reply.word = '';
  reply.what = isNumber(bytes, from, to)
    ? Reply.number
    : isMetadump(bytes, from, to)
      ? Reply.item
      : Reply.other;
  return true;
}

function isNumber(bytes: Uint8Array, from: number, to: number): boolean {
  return line.count === 1 && numberAt(bytes, from, to, MAX_NUMBER_DIGITS) >= 0;
}

/** `key=...`: a line of `lru_crawler metadump`. */
function isMetadump(bytes: Uint8Array, from: number, to: number): boolean {
  return to - from > 4 && isWord(bytes, from, from + 4, 'key=');
}

/** Some response begins with the word, or, unless it is `whole`, like it. */
export function beginsReply(bytes: Uint8Array, from: number, to: number, whole: boolean): boolean {
  if (numberAt(bytes, from, to, MAX_NUMBER_DIGITS) >= 0) return !whole;
  return WORDS.some(({ text }) => isWord(bytes, from, to, whole ? text : text.slice(0, to - from)));
}

const ANY = 4095;
const ANSWERS: Readonly<Record<Kind, number>> = {
  [Kind.other]: ANY,
  [Kind.retrieve]: Reply.value | Reply.end | Reply.error,
  [Kind.store]: Reply.stored | Reply.notFound | Reply.error,
  [Kind.delete]: Reply.deleted | Reply.notFound | Reply.error,
  [Kind.touch]: Reply.touched | Reply.notFound | Reply.error,
  [Kind.arithmetic]: Reply.number | Reply.notFound | Reply.error,
  [Kind.meta]: Reply.meta | Reply.error,
  [Kind.noop]: Reply.noop | Reply.error,
  [Kind.watch]: Reply.other | Reply.error,
  [Kind.quit]: Reply.error,
};

/** A command of the kind can be answered by such a line. */
export function mayAnswer(kind: Kind, what: number): boolean {
  return (ANSWERS[kind] & what) !== 0;
}

/** The response to a command of the kind goes on after such a line. */
export function goesOn(what: number): boolean {
  return (what & (Reply.value | Reply.item)) !== 0;
}
