/** IP addresses of 16 bytes, IPv4 as ::ffff:a.b.c.d, as text. */

const V4_CACHE_MAX = 65_536;
const v4 = new Map<number, string>();

/** `127.0.0.1` for IPv4 and IPv4-mapped addresses, else RFC 5952: `::1`, `2001:db8::1`. Same address, same string object (IPv4). */
export function addressText(bytes: Uint8Array, at: number): string {
  if (!isMapped(bytes, at)) return v6Text(bytes.subarray(at, at + 16));
  const key = (bytes[at + 12]! << 24) | (bytes[at + 13]! << 16) | (bytes[at + 14]! << 8) | bytes[at + 15]!;
  let text = v4.get(key);
  if (text === undefined) {
    if (v4.size >= V4_CACHE_MAX) v4.clear();
    text = `${bytes[at + 12]}.${bytes[at + 13]}.${bytes[at + 14]}.${bytes[at + 15]}`;
    v4.set(key, text);
  }
  return text;
}

function isMapped(bytes: Uint8Array, at: number): boolean {
  for (let i = at; i < at + 10; i++) if (bytes[i] !== 0) return false;
  return bytes[at + 10] === 0xff && bytes[at + 11] === 0xff;
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
