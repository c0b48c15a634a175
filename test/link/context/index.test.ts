import assert from 'node:assert/strict';
import { CONTEXT_HEADERS, type ContextKey } from '../../../src/decode/context-headers.ts';
import { formats, parseContext } from '../../../src/link/context/index.ts';
import { NO_CONTEXT } from '../../../src/link/sampler.ts';
import { random } from '../../support/random.ts';
import { makeHeaders } from './make-headers.ts';

const KEYS = Object.values(CONTEXT_HEADERS);
const VALID: Readonly<Record<string, Partial<Record<ContextKey, string>>>> = {
  'W3C Trace Context': {
    traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
    tracestate: 'rojo=1',
  },
  'B3 single header': { b3: '80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-1-05e3ac9a4f6e3b90' },
  'B3 multiple headers': {
    b3TraceId: '80f198ee56343ba864fe8b2a57d3eff8',
    b3SpanId: 'e457b5a2e4d86bd1',
    b3ParentSpanId: '05e3ac9a4f6e3b90',
    b3Sampled: '1',
    b3Flags: '0',
  },
  Jaeger: { jaeger: '3bd3e7a5b1fa4d2c9f1e0d6c8a7b5e41:6f1e2d3c4b5a6978:0:1' },
  SkyWalking: { skywalking: '1-dHJhY2U=-c2VnbWVudA==-0-c2hvcA==-aQ==-Lw==-cGVlcg==' },
  'AWS X-Ray': { xray: 'Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1' },
};

describe('link/context', () => {
  it('has an example of every format here', () => {
    assert.deepEqual(
      Object.keys(VALID),
      formats.map(({ name }) => name),
    );
  });

  it('takes the formats in their order', () => {
    const left = Object.entries(VALID);
    while (left.length > 0) {
      const all = Object.assign({}, ...left.map(([, values]) => values)) as Partial<
        Record<ContextKey, string>
      >;
      const [name, values] = left.shift()!;
      const own = formats.find((format) => format.name === name)!.parse(makeHeaders(values));
      assert.ok(own?.spanId, name);
      assert.deepEqual(parseContext(makeHeaders(all)), own, name);
    }
  });

  it('goes on to the next format where one is not valid', () => {
    const headers = makeHeaders({ traceparent: 'x', b3: 'x', ...VALID.Jaeger });
    assert.equal(parseContext(headers)?.spanId, '6f1e2d3c4b5a6978');
  });

  it('prefers a format that names a span to a decision, and takes the decision where there is no other', () => {
    assert.equal(parseContext(makeHeaders({ b3: '0', ...VALID['AWS X-Ray'] }))?.spanId, '53995c3f42cd8ad8');
    assert.equal(parseContext(makeHeaders({ b3: '0' }))?.incomingFlags, 0);
    assert.equal(parseContext(makeHeaders({ b3: '0' }))?.traceId, undefined);
  });

  it('is undefined without any', () => {
    assert.equal(parseContext(makeHeaders({})), undefined);
    assert.equal(parseContext(makeHeaders({ tracestate: 'rojo=1' }, ['id'])), undefined);
  });

  it('never throws, and gives ids that are ids, whatever the headers hold', () => {
    const next = random(4711);
    const pick = <T>(items: readonly T[] | string): T => items[Math.floor(next() * items.length)] as T;
    const alphabet = '0123456789abcdefABCDEFxgz-:;=.,_%?/+ \0\t\u00e4\u{1f600}';
    const noise = (length: number): string => Array.from({ length }, () => pick<string>(alphabet)).join('');
    const examples = Object.values(VALID).flatMap((values) => Object.values(values));
    const damaged = (text: string): string => {
      const at = Math.floor(next() * text.length);
      return text.slice(0, at) + noise(Math.floor(next() * 3)) + text.slice(at + Math.floor(next() * 3));
    };
    let parsed = 0;
    for (let round = 0; round < 20_000; round++) {
      const text = next() < 0.3 ? noise(Math.floor(next() * 90)) : damaged(pick(examples));
      const headers = makeHeaders(Object.fromEntries(KEYS.map((key) => [key, text])));
      for (const format of formats) {
        const context = format.parse(headers);
        if (context === undefined) continue;
        parsed++;
        if (context.traceId !== undefined) assert.match(context.traceId, /^(?!0{32})[0-9a-f]{32}$/, text);
        if (context.spanId !== undefined) assert.match(context.spanId, /^(?!0{16})[0-9a-f]{16}$/, text);
        assert.ok(context.traceId !== undefined || context.spanId === undefined, text);
        assert.ok(context.incomingFlags >= NO_CONTEXT && context.incomingFlags <= 255, text);
      }
    }
    assert.ok(parsed > 1000, `only ${parsed} were near enough to be valid`);
  });
});
