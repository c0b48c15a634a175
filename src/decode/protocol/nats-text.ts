import { indexOf, latin1, startsWith } from '../bytes.ts';
import { boundedText } from './messaging.ts';

const QUOTE = 34;
const COLON = 58;
const SP = 32;
const MAX_ERROR = 64;

/** Where the value of a key of the JSON at `[from, to)` begins, -1 if it has none. A key within a text would have its quotes escaped. */
function valueOf(bytes: Uint8Array, from: number, to: number, key: string): number {
  for (let at = indexOf(bytes, QUOTE, from, to); at >= 0; at = indexOf(bytes, QUOTE, at + 1, to)) {
    if (!startsWith(bytes, at, to, key)) continue;
    let value = at + key.length;
    while (value < to && bytes[value] === SP) value++;
    if (bytes[value] !== COLON) continue;
    value++;
    while (value < to && bytes[value] === SP) value++;
    return value;
  }
  return -1;
}

/** `verbose` of CONNECT. */
export function isVerbose(bytes: Uint8Array, from: number, to: number): boolean {
  const at = valueOf(bytes, from, to, '"verbose"');
  return at >= 0 && startsWith(bytes, at, to, 'true');
}

/** `name` of CONNECT; '' where there is none, or one with escapes. */
export function nameOf(bytes: Uint8Array, from: number, to: number): string {
  const at = valueOf(bytes, from, to, '"name"');
  if (at < 0 || bytes[at] !== QUOTE) return '';
  const end = indexOf(bytes, QUOTE, at + 1, to);
  const name = end < 0 ? '' : boundedText(bytes, at + 1, end);
  return name.includes('\\') ? '' : name;
}

/** `'Permissions Violation for Publish to "x"'` as `permissions_violation_for_publish`. */
export function errorOf(bytes: Uint8Array, from: number, to: number): string {
  const text = latin1(bytes, from, Math.min(to, from + MAX_ERROR)).toLowerCase();
  const words = text.replace(/ (?:to|using|with reply of) ".*$|:.*$/, '').match(/[a-z0-9]+/g);
  return words?.join('_') ?? 'error';
}

/** The subject that stands in double quotes, '' if there is none. */
export function subjectOf(bytes: Uint8Array, from: number, to: number): string {
  const start = indexOf(bytes, QUOTE, from, to);
  const end = start < 0 ? -1 : indexOf(bytes, QUOTE, start + 1, to);
  return end < 0 ? '' : boundedText(bytes, start + 1, end);
}

const API = '{"type":"io.nats.jetstream.api.';
const ERROR = '"error":{"code":';
const PUBLISH_ERROR = `{${ERROR}`;

/** Code of the error in what JetStream answers (`error.code` of its API), undefined where it is none, or not JetStream's. */
export function jetStreamError(bytes: Uint8Array, from: number, to: number): string | undefined {
  if (!startsWith(bytes, from, to, API) && !startsWith(bytes, from, to, PUBLISH_ERROR)) return undefined;
  const text = latin1(bytes, from, to);
  const code = /"error":\{"code":(\d{3}),"err_code":/.exec(text);
  return code?.[1];
}
