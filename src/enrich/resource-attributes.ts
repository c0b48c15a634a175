const KEY_MAX = 128;
const VALUE_MAX = 512;
const COUNT_MAX = 64;

/** OTEL_RESOURCE_ATTRIBUTES: `key=value,key2=value2`, values percent-encoded. One that cannot be read is left out, the rest stays. */
export function parseResourceAttributes(text: string | undefined): Record<string, string> {
  const attributes: Record<string, string> = {};
  for (const pair of (text ?? '').split(',').slice(0, COUNT_MAX)) {
    const equals = pair.indexOf('=');
    if (equals <= 0) continue;
    const key = pair.slice(0, equals).trim();
    const value = decode(pair.slice(equals + 1).trim());
    if (key !== '' && key.length <= KEY_MAX && value !== undefined)
      attributes[key] = value.slice(0, VALUE_MAX);
  }
  return attributes;
}

function decode(value: string): string | undefined {
  try {
    return decodeURIComponent(value);
  } catch {
    return undefined; // a stray percent sign
  }
}
