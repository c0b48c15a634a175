import { ContextHeaders, type ContextKey } from '../../../src/decode/context-headers.ts';

/** Headers as the decoder keeps them, by their names there. */
export function makeHeaders(
  values: Partial<Record<ContextKey, string>>,
  requestIds: readonly string[] = [],
): ContextHeaders {
  const headers = new ContextHeaders();
  for (const [key, value] of Object.entries(values)) headers.add(key as ContextKey, value);
  for (const id of requestIds) headers.addRequestId(id);
  return headers;
}
