/**
 * Heads of HTTP/1.0 and HTTP/1.1 messages. RFC 9112 (syntax), RFC 9110 (fields).
 *
 *   request  = method SP target SP "HTTP/1." DIGIT CRLF *(field CRLF) CRLF
 *   response = "HTTP/1." DIGIT SP 3DIGIT [SP reason] CRLF *(field CRLF) CRLF
 *
 * Lenient where servers and clients in use are: a bare LF ends a line; a folded line belongs to the field before it (its text is not used); a
 * response may have lines that are no fields (clients skip them). Strict where leniency would mean guessing: whitespace before the colon in a
 * request, spaces in the target, Content-Length that is no number or has two values, Content-Length or Transfer-Encoding that is folded.
 *
 * Only what a span needs is kept. Cookies, Authorization and all other values are never copied.
 */

import { latin1, text } from '../bytes.ts';
import {
  CONTENT_LENGTH,
  isName,
  NOT_USED,
  RESPONSE_FIELDS,
  setField,
  setResponseField,
  TRANSFER_ENCODING,
  type FieldTable,
} from './http1-fields.ts';
import { METHODS, type DatabaseResponse, type HttpRequest, type HttpResponse } from './http-message.ts';

/** What a head says about the body, filled by `parseHead`; one object for all heads. */
export interface Framing {
  /** -1: none. -2: not a number, or conflicting. */
  contentLength: number;
  transferEncoding: boolean;
  /** The last transfer coding is chunked. */
  chunked: boolean;
  expectContinue: boolean;
  upgrade: boolean;
  /** The protocol that a response goes over to, in lower case; '' where it names none. */
  upgradeTo: string;
  /** What a response says of the database that it is from. */
  database: DatabaseResponse | undefined;
}

/** More bytes are needed. */
export const INCOMPLETE = 0;
export const MALFORMED = -1;

const LF = 10;
const CR = 13;
const SP = 32;
const HT = 9;
const COLON = 58;
const QUESTION = 63;

/** 1 for tchar (RFC 9110, 5.6.2). */
const TOKEN = new Uint8Array(256);
for (const c of "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz") {
  TOKEN[c.charCodeAt(0)] = 1;
}

/** Bytes as text: UTF-8 where they are more than ASCII. */
function textOf(bytes: Uint8Array, from: number, to: number, ascii: boolean): string {
  return ascii ? latin1(bytes, from, to) : text(bytes, from, to);
}

function isText(bytes: Uint8Array, from: number, value: string): boolean {
  for (let i = 0; i < value.length; i++) if (bytes[from + i] !== value.charCodeAt(i)) return false;
  return true;
}

/** A method, as one of the strings that exist already where it is known. */
export function methodText(bytes: Uint8Array, from: number, to: number): string {
  for (const method of METHODS) {
    if (method.length === to - from && isText(bytes, from, method)) return method;
  }
  return latin1(bytes, from, to);
}

/** 10 or 11 for `HTTP/1.x` at `from`, else 0. A higher minor version is read as 1.1 (RFC 9110, 2.5). */
function versionAt(bytes: Uint8Array, from: number, to: number): number {
  if (to - from !== 8 || !isText(bytes, from, 'HTTP/1.')) return 0;
  const minor = bytes[from + 7]! - 48;
  if (minor < 0 || minor > 9) return 0;
  return minor === 0 ? 10 : 11;
}

/** Of a request line whose end was not captured. */
function hasWholePath(bytes: Uint8Array, from: number, to: number): boolean {
  let i = from;
  while (i < to && bytes[i] !== SP) i++;
  for (i++; i < to; i++) if (bytes[i] === SP || bytes[i] === QUESTION) return true;
  return false;
}

function findLineEnd(bytes: Uint8Array, from: number, to: number): number {
  let i = from;
  while (i < to && bytes[i] !== LF) i++;
  return i < to ? i : -1;
}

