import assert from 'node:assert/strict';
import { requestIdHeader } from '../../../src/base/config/schema.ts';
import { CONTEXT_HEADERS, ContextHeaders } from '../../../src/decode/context-headers.ts';
import { KNOWN_NAMES, NOT_USED, requestFields } from '../../../src/decode/protocol/http1-fields.ts';
import { parseHead, type Framing } from '../../../src/decode/protocol/http1-head.ts';
import type { HttpRequest } from '../../../src/decode/protocol/http-message.ts';
import { Decoding } from '../../support/decoding.ts';
import { RecordWriter, TestEnd } from '../../support/records.ts';

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

function get(path: string, fields: string): string {
  return `GET ${path} HTTP/1.1\r\nHost: h\r\n${fields}\r\n`;
}

/** What the decoder keeps of the headers that say which trace a request belongs to. */
function contextOf(fields: string): ContextHeaders | undefined {
  const writer = new RecordWriter();
  const decoding = new Decoding();
  const end = new TestEnd(writer);
  end.send(get('/t', fields)).receive(OK);
  decoding.feed(writer);
  const [exchange] = decoding.closed;
  const { attributes, contextHeaders } = decoding.describe(exchange!);
  assert.equal(attributes['http.response.status_code'], 200);
  return contextHeaders;
}

describe('decode/protocol/http1-fields', () => {
  it('keeps every header of a trace context, in any case of its name', () => {
    for (const [name, key] of Object.entries(CONTEXT_HEADERS)) {
      for (const written of [name, name.toUpperCase(), name.replace(/^./, (c) => c.toUpperCase())]) {
        const headers = contextOf(`${written}:  value-of ${name}\t\r\n`);
        assert.deepEqual({ ...headers }, { ...new ContextHeaders(), [key]: `value-of ${name}` });
      }
    }
  });

  it('keeps nothing for requests without any', () => {
    assert.equal(contextOf('Authorization: b3\r\nCookie: traceparent=1\r\nX-B4: 1\r\nSw9: 1\r\n'), undefined);
    assert.equal(contextOf(`${'x'.repeat(64)}: 1\r\n${'traceparent'.padEnd(700, 'x')}: 1\r\n`), undefined);
  });

  it('keeps two of one header as what they are, and none that is too long in part', () => {
    assert.equal(contextOf('b3: 0\r\nb3: 1\r\n')?.b3, '0,1');
    const long = 'a'.repeat(513);
    for (const fields of [`b3: ${long}\r\n`, `b3: 0\r\nb3: ${long}\r\n`, `b3: ${long}\r\nb3: 0\r\n`]) {
      assert.doesNotMatch(contextOf(fields)!.b3!, /^[01a]/);
    }
    assert.equal(contextOf(`b3: ${'a'.repeat(512)}\r\n`)?.b3?.length, 512);
    assert.equal(contextOf(`sw8: ${'a'.repeat(2047)}\r\n`)?.skywalking?.length, 2047);
    assert.doesNotMatch(contextOf(`sw8: ${'a'.repeat(2048)}\r\n`)!.skywalking!, /a/);
  });

  it('keeps request ids, a few of bounded length', () => {
    const ids = contextOf(
      'X-Request-ID: one\r\nx-correlation-id: two\r\nX-REQUEST-ID: one\r\nx-request-id:\r\n',
    );
    assert.deepEqual(ids?.requestIds, ['one', 'two']);
    assert.equal(ids.traceparent, undefined);
    const many = Array.from({ length: 20 }, (_, i) => `x-request-id: id-${i}\r\n`).join('');
    assert.deepEqual(contextOf(many)?.requestIds, ['id-0', 'id-1', 'id-2', 'id-3']);
    assert.deepEqual(contextOf(`x-request-id: ${'a'.repeat(257)}\r\n`)?.requestIds, []);
  });

  it('finds request ids under names of the configuration', () => {
    const bytes = Buffer.from(get('/t', 'X_Trace: 7\r\nx-trace: 8\r\nX-Request-Id: 9\r\n'));
    const request = {} as HttpRequest;
    const fields = requestFields(['x_trace']);
    const length = parseHead(bytes, 0, bytes.length, false, request, request, {} as Framing, fields);
    assert.equal(length, bytes.length);
    assert.deepEqual(request.contextHeaders?.requestIds, ['7']);
  });

  it('finds each of a thousand names', () => {
    const names = Array.from({ length: 1000 }, (_, i) => `x-id-${String(i).padStart(4, '0')}`);
    const fields = requestFields(names);
    const codes = names.map((name) => fields.find(Buffer.from(name), 0, name.length));
    assert.deepEqual([...new Set(codes)], [KNOWN_NAMES.length]);
    assert.equal(fields.find(Buffer.from('x-id-1000'), 0, 9), NOT_USED);
  });

  it('lets no header be a request id that is used for something else', () => {
    for (const name of [...KNOWN_NAMES, 'Authorization', 'Cookie', 'a b', '', '-', 'x'.repeat(65)]) {
      assert.equal(
        requestIdHeader.parse(name, () => undefined),
        undefined,
        name,
      );
    }
    assert.equal(
      requestIdHeader.parse('X-Trace_ID', () => undefined),
      'x-trace_id',
    );
  });
});
