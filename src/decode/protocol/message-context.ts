import { CONTEXT_HEADERS, ContextHeaders, type ContextKey } from '../context-headers.ts';

/** Longest name of a header that is looked up. */
const MAX_NAME = 64;

/** Finds among the headers, or properties, of messages those that say which trace they belong to. Names are compared without case. */
export class MessageContext {
  readonly #keys: ReadonlyMap<string, ContextKey>;
  readonly #requestIds: ReadonlySet<string>;

  /** `requestIds`: names in lower case. */
  constructor(requestIds: readonly string[]) {
    this.#keys = new Map(Object.entries(CONTEXT_HEADERS));
    this.#requestIds = new Set(requestIds);
  }

  /** Takes one header. Returns what the headers so far say, undefined while that is nothing. */
  take(found: ContextHeaders | undefined, name: string, value: string): ContextHeaders | undefined {
    if (name.length > MAX_NAME) return found;
    const lower = name.toLowerCase();
    const key = this.#keys.get(lower);
    if (key === undefined && !this.#requestIds.has(lower)) return found;
    const headers = found ?? new ContextHeaders();
    if (key === undefined) headers.addRequestId(value);
    else headers.add(key, value);
    return headers;
  }
}
