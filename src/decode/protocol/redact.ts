export const REDACTED = 'REDACTED';

/** Replaces the values of the given keys (in lower case) in a query without its question mark. */
export function redactQuery(query: string, keys: ReadonlySet<string>): string {
  let redacted = '';
  /** Up to here `redacted` has it. */
  let copied = 0;
  for (let start = 0; start < query.length;) {
    const mark = query.indexOf('&', start);
    const end = mark < 0 ? query.length : mark;
    const equals = query.indexOf('=', start);
    if (equals < 0) break;
    if (equals > start && equals < end - 1 && keys.has(plainKey(query.slice(start, equals)))) {
      redacted += query.slice(copied, equals + 1) + REDACTED;
      copied = end;
    }
    start = end + 1;
  }
  return copied === 0 ? query : redacted + query.slice(copied);
}

function plainKey(key: string): string {
  if (!key.includes('%')) return key.toLowerCase();
  return key
    .replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)))
    .toLowerCase();
}

/** Removes `user:password@` from an authority. */
export function withoutUserinfo(authority: string): string {
  const at = authority.lastIndexOf('@');
  return at < 0 ? authority : authority.slice(at + 1);
}
