import assert from 'node:assert/strict';
import { status } from '@grpc/grpc-js';
import { Ledger } from '../../src/base/ledger.ts';
import { UserError } from '../../src/base/errors.ts';
import type { Exporter, Outcome } from '../../src/output/exporter.ts';
import { createOtlpGrpcExporter } from '../../src/output/exporter/otlp-grpc.ts';
import type { OtlpHttpSettings } from '../../src/output/exporter/otlp-http-client.ts';
import { createOtlpHttpExporter } from '../../src/output/exporter/otlp-http.ts';
import { createExporterQueue, findExporterType } from '../../src/output/exporter/index.ts';
import { encodeOtlpJson } from '../../src/output/otlp-json.ts';
import type { ExporterQueue } from '../../src/output/queue.ts';
import { makeSpans } from '../support/make-spans.ts';
import { decodeJson, type ReceivedSpan } from '../support/otlp-proto.ts';
import { type Behaviour, OtlpSink } from '../support/otlp-sink.ts';

const NEVER = new AbortController().signal;

/** What must arrive, in an order that does not depend on grouping. */
function expected(count: number): ReceivedSpan[] {
  return byId(decodeJson(encodeOtlpJson(makeSpans(count)).toString('utf8')));
}

function byId(spans: readonly ReceivedSpan[]): ReceivedSpan[] {
  return [...spans].sort((a, b) => (a.traceId + a.spanId < b.traceId + b.spanId ? -1 : 1));
}

interface Form {
  name: string;
  open(sink: OtlpSink): Promise<(settings?: OtlpHttpSettings) => Exporter | Promise<Exporter>>;
  /** The same refusals in this form's own words. */
  throttle(seconds: number): Behaviour;
  unavailable: Behaviour;
  permanent: Behaviour;
  permanentText: RegExp;
}

