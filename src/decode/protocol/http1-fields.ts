import { CONTEXT_HEADERS, ContextHeaders, type ContextKey } from '../context-headers.ts';
import type { Framing, HttpRequest } from './http1-head.ts';

/** A field of requests that is used. */
export interface KnownField {
  /** In lower case, each character with bit 5 set: so it is compared with bytes that are folded alike. */
  readonly folded: string;
  readonly code: number;
}

/** Known fields by length of the name and its first letter: most names that are sent are told from all of them by one look. */
export type FieldTable = ReadonlyArray<readonly KnownField[] | undefined>;

const PLAIN = [
  'host',
  'expect',
  'upgrade',
  'forwarded',
  'user-agent',
  'x-forwarded-for',
  'x-forwarded-proto',
];
const CONTEXT = Object.entries(CONTEXT_HEADERS);
const CONTEXT_KEYS: readonly ContextKey[] = CONTEXT.map(([, key]) => key);
const FIRST_CONTEXT = PLAIN.length;
const REQUEST_ID = FIRST_CONTEXT + CONTEXT.length;

/** Names that cannot be request ids, since they are used already. */
export const KNOWN_NAMES: readonly string[] = [...PLAIN, ...CONTEXT.map(([name]) => name)];

const MAX_NAME = 64;

/** Index in a FieldTable of the name of `length` bytes that begins with `first`, in any case. */
export function fieldSlot(length: number, first: number): number {
  // No name has no length, so that nothing stands at 0.
  return length > MAX_NAME ? 0 : (length << 5) | (first & 31);
}

/** `requestIds`: names of headers, in lower case, whose values are kept as request ids. */
export function createFieldTable(requestIds: readonly string[]): FieldTable {
  const table = new Array<KnownField[] | undefined>((MAX_NAME + 1) << 5).fill(undefined);
  const add = (name: string, code: number): void => {
    const slot = fieldSlot(name.length, name.charCodeAt(0));
    (table[slot] ??= []).push({ folded: fold(name), code });
  };
  KNOWN_NAMES.forEach(add);
  for (const name of requestIds) add(name, REQUEST_ID);
  return table;
}

function fold(name: string): string {
  return String.fromCharCode(...Array.from(name, (char) => char.charCodeAt(0) | 0x20));
}

/** Of fields that should be there once the first counts, of Host and User-Agent the last. */
export function setField(code: number, text: string, request: HttpRequest, framing: Framing): void {
  switch (code) {
    case 0:
      request.host = text;
      break;
    case 1:
      framing.expectContinue = text.toLowerCase() === '100-continue';
      break;
    case 2:
      framing.upgrade = true;
      break;
    case 3:
      request.forwarded ??= text;
      break;
    case 4:
      request.userAgent = text;
      break;
    case 5:
      request.forwardedFor ??= text;
      break;
    case 6:
      request.forwardedProto ??= text;
      break;
    default:
      setContext(code, text, (request.contextHeaders ??= new ContextHeaders()));
  }
}

function setContext(code: number, text: string, headers: ContextHeaders): void {
  if (code === REQUEST_ID) headers.addRequestId(text);
  else headers.add(CONTEXT_KEYS[code - FIRST_CONTEXT]!, text);
}
