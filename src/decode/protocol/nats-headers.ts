import { indexOf, latin1, startsWith } from '../bytes.ts';
import type { ContextHeaders } from '../context-headers.ts';
import type { ContextFields } from './context-fields.ts';

const CR = 13;
const LF = 10;
const COLON = 58;
const SP = 32;
const VERSION = 'NATS/1.';
/** Of the framework for services in NATS's clients (ADR-32). */
const SERVICE_ERROR = 'nats-service-error-code';

/** What was found in the headers that were read last. */
export const found = {
  /** 0: none. */
  status: 0,
  /** '': none. */
  serviceError: '',
  contextHeaders: undefined as ContextHeaders | undefined,
};

/** NATS/1.0 [status [text]] CRLF *( name ":" value CRLF ) CRLF      ADR-4. What is there of `[from, to)` is read into `found`. */
export function readHeaders(bytes: Uint8Array, from: number, to: number, fields: ContextFields): void {
  found.status = 0;
  found.serviceError = '';
  found.contextHeaders = undefined;
  if (!startsWith(bytes, from, to, VERSION)) return;
  let lf = indexOf(bytes, LF, from, to);
  if (lf < 0) return;
  found.status = statusAt(bytes, from + VERSION.length + 1, lf);
  for (let at = lf + 1; at < to; at = lf + 1) {
    lf = indexOf(bytes, LF, at, to);
    const colon = lf < 0 ? -1 : indexOf(bytes, COLON, at, lf);
    if (colon < 0) return;
    takeHeader(bytes, at, colon, lf, fields);
  }
}

function takeHeader(bytes: Uint8Array, at: number, colon: number, lf: number, fields: ContextFields): void {
  let value = colon + 1;
  while (value < lf && bytes[value] === SP) value++;
  const end = bytes[lf - 1] === CR ? lf - 1 : lf;
  found.contextHeaders = fields.add(found.contextHeaders, bytes, at, colon, value, Math.max(value, end));
  if (colon - at !== SERVICE_ERROR.length || end - value > 16 || end <= value) return;
  if (latin1(bytes, at, colon).toLowerCase() === SERVICE_ERROR)
    found.serviceError = latin1(bytes, value, end);
}

/** Three digits behind a blank. */
function statusAt(bytes: Uint8Array, at: number, lf: number): number {
  if (bytes[at] !== SP || at + 4 > lf) return 0;
  let status = 0;
  for (let i = at + 1; i <= at + 3; i++) {
    const digit = bytes[i]! - 48;
    if (digit < 0 || digit > 9) return 0;
    status = status * 10 + digit;
  }
  return status;
}
