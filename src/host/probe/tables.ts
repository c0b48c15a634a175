/** The forms that text of /proc and /sys has. */

/** `Key:   123 kB`, a line each (/proc/meminfo, /proc/PID/status): numbers only, in the unit of the file. */
export function parseKeyed(text: string): Map<string, number> {
  const found = new Map<string, number>();
  for (const [, key, value] of text.matchAll(/^([^:\n]+):[ \t]+(\d+)(?: kB)?$/gm))
    found.set(key!, Number(value));
  return found;
}

/** `key 123`, a line each (/proc/vmstat, cpu.stat and memory.events of a cgroup). */
export function parsePairs(text: string): Map<string, number> {
  const found = new Map<string, number>();
  for (const [, key, value] of text.matchAll(/^(\S+) (-?\d+)$/gm)) found.set(key!, Number(value));
  return found;
}

/**
 * A line of titles and one of values under it (/proc/net/snmp, /proc/net/netstat), by `Tcp.InSegs`:
 *
 *   Tcp: RtoAlgorithm RtoMin …
 *   Tcp: 1 200 …
 */
export function parseTitled(text: string): Map<string, number> {
  const found = new Map<string, number>();
  const lines = text.split('\n');
  for (let i = 0; i + 1 < lines.length; i += 2) {
    const [group, ...titles] = lines[i]!.split(' ');
    const values = lines[i + 1]!.split(' ');
    for (const [place, title] of titles.entries())
      found.set(`${group!.slice(0, -1)}.${title}`, Number(values[place + 1]));
  }
  return found;
}

/** A path as it is: blanks and the like are octal in the kernel's tables. */
export function unescaped(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(parseInt(digits, 8)));
}
