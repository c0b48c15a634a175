import assert from 'node:assert/strict';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer';
import type { AttributeValue } from '../../src/decode/exchange.ts';
import { type Span, StatusCode } from '../../src/link/span.ts';
import { encodeOtlpJson, toReadableSpan } from '../../src/output/otlp-json.ts';
import { OtlpProtobufEncoder } from '../../src/output/otlp-protobuf.ts';
import { SCOPE_VERSION } from '../../src/output/otlp-scope.ts';
import { makeResource, makeSpan, makeSpans } from '../support/make-spans.ts';
import { decodeJson, decodeProto } from '../support/otlp-proto.ts';
import { random as randomFrom } from '../support/random.ts';

const ALPHABETS = ['abc/xyz?=&-', 'äöüß€', '日本語', '😀🚀', '\u0000\u001b\n\t', '"\\'];
const LENGTHS = [0, 1, 5, 47, 48, 49, 63, 64, 65, 100, 126, 127, 128, 129, 300, 5_000, 20_000];
const NUMBERS = [
  0,
  -0,
  1,
  127,
  128,
  200,
  16_383,
  16_384,
  2 ** 31 - 1,
  2 ** 31,
  2 ** 32 - 1,
  2 ** 32,
  2 ** 53 - 1,
  -1,
  -128,
  -(2 ** 31),
  -(2 ** 32) - 1,
  -(2 ** 53) + 1,
  0.5,
  -1.25,
  1e300,
  2 ** 70,
  NaN,
  Infinity,
];

function randomSpans(seed: number, count: number): Span[] {
  const random = randomFrom(seed);
  const below = (n: number): number => Math.floor(random() * n);
  const pick = <T>(from: readonly T[]): T => from[below(from.length)]!;
  const text = (): string => {
    const characters = [...pick(ALPHABETS)];
    const length = pick(random() < 0.05 ? LENGTHS : LENGTHS.slice(0, -2));
    return Array.from({ length }, () => pick(characters)).join('');
  };
  const hex = (digits: number): string =>
    Array.from({ length: digits }, () => pick([...'0123456789abcdef'])).join('');
  const value = (): AttributeValue =>
    pick<() => AttributeValue>([
      text,
      () => pick(NUMBERS),
      () => below(100_000),
      () => random() < 0.5,
      () => Array.from({ length: below(4) }, text),
    ])();
  const resources = Array.from({ length: 3 }, (_, i) => ({
    serviceName: `s${i}`,
    attributes: { 'service.name': text(), n: value() },
  }));
  return Array.from({ length: count }, () => ({
    traceId: hex(32),
    spanId: hex(16),
    parentSpanId: random() < 0.5 ? hex(16) : undefined,
    parentIsRemote: false,
    traceState: random() < 0.3 ? `k=${hex(4)},vendor=${hex(below(90))}` : undefined,
    traceFlags: below(4),
    name: text(),
    kind: pick([0, 1, 2, 3, 4] as const),
    startTime: [below(2 ** 34), below(1e9)],
    endTime: [below(2 ** 34), below(1e9)],
    durationNs: below(1e9),
    status: pick([0, 1, 2] as const),
    attributes: Object.fromEntries(Array.from({ length: below(15) }, () => [text() + hex(4), value()])),
    links:
      random() < 0.3
        ? Array.from({ length: 1 + below(2) }, () => ({
            ...{ traceId: hex(32), spanId: hex(16) },
            attributes: Object.fromEntries(
              Array.from({ length: below(3) }, () => [text() + hex(4), value()]),
            ),
          }))
        : undefined,
    resource: pick(resources),
  }));
}

