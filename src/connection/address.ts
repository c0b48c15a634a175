/** Addresses of records (16 bytes) as text. */

const V4_CACHE_MAX = 65_536;
const v4 = new Map<number, string>();

/** `127.0.0.1` for IPv4 and IPv4-mapped addresses, else RFC 5952: `::1`, `2001:db8::1`. Same address, same string object (IPv4). */
export function addressText(bytes: Uint8Array): string {
  if (isMapped(bytes)) {
    const key = ((bytes[12]! << 24) | (bytes[13]! << 16) | (bytes[14]! << 8) | bytes[15]!) >>> 0;
    let text = v4.get(key);
    if (text === undefined) {
      if (v4.size >= V4_CACHE_MAX) v4.clear();
      text = `${bytes[12]}.${bytes[13]}.${bytes[14]}.${bytes[15]}`;
      v4.set(key, text);
    }
    return text;
  }
  return v6Text(bytes);
}

function isMapped(bytes: Uint8Array): boolean {
  for (let i = 0; i < 10; i++) if (bytes[i] !== 0) return false;
  return bytes[10] === 0xff && bytes[11] === 0xff;
}

/** Lower case, no leading zeros, the longest run of two or more zero groups (the first of equals) as `::`. */
function v6Text(bytes: Uint8Array): string {
  const groups: number[] = [];
  for (let i = 0; i < 16; i += 2) groups.push((bytes[i]! << 8) | bytes[i + 1]!);
  let best = -1;
  let bestLength = 1;
  for (let i = 0; i < 8; i++) {
    let j = i;
    while (j < 8 && groups[j] === 0) j++;
    if (j - i > bestLength) {
      best = i;
      bestLength = j - i;
    }
    if (j > i) i = j;
  }
  const text = (from: number, to: number) =>
    groups
      .slice(from, to)
      .map((group) => group.toString(16))
      .join(':');
  return best < 0 ? text(0, 8) : `${text(0, best)}::${text(best + bestLength, 8)}`;
}

const utf8 = new TextDecoder();

/** Name of a unix socket: a path, `@name` for an abstract one, empty for an unnamed one. */
export function unixName(payload: Uint8Array): string {
  let end = payload.length;
  while (end > 0 && payload[end - 1] === 0) end--;
  if (end === 0) return '';
  const abstract = payload[0] === 0;
  const name = utf8.decode(payload.subarray(abstract ? 1 : 0, end));
  return abstract ? `@${name.replaceAll('\0', '@')}` : name.split('\0', 1)[0]!;
}
