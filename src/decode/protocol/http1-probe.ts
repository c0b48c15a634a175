import { Claim } from '../decoder.ts';
import { methodText } from './http1-head.ts';
import { isKnownMethod } from './http-message.ts';

/** A request line may be this long until it must have ended. */
const MAX_LINE = 8192;
const MAX_METHOD = 32;
const SP = 32;
const LF = 10;
const CR = 13;

/** 1 for tchar (RFC 9110, 5.6.2). */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]$/;
const IS_TOKEN = Uint8Array.from({ length: 256 }, (_, i) => (TOKEN.test(String.fromCharCode(i)) ? 1 : 0));
/**
 * IANA's HTTP Method Registry, QUERY, and what caches and UPnP add. In the middle of a connection only these begin a message: any word can be
 * a method, and the tail of a body in front of a request line would be part of it.
 */
const REGISTERED_METHODS: readonly string[] = [
  ...[
    'GET',
    'POST',
    'HEAD',
    'PUT',
    'DELETE',
    'OPTIONS',
    'PATCH',
    'CONNECT',
    'TRACE',
    'QUERY',
    'PURGE',
    'BAN',
  ],
  ...['PROPFIND', 'PROPPATCH', 'MKCOL', 'COPY', 'MOVE', 'LOCK', 'UNLOCK', 'REPORT', 'SEARCH', 'ACL', 'BIND'],
  ...['UNBIND', 'REBIND', 'LINK', 'UNLINK', 'LABEL', 'MERGE', 'BASELINE-CONTROL', 'CHECKIN', 'CHECKOUT'],
  ...['MKACTIVITY', 'MKCALENDAR', 'MKREDIRECTREF', 'MKWORKSPACE', 'ORDERPATCH', 'UNCHECKOUT', 'UPDATE'],
  ...['UPDATEREDIRECTREF', 'VERSION-CONTROL', 'NOTIFY', 'SUBSCRIBE', 'UNSUBSCRIBE', 'M-SEARCH'],
];
/** What can follow the version in a status line's beginning. */
const STATUS = 'HTTP/1.';

/** Of requests with a registered method, and of responses. */
export const HTTP1_STARTS: readonly string[] = [
  ...new Set([...REGISTERED_METHODS.map((method) => `${method} `.slice(0, 4)), STATUS.slice(0, 4)]),
];

/**
 * Whose are the bytes at the start of a record? A claim needs a whole request line with its version, or a status line up to its code: `GET /x`
 * alone is also a Redis inline command, `OPTIONS rtsp://` RTSP and `PRI * HTTP/2.0` the preface of HTTP/2.
 */
export function probeHttp1(
  bytes: Uint8Array,
  from: number,
  to: number,
  final: boolean,
  joined: boolean,
): Claim {
  if (to <= from) return Claim.more;
  if (bytes[from] === 72 /* H */) {
    const claim = probeStatus(bytes, from, to);
    if (claim !== Claim.no) return claim === Claim.more && final ? Claim.no : claim;
  }
  return probeRequest(bytes, from, to, final, joined);
}

/** `HTTP/1.x NNN` and what ends the code; one test a byte. */
const STATUS_SHAPE: ReadonlyArray<(byte: number) => boolean> = [
  ...[...STATUS].map((c) => (byte: number) => byte === c.charCodeAt(0)),
  isDigit,
  (byte) => byte === SP,
  (byte) => isDigit(byte) && byte !== 48,
  isDigit,
  isDigit,
  (byte) => byte === SP || byte === CR || byte === LF,
];

function probeStatus(bytes: Uint8Array, from: number, to: number): Claim {
  const length = Math.min(STATUS_SHAPE.length, to - from);
  for (let i = 0; i < length; i++) if (!STATUS_SHAPE[i]!(bytes[from + i]!)) return Claim.no;
  return length === STATUS_SHAPE.length ? Claim.response : Claim.more;
}

function isDigit(byte: number): boolean {
  return byte >= 48 && byte <= 57;
}

function probeRequest(bytes: Uint8Array, from: number, to: number, final: boolean, joined: boolean): Claim {
  let i = from;
  while (i < to && IS_TOKEN[bytes[i]!] === 1) i++;
  if (i === from || i - from > MAX_METHOD) return Claim.no;
  const method = methodText(bytes, from, i);
  if (joined && !mayBeMethod(method, i === to)) return Claim.no;
  if (i === to) return final ? Claim.no : Claim.more;
  if (bytes[i] !== SP) return Claim.no;
  const shape = probeTarget(bytes, i + 1, to, method);
  if (shape !== Claim.request) return shape === Claim.more && final ? Claim.no : shape;
  const end = targetEnd(bytes, i + 1, to);
  if (end < to) return bytes[end] === SP ? probeVersion(bytes, end + 1, to, final) : Claim.no;
  return probeCutLine(method, to - from, final);
}

/** A request line without its end. */
function probeCutLine(method: string, length: number, final: boolean): Claim {
  if (final) return isKnownMethod(method) ? Claim.request : Claim.no;
  return length > MAX_LINE ? Claim.no : Claim.more;
}

function mayBeMethod(method: string, cut: boolean): boolean {
  return cut
    ? REGISTERED_METHODS.some((known) => known.startsWith(method))
    : REGISTERED_METHODS.includes(method);
}

function targetEnd(bytes: Uint8Array, from: number, to: number): number {
  let i = from;
  while (i < to && bytes[i]! > SP && bytes[i] !== 127) i++;
  return i;
}

/** Origin, absolute, authority (CONNECT alone) and asterisk form by their first bytes. */
function probeTarget(bytes: Uint8Array, at: number, to: number, method: string): Claim {
  if (at >= to) return Claim.more;
  const first = bytes[at]!;
  if (first === 47 /* / */) return Claim.request;
  if (first === 42 /* * */) {
    if (at + 1 >= to) return Claim.more;
    return bytes[at + 1] === SP ? Claim.request : Claim.no;
  }
  if (method === 'CONNECT') return first > SP ? Claim.request : Claim.no;
  const scheme = 'http';
  for (let i = 0; i < scheme.length; i++) {
    if (at + i >= to) return Claim.more;
    if ((bytes[at + i]! | 0x20) !== scheme.charCodeAt(i)) return Claim.no;
  }
  return Claim.request;
}

function probeVersion(bytes: Uint8Array, at: number, to: number, final: boolean): Claim {
  for (let i = 0; i < STATUS.length; i++) {
    if (at + i >= to) return final ? Claim.no : Claim.more;
    if (bytes[at + i] !== STATUS.charCodeAt(i)) return Claim.no;
  }
  if (at + 8 >= to) return final ? Claim.no : Claim.more;
  const after = bytes[at + 8];
  return isDigit(bytes[at + 7]!) && (after === CR || after === LF) ? Claim.request : Claim.no;
}
