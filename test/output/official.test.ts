import assert from 'node:assert/strict';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';

import { createOtlpHttpExporter } from '../../src/output/exporter/otlp-http.ts';
import { toReadableSpan } from '../../src/output/otlp-json.ts';
import { makeSpans } from '../support/make-spans.ts';
import type { ReceivedSpan } from '../support/otlp-proto.ts';
import { OtlpSink } from '../support/otlp-sink.ts';

const byId = (spans: readonly ReceivedSpan[]): ReceivedSpan[] =>
  [...spans].sort((a, b) => (a.traceId + a.spanId < b.traceId + b.spanId ? -1 : 1));

describe('output/official', () => {
  for (const encoding of ['proto', 'json'] as const) {
    it(`delivers by otlp_http ${encoding} what OpenTelemetry's own exporter delivers`, async () => {
      const spans = makeSpans(50);
      const [ours, theirs] = [new OtlpSink(), new OtlpSink()];
      const exporter = await createOtlpHttpExporter('otlp_http', {
        endpoint: `http://127.0.0.1:${await ours.listenHttp()}`,
        encoding,
      });
      await exporter.send(spans, new AbortController().signal);
      await exporter.close();
      const official = new OTLPTraceExporter({
        url: `http://127.0.0.1:${await theirs.listenHttp()}/v1/traces`,
      });
      await new Promise<void>((resolve, reject) => {
        official.export(spans.map(toReadableSpan), ({ error }) => (error ? reject(error) : resolve()));
      });
      await official.shutdown();
      assert.equal(ours.spans.length, 50);
      assert.deepEqual(byId(ours.spans), byId(theirs.spans));
      await Promise.all([ours.close(), theirs.close()]);
    });
  }
});