describe('output/otlp-protobuf', () => {
  it('says the same as the official serializer for random spans of every shape', () => {
    const encoder = new OtlpProtobufEncoder();
    for (let seed = 1; seed <= 60; seed++) {
      const spans = randomSpans(seed, 1 + (seed % 40));
      const official = ProtobufTraceSerializer.serializeRequest(spans.map(toReadableSpan))!;
      assert.deepEqual(decodeProto(encoder.encode(spans)), decodeProto(official), `seed ${seed}`);
    }
  });

  it('says the same where values repeat, change, return and change their type', () => {
    const values: AttributeValue[] = [
      'a',
      'a',
      'a',
      'b',
      'a',
      'a',
      'a',
      1,
      1,
      1,
      '1',
      ['a'],
      ['a'],
      'a',
      'a',
    ];
    values.push(true, true, true, 1, -0, 0, 0, 'x'.repeat(300), 'x'.repeat(300), 'x'.repeat(300), 'a');
    // A client and a server each, so that both see every repetition.
    const spans = values.flatMap((value, n) =>
      [2 * n, 2 * n + 1].map((id) => makeSpan(id, { attributes: { same: 'always', value, third: n % 3 } })),
    );
    const official = ProtobufTraceSerializer.serializeRequest(spans.map(toReadableSpan))!;
    assert.deepEqual(decodeProto(new OtlpProtobufEncoder().encode(spans)), decodeProto(official));
  });

  it('says the same as OTLP/JSON of the same spans', () => {
    const spans = makeSpans(50);
    const json = decodeJson(encodeOtlpJson(spans).toString('utf8'));
    assert.deepEqual(decodeProto(new OtlpProtobufEncoder().encode(spans)), json);
  });

  it('groups by resource, names the scope and the schema', () => {
    const received = decodeProto(new OtlpProtobufEncoder().encode(makeSpans(10)));
    assert.deepEqual(
      received.map((span) => span.resource['service.name']),
      [...Array<string>(5).fill('curl'), ...Array<string>(5).fill('nginx')],
    );
    for (const span of received) {
      assert.equal(span.scope, `undertrace@${SCOPE_VERSION}`);
      assert.equal(span.scopeSchemaUrl, 'https://opentelemetry.io/schemas/1.44.0');
      assert.equal(span.resourceSchemaUrl, 'https://opentelemetry.io/schemas/1.44.0');
    }
  });

  it('keeps every nanosecond', () => {
    const times: Array<[number, number]> = [
      [0, 0],
      [0, 1],
      [1_795_250_000, 123_456_789],
      [1_795_250_001, 999_999_999],
      [4_294_967_296, 1],
      [17_179_869_183, 999_999_999],
    ];
    const spans = times.map((startTime, n) => makeSpan(n, { startTime, resource: SAME }));
    assert.deepEqual(
      decodeProto(new OtlpProtobufEncoder().encode(spans)).map((span) => span.start),
      times.map(([seconds, nanos]) => String(BigInt(seconds) * 1_000_000_000n + BigInt(nanos))),
    );
  });

  it('says whether the parent is remote', () => {
    const spans = [
      makeSpan(0, { resource: SAME }),
      makeSpan(1, { resource: SAME, parentIsRemote: true, traceFlags: 0 }),
    ];
    const flags = decodeProto(new OtlpProtobufEncoder().encode(spans)).map((span) => span.flags);
    assert.deepEqual(flags, [0x101, 0x300]);
  });

  it('keeps a trace state as it stood and an error status', () => {
    const traceState = 'rojo=00f067aa0ba902b7, congo=t61rcWkgMzE,,bad';
    const span = makeSpan(1, { traceState, status: StatusCode.ERROR });
    const [received] = decodeProto(new OtlpProtobufEncoder().encode([span]));
    assert.equal(received!.traceState, traceState);
    assert.equal(received!.status, 2);
    const [json] = decodeJson(encodeOtlpJson([span]).toString('utf8'));
    assert.equal(json!.traceState, traceState);
  });

  it('replaces lone surrogates, since protobuf strings are UTF-8', () => {
    const span = makeSpan(0, { name: 'a\ud800b' });
    const [received] = decodeProto(new OtlpProtobufEncoder().encode([span]));
    assert.equal(received!.name, 'a\ufffdb');
  });

  it('grows for a batch of any size and gives every batch a buffer of its own', () => {
    const encoder = new OtlpProtobufEncoder();
    const spans = makeSpans(20_000);
    const large = encoder.encode(spans);
    const copy = Buffer.from(large);
    encoder.encode(makeSpans(20_000, 50_000));
    assert.deepEqual(large, copy);
    assert.equal(decodeProto(large).length, 20_000);
  });

  it('holds of each resource no more than its bytes', () => {
    setFlagsFromString('--expose-gc');
    const gc = runInNewContext('gc') as () => void;
    const collect = (): void => {
      gc();
      gc(); // waits for buffers that are given back beside the first one
    };
    const encoder = new OtlpProtobufEncoder();
    const resources = Array.from({ length: 2000 }, (_, i) => makeResource(`service-${i}`));
    const heldBy = (use: () => void): number => {
      collect();
      const before = process.memoryUsage().arrayBuffers;
      use();
      collect();
      return process.memoryUsage().arrayBuffers - before;
    };
    const held = heldBy(() => {
      for (const resource of resources) {
        encoder.recycle(encoder.encode(makeSpans(1).map((span) => ({ ...span, resource }))));
        Buffer.from('x'.repeat(3000)); // others use the common blocks of small buffers in between
      }
    });
    assert.ok(held < resources.length * 1024, `${Math.round(held / resources.length)} bytes a resource`);
  });

  it('writes into memory that came back, where it is large enough', () => {
    const encoder = new OtlpProtobufEncoder();
    const first = encoder.encode(makeSpans(100));
    encoder.recycle(first);
    const larger = encoder.encode(makeSpans(1000));
    assert.notEqual(larger.buffer, first.buffer);
    const second = encoder.encode(makeSpans(90, 5000));
    assert.equal(second.buffer, first.buffer);
    assert.equal(decodeProto(second).length, 90);
    assert.equal(decodeProto(larger).length, 1000);
  });
});

const SAME = makeResource('same');
