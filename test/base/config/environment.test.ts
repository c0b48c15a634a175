import assert from 'node:assert/strict';
import { readEnvironment } from '../../../src/base/config/environment.ts';
import { plain } from '../../../src/base/config/tree.ts';

function read(env: Record<string, string>) {
  const warnings: string[] = [];
  const { tree, ...rest } = readEnvironment(env, warnings);
  return { tree: plain(tree) as Record<string, Record<string, unknown>>, ...rest, warnings };
}

describe('base/config/environment', () => {
  it('takes an empty variable for none', () => {
    const { tree, otlp, exporters, disabled, warnings } = read({
      OTEL_EXPORTER_OTLP_ENDPOINT: '',
      OTEL_TRACES_EXPORTER: ' ',
      OTEL_SDK_DISABLED: '',
      OTEL_BSP_SCHEDULE_DELAY: '',
    });
    assert.deepEqual(tree, {});
    assert.equal(otlp.asked, false);
    assert.equal(exporters, undefined);
    assert.equal(disabled, false);
    assert.deepEqual(warnings, []);
  });

  it('configures OTLP over HTTP, the variables for traces first', () => {
    const { tree, otlp } = read({
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://a:4318',
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://b:4318/x',
      OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer%20x, b = c=d ,',
      OTEL_EXPORTER_OTLP_TRACES_COMPRESSION: 'none',
      OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip',
      OTEL_EXPORTER_OTLP_TIMEOUT: '1500',
      OTEL_EXPORTER_OTLP_CERTIFICATE: '/ca.pem',
      OTEL_EXPORTER_OTLP_CLIENT_KEY: '/key.pem',
      OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE: '/cert.pem',
    });
    assert.deepEqual(tree.exporters, {
      otlp_http: {
        endpoint: 'http://a:4318',
        traces_endpoint: 'http://b:4318/x',
        headers: { authorization: 'Bearer x', b: 'c=d' },
        compression: 'none',
        timeout: '1500ms',
        tls: { ca_file: '/ca.pem', key_file: '/key.pem', cert_file: '/cert.pem' },
      },
    });
    assert.equal(otlp.asked, true);
  });

  it('configures gRPC and JSON by protocol', () => {
    const grpc = read({
      OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc',
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://a:4317',
      OTEL_EXPORTER_OTLP_INSECURE: 'TRUE',
    });
    assert.deepEqual(grpc.tree.exporters, {
      otlp_grpc: { endpoint: 'http://a:4317', tls: { insecure: true } },
    });
    const json = read({ OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json' });
    assert.deepEqual(json.tree.exporters, { otlp_http: { encoding: 'json' } });
    assert.equal(json.otlp.asked, false);
  });

  it('warns of what it cannot use and ignores it, without showing credentials', () => {
    const { tree, otlp, exporters, warnings } = read({
      OTEL_EXPORTER_OTLP_ENDPOINT: 'localhost:4318',
      OTEL_EXPORTER_OTLP_PROTOCOL: 'thrift',
      OTEL_EXPORTER_OTLP_HEADERS: 'hunter2,x=%zz',
      OTEL_EXPORTER_OTLP_COMPRESSION: 'lz4',
      OTEL_EXPORTER_OTLP_TIMEOUT: '10s',
      OTEL_BSP_MAX_QUEUE_SIZE: '-1',
      OTEL_TRACES_SAMPLER: 'sometimes',
      OTEL_LOG_LEVEL: 'loud',
      OTEL_TRACES_EXPORTER: 'zipkin',
      OTEL_EXPORTER_PROMETHEUS_PORT: '99999',
    });
    assert.deepEqual(tree, {});
    assert.equal(otlp.asked, false);
    assert.equal(exporters, undefined);
    assert.equal(warnings.length, 11);
    assert.ok(!warnings.join().includes('hunter2'));
  });

  it('reads exporters, sampler, limits, listener and log level', () => {
    const { tree, exporters, disabled, resource, warnings } = read({
      OTEL_TRACES_EXPORTER: 'otlp, console',
      OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
      OTEL_TRACES_SAMPLER_ARG: '0.25',
      OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT: '200',
      OTEL_EXPORTER_PROMETHEUS_HOST: '::',
      OTEL_LOG_LEVEL: 'VERBOSE',
      OTEL_SDK_DISABLED: 'True',
      OTEL_SERVICE_NAME: 'eyes',
      OTEL_RESOURCE_ATTRIBUTES: 'service.name=no,team=a%2Cb',
    });
    assert.deepEqual(exporters, ['otlp_http', 'debug']);
    assert.equal(disabled, true);
    assert.deepEqual(resource, { 'service.name': 'eyes', team: 'a,b' });
    assert.deepEqual(tree, {
      receivers: {
        undertrace: {
          sampler: { name: 'parentbased_traceidratio', ratio: 0.25 },
          limits: { attribute_length: 200 },
        },
      },
      service: { telemetry: { logs: { level: 'debug' } } },
      exporters: { prometheus: { endpoint: '[::]:9464' } },
    });
    assert.deepEqual(warnings, []);
    assert.deepEqual(read({ OTEL_TRACES_EXPORTER: 'none' }).exporters, []);
  });

  it('puts the batch span processor on the queue', () => {
    const { tree } = read({
      OTEL_BSP_SCHEDULE_DELAY: '1000',
      OTEL_BSP_MAX_QUEUE_SIZE: '2048',
      OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '512',
      OTEL_BSP_EXPORT_TIMEOUT: '3000',
    });
    assert.deepEqual(tree.exporters, {
      otlp_http: {
        timeout: '3000ms',
        sending_queue: {
          sizer: 'items',
          queue_size: 2048,
          batch: { flush_timeout: '1000ms', max_size: 512, min_size: 512 },
        },
      },
    });
    const own = read({ OTEL_BSP_EXPORT_TIMEOUT: '3000', OTEL_EXPORTER_OTLP_TIMEOUT: '100' });
    assert.deepEqual(own.tree.exporters, { otlp_http: { timeout: '100ms' } });
  });
});
