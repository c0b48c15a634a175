import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';

import {
  type IdKey,
  clientSpanId,
  hopId,
  localKey,
  occurrenceKey,
  rootTraceId,
  seedOf,
  serverSpanId,
} from '../../src/link/ids.ts';

const MASK = (1n << 64n) - 1n;

/** docs/ids.md word by word, in the arithmetic that the product avoids. */
function mix(z: bigint): bigint {
  z = ((z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n) & MASK;
  z = ((z ^ (z >> 27n)) * 0x94d049bb133111ebn) & MASK;
  return z ^ (z >> 31n);
}

const KIND = {
  tcp: 0x243f6a8885a308d3n,
  unix: 0x13198a2e03707344n,
  udp: 0xa4093822299f31d0n,
  local: 0x082efa98ec4e6c89n,
};

function reference(key: IdKey, constant: bigint): string {
  const value = (BigInt(key.high) << 32n) | BigInt(key.low);
  const id = mix((mix(value ^ KIND[key.kind]) + constant) & MASK);
  return (id === 0n ? 1n : id).toString(16).padStart(16, '0');
}

const client = (key: IdKey) => reference(key, 0x452821e638d01377n);
const server = (key: IdKey) => reference(key, 0xbe5466cf34e90c6cn);
const trace = (key: IdKey) => reference(key, 0xc0ac29b7c97c50ddn) + reference(key, 0x3f84d5b5b5470917n);

/** Deterministic 32-bit numbers. */
function* numbers(seed: number): Generator<number> {
  for (;;) {
    seed = (Math.imul(seed, 1664525) + 1013904223) | 0;
    yield (seed ^ (seed >>> 15)) >>> 0;
  }
}

describe('link/ids', () => {
  it('gives what the published rules give, for corners and for many keys', () => {
    const random = numbers(1);
    const corners = [0, 1, 0x7fffffff, 0x80000000, 0xffffffff];
    const keys: IdKey[] = corners.flatMap((high) =>
      corners.map((low) => ({ kind: 'tcp' as const, high, low })),
    );
    for (let n = 0; n < 3000; n++) {
      const kind = (['tcp', 'unix', 'udp', 'local'] as const)[n % 4]!;
      keys.push({ kind, high: random.next().value as number, low: random.next().value as number });
    }
    for (const key of keys) {
      assert.equal(clientSpanId(key), client(key));
      assert.equal(serverSpanId(key), server(key));
      assert.equal(rootTraceId(key), trace(key));
    }
  });

  it('gives the test vectors of docs/ids.md', () => {
    const text = readFileSync(new URL('../../docs/ids.md', import.meta.url), 'utf8');
    const row = /^\| (tcp|unix|udp) +\| `(\w{8})` `(\w{8})` \| `(\w{16})` \| `(\w{16})` \| `(\w{32})` \|$/gm;
    const rows = [...text.matchAll(row)];
    assert.ok(rows.length >= 6);
    for (const [, kind, high, low, clientId, serverId, traceId] of rows) {
      const key = { kind: kind as 'tcp', high: Number.parseInt(high!, 16), low: Number.parseInt(low!, 16) };
      assert.equal(clientSpanId(key), clientId);
      assert.equal(serverSpanId(key), serverId);
      assert.equal(rootTraceId(key), traceId);
    }
  });

  it('never gives an id of zeros', () => {
    // The key whose client span would be zero, found by running the rules backwards.
    const invert = (z: bigint): bigint => {
      const unshift = (value: bigint, bits: bigint): bigint => {
        let result = value;
        for (let known = bits; known < 64n; known += bits) result = value ^ (result >> bits);
        return result;
      };
      z = unshift(z, 31n);
      z = (z * 0x319642b2d24d8ec3n) & MASK;
      z = unshift(z, 27n);
      z = (z * 0x96de1b173f119089n) & MASK;
      return unshift(z, 30n);
    };
    const value = invert((invert(0n) - 0x452821e638d01377n) & MASK) ^ KIND.tcp;
    const key = { kind: 'tcp' as const, high: Number(value >> 32n), low: Number(value & 0xffffffffn) };
    assert.equal(clientSpanId(key), '0000000000000001');
  });

  it('gives neighbouring keys ids without a pattern, and no two the same', () => {
    const seen = new Set<string>();
    const bits = new Array<number>(64).fill(0);
    const keys = 20_000;
    for (let n = 0; n < keys; n++) {
      const id = rootTraceId({ kind: 'tcp', high: 1_000_000 + n, low: 42 });
      seen.add(id);
      const low = BigInt(`0x${id.slice(16)}`);
      for (let bit = 0; bit < 64; bit++) if ((low >> BigInt(bit)) & 1n) bits[bit]!++;
    }
    assert.equal(seen.size, keys);
    // Six standard deviations of a fair coin.
    for (const ones of bits) assert.ok(Math.abs(ones - keys / 2) < 6 * Math.sqrt(keys / 4), String(ones));
  });

  it('writes a hop key as it stands', () => {
    assert.equal(hopId({ kind: 'tcp', high: 0x0a, low: 0xdeadbeef }), '0000000adeadbeef');
  });

  it('tells apart sockets, positions, occurrences and boots where there is no hop key', () => {
    const boot = seedOf('one');
    const same = localKey(boot, 0xffff888012345678, 77, 4026531840, 0);
    assert.deepEqual(localKey(boot, 0xffff888012345678, 77, 4026531840, 0), same);
    const others = [
      localKey(boot, 0xffff888012347678, 77, 4026531840, 0),
      localKey(boot, 0xffff888012345678, 78, 4026531840, 0),
      localKey(boot, 0xffff888012345678, 77, 4026531841, 0),
      localKey(boot, 0xffff888012345678, 77, 4026531840, 2 ** 33),
      localKey(seedOf('two'), 0xffff888012345678, 77, 4026531840, 0),
      occurrenceKey(boot, { kind: 'unix', high: 1, low: 2 }, 10),
      occurrenceKey(boot, { kind: 'unix', high: 1, low: 2 }, 11),
      occurrenceKey(boot, { kind: 'udp', high: 1, low: 2 }, 10),
    ];
    assert.equal(new Set([same, ...others].map(hopId)).size, others.length + 1);
  });
});
