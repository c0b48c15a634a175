import assert from 'node:assert/strict';
import type { Instrument } from '../../src/base/metric.ts';
import { prometheusName } from '../../src/metrics/prometheus-name.ts';

describe('metrics/instrument', () => {
  const named = (name: string, unit: string, type: Instrument['type']): string =>
    prometheusName({ name, unit, type, description: '', attributes: [] });

  it('is named in Prometheus as the specification says', () => {
    assert.equal(
      named('http.server.request.duration', 's', 'histogram'),
      'http_server_request_duration_seconds',
    );
    assert.equal(named('system.network.io', 'By', 'counter'), 'system_network_io_bytes_total');
    assert.equal(named('system.cpu.utilization', '1', 'gauge'), 'system_cpu_utilization_ratio');
    assert.equal(named('system.cpu.logical.count', '{cpu}', 'gauge'), 'system_cpu_logical_count');
    assert.equal(named('system.disk.operations', '{operation}', 'counter'), 'system_disk_operations_total');
    assert.equal(
      named('traces.span.metrics.duration', 'ms', 'histogram'),
      'traces_span_metrics_duration_milliseconds',
    );
  });

  it('has each suffix once', () => {
    assert.equal(
      named('traces_service_graph_request_total', '', 'counter'),
      'traces_service_graph_request_total',
    );
    assert.equal(named('process.memory.bytes', 'By', 'gauge'), 'process_memory_bytes');
  });
});
