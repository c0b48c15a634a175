/**
 * Ids from hop keys, version 1: the rules any implementation must follow to name the same span alike. docs/ids.md has them with test vectors.
 *
 *   mix(z)       the finaliser of SplitMix64, a bijection of 64 bits
 *   base(key)    mix(key xor KIND[key.kind])
 *   client span  mix(base + CLIENT)
 *   server span  mix(base + SERVER)
 *   root trace   mix(base + TRACE_HIGH) followed by mix(base + TRACE_LOW)
 *
 * As each step is a bijection, two hop keys of one kind never share a span id. A result of all zeros, which trace context forbids, becomes 1.
 * 64-bit arithmetic is done on 32-bit halves, since a BigInt costs an allocation an operation.
 */
import type { HopKey } from '../decode/exchange.ts';

export const ID_VERSION = 1;

/** A hop key, or a key for an exchange that has none (`local`) or whose hop key returns (`unix`, `udp` with the time mixed in). */
export interface IdKey {
  readonly kind: HopKey['kind'] | 'local';
  readonly high: number;
  readonly low: number;
}

// The first 64 hexadecimal digits and on of pi's fraction, as nothing-up-my-sleeve numbers.
const KIND = {
  tcp: [0x243f6a88, 0x85a308d3],
  unix: [0x13198a2e, 0x03707344],
  udp: [0xa4093822, 0x299f31d0],
  local: [0x082efa98, 0xec4e6c89],
} as const;
const CLIENT = [0x452821e6, 0x38d01377] as const;
const SERVER = [0xbe5466cf, 0x34e90c6c] as const;
const TRACE_HIGH = [0xc0ac29b7, 0xc97c50dd] as const;
const TRACE_LOW = [0x3f84d5b5, 0xb5470917] as const;

const WORD = 0x100000000;
/** Character codes of the hexadecimal digits. */
const DIGIT = Uint8Array.from('0123456789abcdef', (char) => char.charCodeAt(0));

/** The 64-bit register that all steps work on; one thread, no reentrance. */
let high = 0;
let low = 0;

function multiply(byHigh: number, byLow: number): void {
  const a0 = low & 0xffff;
  const a1 = low >>> 16;
  const b0 = byLow & 0xffff;
  const b1 = byLow >>> 16;
  const middle = a0 * b1 + a1 * b0 + (Math.imul(a0, b0) >>> 16);
  const carry = a1 * b1 + Math.floor(middle / 65_536);
  high = (carry + Math.imul(high, byLow) + Math.imul(low, byHigh)) | 0;
  low = Math.imul(low, byLow);
}

function shiftXor(bits: number): void {
  const highBefore = high;
  high ^= high >>> bits;
  low ^= (low >>> bits) | (highBefore << (32 - bits));
}

function mix(): void {
  shiftXor(30);
  multiply(0xbf58476d, 0x1ce4e5b9);
  shiftXor(27);
  multiply(0x94d049bb, 0x133111eb);
  shiftXor(31);
}

function load(key: IdKey): void {
  const kind = KIND[key.kind];
  high = key.high ^ kind[0];
  low = key.low ^ kind[1];
  mix();
}

function add(constant: readonly [number, number]): void {
  const sum = (low >>> 0) + constant[1];
  low = sum | 0;
  high = (high + constant[0] + (sum >= WORD ? 1 : 0)) | 0;
}

/** The register as text. One call with all characters makes one flat string and is three times as fast as joining pieces. */
function hex(): string {
  const h = high;
  const l = low;
  return String.fromCharCode(
    DIGIT[h >>> 28]!,
    DIGIT[(h >>> 24) & 15]!,
    DIGIT[(h >>> 20) & 15]!,
    DIGIT[(h >>> 16) & 15]!,
    DIGIT[(h >>> 12) & 15]!,
    DIGIT[(h >>> 8) & 15]!,
    DIGIT[(h >>> 4) & 15]!,
    DIGIT[h & 15]!,
    DIGIT[l >>> 28]!,
    DIGIT[(l >>> 24) & 15]!,
    DIGIT[(l >>> 20) & 15]!,
    DIGIT[(l >>> 16) & 15]!,
    DIGIT[(l >>> 12) & 15]!,
    DIGIT[(l >>> 8) & 15]!,
    DIGIT[(l >>> 4) & 15]!,
    DIGIT[l & 15]!,
  );
}

function derive(key: IdKey, constant: readonly [number, number]): string {
  load(key);
  add(constant);
  mix();
  if ((high | low) === 0) low = 1;
  return hex();
}

/** 16 hex digits. */
export function clientSpanId(key: IdKey): string {
  return derive(key, CLIENT);
}

/** 16 hex digits. */
export function serverSpanId(key: IdKey): string {
  return derive(key, SERVER);
}

/** 32 hex digits. The low 56 bits are uniform, as consistent sampling wants them. */
export function rootTraceId(key: IdKey): string {
  return derive(key, TRACE_HIGH) + derive(key, TRACE_LOW);
}

/** The hop key itself, 16 hex digits: what `undertrace.hop.id` shows. */
export function hopId(key: IdKey): string {
  high = key.high;
  low = key.low;
  return hex();
}

function absorb(value: number): void {
  high ^= Math.floor(value / WORD) | 0;
  low ^= value | 0;
  mix();
}

/** Sets the register apart for keys that only mean something on one boot of one host. `seed`: of `seedOf`. */
function start(seed: IdKey): void {
  high = seed.high;
  low = seed.low;
  mix();
}

function take(): IdKey {
  return { kind: 'local', high: high >>> 0, low: low >>> 0 };
}

/** A key for a text, such as the boot id. */
export function seedOf(text: string): IdKey {
  high = 0;
  low = text.length;
  for (let i = 0; i < text.length; i++) absorb(text.charCodeAt(i));
  return take();
}

/** A key for an exchange without a hop key: the socket's identity on this boot and the position of the request. */
export function localKey(seed: IdKey, sock: number, inode: number, netns: number, position: number): IdKey {
  start(seed);
  absorb(sock);
  absorb(inode);
  absorb(netns);
  absorb(position);
  return take();
}

/**
 * A key for a hop key that may come back, because it is made of kernel addresses (unix) or of content (udp): one occurrence, at a time.
 * Only spans of one host are joined over such a hop, in memory, so that both ends need not come to the same number.
 */
export function occurrenceKey(seed: IdKey, hop: HopKey, startNs: number): IdKey {
  start(seed);
  absorb(KIND[hop.kind][0]);
  high ^= hop.high;
  low ^= hop.low;
  mix();
  absorb(startNs);
  return take();
}
