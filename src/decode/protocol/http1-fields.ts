import { CONTEXT_HEADERS, ContextHeaders, type ContextKey } from '../context-headers.ts';
import type { Framing } from './http1-head.ts';
import type { DatabaseResponse, HttpRequest } from './http-message.ts';

/** Codes of fields; those of the first two are the body's framing. */
export const NOT_USED = -1;
export const CONTENT_LENGTH = 0;
export const TRANSFER_ENCODING = 1;
const FRAMING = ['content-length', 'transfer-encoding'];
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
const FIRST_CONTEXT = FRAMING.length + PLAIN.length;
const REQUEST_ID = FIRST_CONTEXT + CONTEXT.length;

/** Names that cannot be request ids, since they are used already; each one's index is its code. */
export const KNOWN_NAMES: readonly string[] = [...FRAMING, ...PLAIN, ...CONTEXT.map(([name]) => name)];

const MAX_NAME = 64;

/** Fields that are used, by length of the name and its first letter: most names that are sent are told from all of them by one look. */
export class FieldTable {
  /** By slot: index of an entry, 0 where there is none. */
  readonly #slots = new Uint16Array((MAX_NAME + 1) << 5);
  readonly #names: string[] = [''];
  readonly #codes: number[] = [NOT_USED];
  /** Another entry of the same slot, or 0. */
  readonly #next: number[] = [0];

  /** `requestIds`: names of headers, in lower case, whose values are kept as request ids; their code is the number of the other names. */
  constructor(names: readonly string[], requestIds: readonly string[]) {
    names.forEach((name, code) => this.#add(name, code));
    for (const name of requestIds) this.#add(name, names.length);
  }

  /** Code of the field whose name stands at `[from, to)`, in any case; NOT_USED for all others. */
  find(bytes: Uint8Array, from: number, to: number): number {
    const length = to - from;
    if (length > MAX_NAME) return NOT_USED;
    let entry = this.#slots[(length << 5) | (bytes[from]! & 31)]!;
    while (entry !== 0 && !isName(bytes, from, this.#names[entry]!)) entry = this.#next[entry]!;
    return this.#codes[entry]!;
  }

  #add(name: string, code: number): void {
    const slot = (name.length << 5) | (name.charCodeAt(0) & 31);
    this.#next.push(this.#slots[slot]!);
    this.#codes.push(code);
    // Compared with bytes that are folded alike: bit 5 makes letters small ones, and only `_` another character.
    this.#slots[slot] = this.#names.push(name.replaceAll('_', '\x7f')) - 1;
  }
}

export function requestFields(requestIds: readonly string[]): FieldTable {
  return new FieldTable(KNOWN_NAMES, requestIds);
}

/** Those by which a database says what it is: Elasticsearch 7.14, OpenSearch 2.9, ClickHouse. */
const DATABASE = [
  'x-elastic-product',
  'x-opensearch-version',
  'x-clickhouse-summary',
  'x-clickhouse-query-id',
];
const EXCEPTION = 'x-clickhouse-exception-code';

export const RESPONSE_FIELDS = new FieldTable([...FRAMING, 'upgrade', ...DATABASE, EXCEPTION], []);

/** `name` in lower case, ASCII; `_` as the byte it becomes. */
export function isName(bytes: Uint8Array, from: number, name: string): boolean {
  for (let i = 0; i < name.length; i++) if ((bytes[from + i]! | 0x20) !== name.charCodeAt(i)) return false;
  return true;
}

/** Of fields that should be there once the first counts, of Host and User-Agent the last. */
export function setField(code: number, text: string, request: HttpRequest, framing: Framing): void {
  switch (code) {
    case 2:
      request.host = text;
      break;
    case 3:
      framing.expectContinue = text.toLowerCase() === '100-continue';
      break;
    case 4:
      framing.upgrade = true;
      break;
    case 5:
      request.forwarded ??= text;
      break;
    case 6:
      request.userAgent = text;
      break;
    case 7:
      request.forwardedFor ??= text;
      break;
    case 8:
      request.forwardedProto ??= text;
      break;
    default:
      setContext(code, text, (request.contextHeaders ??= new ContextHeaders()));
  }
}

export function setResponseField(code: number, text: string, framing: Framing): void {
  switch (code) {
    case 2:
      framing.upgradeTo = text.toLowerCase();
      break;
    case 3:
      if (text === 'Elasticsearch') setDatabase('elasticsearch', framing);
      break;
    case 4:
      setDatabase('opensearch', framing);
      break;
    case 7:
      setDatabase('clickhouse', framing).errorCode = text;
      break;
    default:
      setDatabase('clickhouse', framing);
  }
}

function setDatabase(system: DatabaseResponse['system'], framing: Framing): DatabaseResponse {
  return (framing.database ??= { system, errorCode: '' });
}

function setContext(code: number, text: string, headers: ContextHeaders): void {
  if (code === REQUEST_ID) headers.addRequestId(text);
  else headers.add(CONTEXT_KEYS[code - FIRST_CONTEXT]!, text);
}
