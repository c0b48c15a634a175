import { text } from '../bytes.ts';
import { CONTEXT_HEADERS, ContextHeaders } from '../context-headers.ts';
import { FieldTable, NOT_USED } from './http1-fields.ts';

const NAMES = Object.keys(CONTEXT_HEADERS);
const KEYS = Object.values(CONTEXT_HEADERS);

/** Finds what says which trace a message belongs to among the headers of any protocol that carries names with values. */
export class ContextFields {
  readonly #table: FieldTable;

  /** `requestIds`: names of headers, in lower case, whose values are kept as request ids. */
  constructor(requestIds: readonly string[]) {
    this.#table = new FieldTable(NAMES, requestIds);
  }

  /** Whether the name at `[from, to)` is one of them. */
  has(bytes: Uint8Array, from: number, to: number): boolean {
    return this.#table.find(bytes, from, to) !== NOT_USED;
  }

  /** Adds the header if it is one of them. `headers` are those found so far, if there are any. */
  add(
    headers: ContextHeaders | undefined,
    bytes: Uint8Array,
    name: number,
    nameEnd: number,
    value: number,
    valueEnd: number,
  ): ContextHeaders | undefined {
    const code = this.#table.find(bytes, name, nameEnd);
    if (code === NOT_USED) return headers;
    const result = headers ?? new ContextHeaders();
    const key = KEYS[code];
    const found = text(bytes, value, valueEnd);
    if (key === undefined) result.addRequestId(found);
    else result.add(key, found);
    return result;
  }
}