function httpForm(encoding: 'proto' | 'json'): Form {
  return {
    name: `otlp_http ${encoding}`,
    async open(sink) {
      const endpoint = `http://127.0.0.1:${await sink.listenHttp()}`;
      return (settings) => createOtlpHttpExporter('otlp_http', { endpoint, encoding, ...settings });
    },
    throttle: (seconds) => ({ status: 429, retryAfter: String(seconds) }),
    unavailable: { status: 503 },
    permanent: { status: 400, message: 'bad\x1b[31m data' },
    permanentText: /^HTTP 400 Bad Request: bad\\x1b\[31m data$/,
  };
}

const FORMS: Form[] = [
  httpForm('proto'),
  httpForm('json'),
  {
    name: 'otlp_grpc',
    async open(sink) {
      const endpoint = `http://127.0.0.1:${await sink.listenGrpc()}`;
      return (settings) => createOtlpGrpcExporter('otlp_grpc', { endpoint, ...settings });
    },
    throttle: (seconds) => ({ grpcCode: status.RESOURCE_EXHAUSTED, retryAfter: String(seconds) }),
    unavailable: { grpcCode: status.UNAVAILABLE },
    permanent: { grpcCode: status.INVALID_ARGUMENT, message: 'bad\x1b[31m data' },
    permanentText: /^gRPC INVALID_ARGUMENT: bad\\x1b\[31m data$/,
  },
];

for (const form of FORMS) {
  describe(`output/exporter ${form.name}`, () => {
    let sink: OtlpSink;
    let exporter: Exporter;
    let make: (settings?: OtlpHttpSettings) => Exporter | Promise<Exporter>;

    beforeEach(async () => {
      sink = new OtlpSink();
      make = await form.open(sink);
      exporter = await make();
    });
    afterEach(async () => {
      await exporter.close();
      await sink.close();
    });

    it('delivers every field of every span', async () => {
      const outcome = await exporter.send(makeSpans(100), NEVER);
      assert.equal(outcome.result, 'done');
      assert.equal(outcome.accepted, 100);
      assert.deepEqual(byId(sink.spans), expected(100));
    });

    it('delivers the same without compression', async () => {
      const plain = await make({ compression: 'none' });
      await plain.send(makeSpans(10), NEVER);
      await plain.close();
      assert.deepEqual(byId(sink.spans), expected(10));
      assert.equal(sink.requests[0]!.headers['content-encoding'], undefined);
    });

    it('sends the headers it is given and names itself', async () => {
      const withHeaders = await make({ headers: { 'X-Tenant': 'blue' } });
      await withHeaders.send(makeSpans(1), NEVER);
      await withHeaders.close();
      const { headers } = sink.requests[0]!;
      assert.equal(headers['x-tenant'], 'blue');
      assert.match(String(headers['user-agent']), /^undertrace\/\d+\.\d+\.\d+/);
    });

    it('leaves a batch with the queue when it is throttled, with the wait that is asked for', async () => {
      sink.behave = () => form.throttle(2);
      const outcome = await exporter.send(makeSpans(3), NEVER);
      assert.equal(outcome.result, 'retry');
      assert.equal(outcome.retryAfterMs, 2_000);
    });

    it('leaves a batch with the queue when the destination is unavailable', async () => {
      sink.behave = () => form.unavailable;
      assert.equal((await exporter.send(makeSpans(3), NEVER)).result, 'retry');
    });

    it('counts a permanent refusal as rejected, with the reason made printable', async () => {
      sink.behave = () => form.permanent;
      const outcome = await exporter.send(makeSpans(3), NEVER);
      assert.equal(outcome.result, 'done');
      const { accepted, rejected, error } = outcome;
      assert.deepEqual([accepted, rejected], [0, 3]);
      assert.match(error!, form.permanentText);
    });

    it('reads a partial success', async () => {
      sink.behave = () => ({ rejectedSpans: 4, message: 'four were bad' });
      const outcome = await exporter.send(makeSpans(10), NEVER);
      const { accepted, rejected, error } = outcome as Outcome & { result: 'done' };
      assert.deepEqual([accepted, rejected], [6, 4]);
      assert.equal(error, 'partial success: four were bad');
    });

    it('leaves a batch with the queue when nobody listens, and says so', async () => {
      await sink.close();
      const outcome = await exporter.send(makeSpans(3), NEVER);
      assert.equal(outcome.result, 'retry');
      assert.match(outcome.error, /ECONNREFUSED|UNAVAILABLE/);
    });

    it('lets go of a request that hangs as soon as it is told', async () => {
      sink.behave = () => ({ hang: true });
      const abort = new AbortController();
      const sent = exporter.send(makeSpans(3), abort.signal);
      await sink.waitFor(() => sink.requests.length === 1);
      abort.abort();
      assert.equal((await sent).result, 'retry');
    });

    it('sends over one kept connection, one request after another', async () => {
      for (let i = 0; i < 5; i++) await exporter.send(makeSpans(2), NEVER);
      assert.equal(sink.requests.length, 5);
      if (form.name !== 'otlp_grpc') assert.equal(sink.connections, 1);
    });

    it('refuses an endpoint that cannot be one', async () => {
      for (const endpoint of ['ftp://host', 'http://', 'host:port:port']) {
        await assert.rejects(
          async () => {
            await make({ endpoint });
          },
          (error: unknown) => error instanceof UserError && error.message.includes(endpoint),
        );
      }
    });
  });
}

describe('output/exporter otlp_http transport', () => {
  let sink: OtlpSink;
  let endpoint: string;

  beforeEach(async () => {
    sink = new OtlpSink();
    endpoint = `http://127.0.0.1:${await sink.listenHttp()}`;
  });
  afterEach(() => sink.close());

  it('appends /v1/traces to endpoint and takes traces_endpoint as it is', async () => {
    for (const settings of [
      { endpoint },
      { endpoint: `${endpoint}/base/` },
      { traces_endpoint: `${endpoint}/own?x=1` },
    ]) {
      const exporter = await createOtlpHttpExporter('otlp_http', settings);
      await exporter.send(makeSpans(1), NEVER);
      await exporter.close();
    }
    assert.deepEqual(
      sink.requests.map((request) => request.path),
      ['/v1/traces', '/base/v1/traces', '/own?x=1'],
    );
  });

  it('shows no credentials in its destination', async () => {
    const exporter = await createOtlpHttpExporter('otlp_http', {
      endpoint: 'http://user:secret@collector:4318',
    });
    assert.equal(exporter.destination, 'http://collector:4318/v1/traces');
  });

  it('does not follow a redirect and says where it led', async () => {
    sink.behave = () => ({ status: 307, location: `${endpoint}/elsewhere` });
    const exporter = await createOtlpHttpExporter('otlp_http', { endpoint });
    const outcome = await exporter.send(makeSpans(2), NEVER);
    await exporter.close();
    assert.equal(sink.requests.length, 1);
    assert.equal((outcome as Outcome & { result: 'done' }).rejected, 2);
    assert.match(outcome.error!, /redirects are not followed \(to .*\/elsewhere\)/);
  });

  it('writes a request once more where a kept connection was closed meanwhile', async () => {
    const exporter = await createOtlpHttpExporter('otlp_http', { endpoint });
    await exporter.send(makeSpans(1), NEVER);
    let first = true;
    sink.behave = () => {
      const reset = first;
      first = false;
      return { reset };
    };
    const outcome = await exporter.send(makeSpans(1), NEVER);
    await exporter.close();
    assert.equal(outcome.result, 'done');
    assert.equal(sink.requests.length, 3);
  });

  it('refuses a certificate without its key and a file that is not there', async () => {
    await assert.rejects(
      createOtlpHttpExporter('otlp_http', { endpoint, tls: { cert_file: '/x' } }),
      /cert_file and key_file belong together/,
    );
    await assert.rejects(
      createOtlpHttpExporter('otlp_http', { endpoint, tls: { ca_file: '/nowhere/ca.pem' } }),
      /exporters\.otlp_http\.tls\.ca_file: cannot read \/nowhere\/ca\.pem/,
    );
  });
});

for (const [id, listen] of [
  ['otlp_http', (sink: OtlpSink, port?: number) => sink.listenHttp(port)],
  ['otlp_grpc', (sink: OtlpSink, port?: number) => sink.listenGrpc(port)],
] as const) {
  describe(`output/queue with ${id}`, () => {
    let sink: OtlpSink;
    let queue: ExporterQueue;
    let ledger: Ledger;
    let port: number;

    beforeEach(async () => {
      sink = new OtlpSink();
      ledger = new Ledger();
      port = await listen(sink);
      queue = await createExporterQueue(
        findExporterType(id)!,
        id,
        {
          endpoint: `http://127.0.0.1:${port}`,
          timeout: 300,
          sending_queue: { batch: { flush_timeout: 10, max_size: 50, min_size: 50 } },
          retry_on_failure: { initial_interval: 20, max_interval: 100 },
        },
        { ledger },
      );
    });
    afterEach(async () => {
      await queue.shutdown(0);
      await sink.close();
      assert.deepEqual(ledger.imbalances(), []);
    });

    it('delivers each span exactly once through resets, refusals and throttling', async () => {
      const behaviours: Behaviour[] =
        id === 'otlp_http'
          ? [{ status: 503 }, { reset: true }, { status: 429, retryAfter: '0' }, { status: 502 }]
          : [
              { grpcCode: status.UNAVAILABLE },
              { grpcCode: status.RESOURCE_EXHAUSTED, retryAfter: '0.05' },
              { grpcCode: status.ABORTED },
            ];
      sink.behave = () => behaviours.shift() ?? {};
      queue.offer(makeSpans(500));
      await queue.flush();
      assert.deepEqual(byId(sink.spans), expected(500));
      assert.equal(queue.stats().sent, 500);
      assert.equal(ledger.exporters.get(id)!.out, 500);
    });

    it('has several requests in flight to a slow destination', async () => {
      sink.behave = () => ({ delayMs: 50 });
      queue.offer(makeSpans(400));
      await queue.flush();
      assert.equal(sink.spans.length, 400);
      assert.ok(sink.maxConcurrent > 1, `${sink.maxConcurrent} at once`);
    });

    it('gives up a request that hangs at the time-out and delivers it later', async () => {
      let hangs = 1;
      sink.behave = () => ({ hang: hangs-- > 0 });
      queue.offer(makeSpans(20));
      await queue.flush();
      assert.equal(sink.spans.length, 20);
      assert.equal(sink.requests.length, 2);
      assert.equal(queue.stats().lastError!.text, 'no answer within 300 ms');
    });

    it('counts partial success and permanent refusal', async () => {
      sink.behave = () => ({ rejectedSpans: 2 });
      queue.offer(makeSpans(10));
      await queue.flush();
      sink.behave = () => (id === 'otlp_http' ? { status: 400 } : { grpcCode: 3 });
      queue.offer(makeSpans(7));
      await queue.flush();
      const stage = ledger.exporters.get(id)!;
      assert.deepEqual([stage.in, stage.out, stage.lost.rejected], [17, 8, 9]);
      assert.equal(sink.spans.length, 8);
    });

    it('delivers what waited when the destination is back', async () => {
      await sink.close();
      queue.offer(makeSpans(120));
      while (queue.stats().attempts < 4) await new Promise((resolve) => setTimeout(resolve, 5));
      assert.equal(queue.stats().unreachable, true);
      await listen(sink, port);
      await queue.flush();
      assert.deepEqual(byId(sink.spans), expected(120));
    });

    it('counts what a destination that hangs still holds at the shutdown deadline', async () => {
      sink.behave = () => ({ hang: true });
      queue.offer(makeSpans(30));
      await sink.waitFor(() => sink.requests.length > 0);
      await queue.shutdown(20);
      assert.equal(ledger.exporters.get(id)!.lost.shutdown, 30);
    });
  });
}
