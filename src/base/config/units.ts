import type { Endpoint } from '../settings.ts';

const NS = { ns: 1, us: 1e3, µs: 1e3, ms: 1e6, s: 1e9, m: 60e9, h: 3600e9 } as const;
const DURATION = /^(?:\d+(?:\.\d+)?(?:ns|us|µs|ms|s|m|h))+$/;
const PART = /(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)/g;

/** Milliseconds of a duration as Go writes it: `200ms`, `1m30s`, `1.5h`, `0`. Undefined where it is none; a number needs a unit. */
export function parseDurationMs(value: unknown): number | undefined {
  if (value === 0 || value === '0') return 0;
  if (typeof value !== 'string' || !DURATION.test(value)) return undefined;
  let ns = 0;
  for (const [, amount, unit] of value.matchAll(PART)) ns += Number(amount) * NS[unit as keyof typeof NS];
  return ns / 1e6;
}

const FACTORS: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
};

/** Bytes of a size such as `16MiB`, `64 KiB`, `1GB`, `4096`. Undefined where it is none or no whole number of bytes. */
export function parseSizeBytes(value: unknown): number | undefined {
  const match = /^(\d+(?:\.\d+)?) ?([A-Za-z]*)$/.exec(
    typeof value === 'number' ? String(value) : textOf(value),
  );
  const factor = match ? FACTORS[match[2]!.toLowerCase()] : undefined;
  if (!match || factor === undefined) return undefined;
  const bytes = Number(match[1]) * factor;
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

/** `host:port`, `:port` (all interfaces), `[::1]:port`. */
export function parseEndpoint(value: unknown): Endpoint | undefined {
  const match = /^(?:\[([0-9A-Fa-f:.%]+)\]|([^\s:/[\]@]*)):(\d{1,5})$/.exec(textOf(value));
  if (!match) return undefined;
  const port = Number(match[3]);
  return port <= 65_535 ? { host: match[1] ?? match[2]!, port } : undefined;
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