/** End of the line's content: before CRLF or LF. */
function contentEnd(bytes: Uint8Array, from: number, lf: number): number {
  return lf > from && bytes[lf - 1] === CR ? lf - 1 : lf;
}

/**
 * Parses a request line that ends at `lf` (or, for `cut`, was captured no further than `lf`). False if it is none.
 * The target's characters are checked, its form is not.
 */
export function parseRequestLine(
  bytes: Uint8Array,
  from: number,
  lf: number,
  cut: boolean,
  request: HttpRequest,
): boolean {
  let i = from;
  while (i < lf && TOKEN[bytes[i]!] === 1) i++;
  if (i === from || i >= lf || bytes[i] !== SP) return false;
  const targetStart = i + 1;
  let any = 0;
  for (i = targetStart; i < lf && bytes[i]! > SP && bytes[i] !== 127; i++) any |= bytes[i]!;
  if (i === targetStart) return false;
  const targetEnd = i;
  const version = cut ? 11 : bytes[i] === SP ? versionAt(bytes, i + 1, contentEnd(bytes, i + 1, lf)) : 0;
  if (version === 0) return false;
  request.version = version;
  request.method = methodText(bytes, from, targetStart - 1);
  request.target = textOf(bytes, targetStart, targetEnd, any < 128);
  return true;
}

export function parseStatusLine(
  bytes: Uint8Array,
  from: number,
  lf: number,
  response: HttpResponse,
): boolean {
  const end = contentEnd(bytes, from, lf);
  if (end - from < 12) return false;
  const version = versionAt(bytes, from, from + 8);
  if (version === 0 || bytes[from + 8] !== SP) return false;
  let status = 0;
  for (let i = from + 9; i < from + 12; i++) {
    const digit = bytes[i]! - 48;
    if (digit < 0 || digit > 9) return false;
    status = status * 10 + digit;
  }
  if (status < 100 || (end > from + 12 && bytes[from + 12] !== SP)) return false;
  response.version = version;
  response.status = status;
  return true;
}

/**
 * Parses a head at `from`. `message` is a request or a response according to `request`, which is the same object or undefined.
 * `fields` are those of requests that are used.
 * Returns the bytes of the head, INCOMPLETE or MALFORMED. `final`: no more bytes can be had; a head whose first line is there (of a request,
 * up to the end of the path) is then taken as it is and flagged `truncated`.
 */
export function parseHead(
  bytes: Uint8Array,
  from: number,
  to: number,
  final: boolean,
  message: HttpRequest | HttpResponse,
  request: HttpRequest | undefined,
  framing: Framing,
  fields: FieldTable,
): number {
  framing.contentLength = -1;
  framing.transferEncoding = framing.chunked = framing.expectContinue = framing.upgrade = false;
  framing.upgradeTo = '';
  framing.database = undefined;
  const lf = findLineEnd(bytes, from, to);
  if (lf < 0 && !(final && request && hasWholePath(bytes, from, to))) return INCOMPLETE;
  const ok = request
    ? parseRequestLine(bytes, from, lf < 0 ? to : lf, lf < 0, request)
    : parseStatusLine(bytes, from, lf, message as HttpResponse);
  if (!ok) return MALFORMED;
  const length = parseFields(bytes, from, lf, to, request, framing, request ? fields : RESPONSE_FIELDS);
  if (length !== INCOMPLETE || !final) return length;
  message.truncated = true;
  return to - from;
}

/** Length of the empty line at `at`, 0 if the line is not empty, -1 while that cannot be told. */
export function emptyLine(bytes: Uint8Array, at: number, to: number): number {
  if (at >= to) return -1;
  if (bytes[at] !== CR) return bytes[at] === LF ? 1 : 0;
  if (at + 1 >= to) return -1;
  return bytes[at + 1] === LF ? 2 : 0;
}

