import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ServerCredentials } from '@grpc/grpc-js';
import type { Exporter } from '../../src/output/exporter.ts';
import { createOtlpGrpcExporter } from '../../src/output/exporter/otlp-grpc.ts';
import { createOtlpHttpExporter } from '../../src/output/exporter/otlp-http.ts';
import type { TlsSettings } from '../../src/output/exporter/tls.ts';
import { makeSpans } from '../support/make-spans.ts';
import { OtlpSink } from '../support/otlp-sink.ts';

const file = (name: string): string => fileURLToPath(new URL(`certs/${name}`, import.meta.url));
const pem = (name: string): Buffer => readFileSync(file(name));
const NEVER = new AbortController().signal;

const FORMS = {
  otlp_http: {
    listen: (sink: OtlpSink) =>
      sink.listenHttp(0, {
        key: pem('server.key'),
        cert: pem('server.pem'),
        ca: pem('ca.pem'),
        requestCert: true,
      }),
    create: (port: number, tls: TlsSettings) =>
      createOtlpHttpExporter('otlp_http', { endpoint: `https://127.0.0.1:${port}`, tls }),
  },
  otlp_grpc: {
    listen: (sink: OtlpSink) =>
      sink.listenGrpc(
        0,
        ServerCredentials.createSsl(
          pem('ca.pem'),
          [{ private_key: pem('server.key'), cert_chain: pem('server.pem') }],
          true,
        ),
      ),
    create: (port: number, tls: TlsSettings) =>
      createOtlpGrpcExporter('otlp_grpc', { endpoint: `https://127.0.0.1:${port}`, tls }),
  },
};

const OURS = { cert_file: file('client.pem'), key_file: file('client.key') };

for (const [name, form] of Object.entries(FORMS)) {
  describe(`output/exporter ${name} over TLS`, () => {
    let sink: OtlpSink;
    let port: number;
    let exporter: Exporter | undefined;

    before(async () => {
      sink = new OtlpSink();
      port = await form.listen(sink);
    });
    afterEach(async () => {
      await exporter?.close();
      sink.spans.length = 0;
    });
    after(() => sink.close());

    it('delivers to a server that its ca_file vouches for, under the name it is told', async () => {
      const tls = { ca_file: file('ca.pem'), server_name_override: 'collector.test', ...OURS };
      exporter = await form.create(port, tls);
      assert.equal((await exporter.send(makeSpans(4), NEVER)).result, 'done');
      assert.equal(sink.spans.length, 4);
    });

    it('sends nothing to a server whose certificate has another name', async () => {
      exporter = await form.create(port, { ca_file: file('ca.pem'), ...OURS });
      const outcome = await exporter.send(makeSpans(4), NEVER);
      assert.equal(outcome.result, 'retry');
      assert.equal(sink.spans.length, 0);
    });

    it('sends nothing to a server that nobody vouches for', async () => {
      exporter = await form.create(port, { server_name_override: 'collector.test', ...OURS });
      const outcome = await exporter.send(makeSpans(4), NEVER);
      assert.equal(outcome.result, 'retry');
      assert.equal(sink.spans.length, 0);
    });

    it('delivers to such a server with insecure_skip_verify', async () => {
      exporter = await form.create(port, { insecure_skip_verify: true, ...OURS });
      assert.equal((await exporter.send(makeSpans(4), NEVER)).result, 'done');
      assert.equal(sink.spans.length, 4);
    });
  });
}
