/** Keys whose values in a query are secrets as a rule; compared without case. */
export const REDACTED_QUERY_KEYS: readonly string[] = [
  ...['token', 'access_token', 'refresh_token', 'id_token', 'auth_token', 'authorization', 'auth', 'jwt'],
  ...['api_key', 'apikey', 'api-key', 'key', 'password', 'passwd', 'pwd', 'pass', 'secret', 'client_secret'],
  ...['code', 'sig', 'signature', 'session', 'sessionid', 'session_id', 'sid', 'assertion', 'credential'],
  ...['x-amz-signature', 'x-amz-credential', 'x-amz-security-token', 'awsaccesskeyid'],
  ...['x-goog-signature', 'x-goog-credential'],
];

export const REDACTED = 'REDACTED';

/** Replaces the values of the given keys (in lower case) in a query without its question mark. */
export function redactQuery(query: string, keys: ReadonlySet<string>): string {
  if (!query.includes('=')) return query;
  let changed = false;
  const parts = query.split('&');
  for (let i = 0; i < parts.length; i++) {
    const part = parts[i]!;
    const equals = part.indexOf('=');
    if (equals <= 0 || equals === part.length - 1 || !keys.has(plainKey(part.slice(0, equals)))) continue;
    parts[i] = `${part.slice(0, equals)}=${REDACTED}`;
    changed = true;
  }
  return changed ? parts.join('&') : query;
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