/** Field lines behind the first line, which ends at `firstLf` (-1: it was cut). Returns as `parseHead`. */
function parseFields(
  bytes: Uint8Array,
  from: number,
  firstLf: number,
  to: number,
  request: HttpRequest | undefined,
  framing: Framing,
  fields: FieldTable,
): number {
  let lf = firstLf;
  let framingField = false;
  while (lf >= 0) {
    const start = lf + 1;
    const empty = emptyLine(bytes, start, to);
    if (empty !== 0) return empty < 0 ? INCOMPLETE : start + empty - from;
    const first = bytes[start];
    if (first === SP || first === HT) {
      if (framingField) return MALFORMED;
      lf = findLineEnd(bytes, start, to);
      continue;
    }
    let colon = start;
    while (colon < to && TOKEN[bytes[colon]!] === 1) colon++;
    let any = 0;
    for (lf = colon; lf < to && bytes[lf] !== LF; lf++) any |= bytes[lf]!;
    if (lf === to) return INCOMPLETE;
    if (bytes[colon] === COLON && colon > start) {
      const code = fields.find(bytes, start, colon);
      framingField = takeField(code, bytes, colon, lf, any < 128, request, framing);
    } else {
      if (request) return MALFORMED;
      framingField = false;
    }
  }
  return INCOMPLETE;
}

/** Returns true if the field frames the body. */
function takeField(
  code: number,
  bytes: Uint8Array,
  colon: number,
  lf: number,
  ascii: boolean,
  request: HttpRequest | undefined,
  framing: Framing,
): boolean {
  if (code === NOT_USED) return false;
  if (code === CONTENT_LENGTH) {
    framing.contentLength = mergeLength(framing.contentLength, bytes, colon, lf);
    return true;
  }
  if (code === TRANSFER_ENCODING) {
    framing.transferEncoding = true;
    framing.chunked = lastCodingIsChunked(bytes, colon + 1, lf);
    return true;
  }
  const field = value(bytes, colon, lf, ascii);
  if (request) setField(code, field, request, framing);
  else setResponseField(code, field, framing);
  return false;
}

/** Longest value kept; what is longer is cut. */
const MAX_VALUE = 2048;

function value(bytes: Uint8Array, colon: number, lf: number, ascii: boolean): string {
  let from = colon + 1;
  let to = lf;
  while (from < to && (bytes[from] === SP || bytes[from] === HT)) from++;
  while (to > from && (bytes[to - 1] === SP || bytes[to - 1] === HT || bytes[to - 1] === CR)) to--;
  return textOf(bytes, from, Math.min(to, from + MAX_VALUE), ascii);
}

/** `1*DIGIT`, or a list of the same number (RFC 9112, 6.3). `known` is -1, -2 or what another field said. */
function mergeLength(known: number, bytes: Uint8Array, colon: number, lf: number): number {
  let i = colon + 1;
  while (bytes[i] === SP || bytes[i] === HT) i++;
  const start = i;
  let number = 0;
  for (; bytes[i]! >= 48 && bytes[i]! <= 57; i++) number = number * 10 + bytes[i]! - 48;
  const plain = i > start && (bytes[i] === CR || bytes[i] === LF) && i - start <= 15;
  if (!plain) number = listedLength(value(bytes, colon, lf, true));
  return known === -1 || known === number ? number : -2;
}

function listedLength(list: string): number {
  const members = list.split(',').map((member) => member.trim());
  const same = members.every((member) => member === members[0] && /^[0-9]{1,15}$/.test(member));
  return same ? Number(members[0]) : -2;
}

function lastCodingIsChunked(bytes: Uint8Array, from: number, lf: number): boolean {
  let to = lf;
  while (to > from && (bytes[to - 1]! <= SP || bytes[to - 1] === 44)) to--;
  if (to - from < 7 || !isName(bytes, to - 7, 'chunked')) return false;
  const before = to - 7 === from ? SP : bytes[to - 8]!;
  return before === SP || before === HT || before === 44;
}
