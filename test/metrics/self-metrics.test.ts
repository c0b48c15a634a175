import assert from 'node:assert/strict';
import { SelfMetrics } from '../../src/metrics/self-metrics.ts';
import { makeSources, samplesOf } from './make-sources.ts';

describe('metrics/self', () => {
  it("shows the Collector's metrics under its names and labels", async () => {
    const samples = samplesOf(await new SelfMetrics(makeSources()).render(false));
    const receiver = '{receiver="undertrace",transport="ebpf"}';
    const expected: Array<[string, number]> = [
      [`otelcol_receiver_accepted_spans${receiver}`, 5],
      [`otelcol_receiver_refused_spans${receiver}`, 1],
      [`otelcol_receiver_failed_spans${receiver}`, 2],
      ['otelcol_exporter_sent_spans{exporter="otlp_http"}', 3],
      ['otelcol_exporter_send_failed_spans{exporter="otlp_http"}', 1],
      ['otelcol_exporter_enqueue_failed_spans{exporter="otlp_http"}', 2],
      ['otelcol_exporter_queue_size{data_type="traces",exporter="otlp_http"}', 100],
      ['otelcol_exporter_queue_capacity{data_type="traces",exporter="otlp_http"}', 1000],
      ['otelcol_exporter_in_flight_requests{data_type="traces",exporter="otlp_http"}', 1],
    ];
    for (const [sample, value] of expected) assert.equal(samples.get(sample), value, sample);
    assert.ok(samples.get('otelcol_process_uptime')! >= 60);
    assert.ok(samples.get('otelcol_process_cpu_seconds')! > 0);
    assert.ok(samples.get('otelcol_process_memory_rss')! > 1e6);
  });

  it('shows the books, the kernel side, the cost and the configuration', async () => {
    const samples = samplesOf(await new SelfMetrics(makeSources()).render(false));
    const expected: Array<[string, number | undefined]> = [
      ['undertrace_ledger_in_total{stage="records"}', 10],
      ['undertrace_ledger_out_total{stage="records"}', 7],
      ['undertrace_ledger_lost_total{stage="records",reason="ring_full"}', 3],
      ['undertrace_ledger_held{stage="exporters/otlp_http"}', 1],
      ['undertrace_ledger_balanced{stage="records"}', 1],
      ['undertrace_ledger_balanced{stage="exporters/otlp_http"}', 0],
      ['undertrace_kernel_produced_total', 10],
      ['undertrace_kernel_calls_receive_total', 0],
      ['undertrace_ring_used_bytes', 4096],
      ['undertrace_bpf_map_entries{map="conns"}', 5],
      ['undertrace_exporter_unreachable{exporter="otlp_http"}', 1],
      ['undertrace_bpf_program_attached{program="syscall_exit"}', 1],
      ['undertrace_bpf_program_attached{program="socket_state"}', 0],
      ['undertrace_bpf_program_attached{program="scan_sockets"}', undefined],
      ['undertrace_bpf_program_run_seconds_total{program="syscall_exit"}', 2.5],
      ['undertrace_bpf_program_runs_total{program="syscall_exit"}', 1000],
      ['undertrace_bpf_program_misses_total{program="syscall_exit"}', 3],
      ['undertrace_event_loop_lag_seconds_bucket{le="0.25"}', 1],
      ['undertrace_event_loop_lag_seconds_bucket{le="1.0"}', 2],
      ['undertrace_event_loop_lag_seconds_bucket{le="+Inf"}', 3],
      ['undertrace_event_loop_lag_seconds_count', 3],
      ['undertrace_event_loop_lag_seconds_sum', 2.75],
      ['undertrace_config_last_reload_successful', 0],
      ['undertrace_config_last_reload_success_timestamp_seconds', 1],
      ['undertrace_config_reloads_total{result="failure"}', 1],
    ];
    for (const [sample, value] of expected) assert.equal(samples.get(sample), value, sample);
  });

  it('shows what was remembered and where there was no room for it', async () => {
    const samples = samplesOf(await new SelfMetrics(makeSources()).render(false));
    const expected: Array<[string, number]> = [
      ['connections', 5],
      ['connections_opened_total', 11],
      ['connections_evicted_total', 12],
      ['connections_expired_total', 13],
      ['connect_failures_total{error="ECONNREFUSED"}', 14],
      ['hops_evicted_total', 15],
      ['hop_duplicates_total', 16],
      ['traces_cut_short_total', 17],
      ['traces_overdue_total', 24],
      ['processes_evicted_total', 18],
      ['services_guessed_total', 19],
      ['route_overflows_total', 20],
      ['link_ambiguous_total', 22],
      ['link_conflicts_total', 23],
      ['link_residual_overflows_total', 27],
      ['directory_late_total', 24],
      ['directory_invalid_total', 25],
      ['directory_overflows_total', 26],
      ['directory_published_total', 31],
      ['directory_looked_up_total', 32],
      ['directory_found_total', 33],
      ['directory_missed_total', 34],
      ['directory_failed_total{operation="publish"}', 35],
      ['directory_failed_total{operation="look_up"}', 36],
      ['directory_dropped_total{operation="publish"}', 37],
      ['directory_dropped_total{operation="look_up"}', 38],
    ];
    for (const [name, value] of expected) assert.equal(samples.get(`undertrace_${name}`), value, name);
  });

  it('shows how the parents of spans were found, by service', async () => {
    const samples = samplesOf(await new SelfMetrics(makeSources()).render(false));
    const expected: Array<[string, number | undefined]> = [
      ['links_total{service_name="shop",method="hop"}', 3],
      ['links_total{service_name="shop",method="turn"}', 4],
      ['link_confidence{service_name="shop"}', 0.99],
      ['link_confidence{service_name="idle"}', undefined],
      ['link_candidates_total{service_name="shop"}', 5],
      ['link_orphans_total{service_name="shop"}', 6],
      ['link_rule_off{service_name="shop",rule="thread"}', 2],
    ];
    for (const [name, value] of expected) assert.equal(samples.get(`undertrace_${name}`), value, name);
  });

  it('has the same samples in both formats, however often each is scraped', async () => {
    const metrics = new SelfMetrics(makeSources());
    const names = async (openMetrics: boolean): Promise<string[]> =>
      [...samplesOf(await metrics.render(openMetrics)).keys()].sort();
    const text = await names(false);
    assert.deepEqual(await names(true), text);
    assert.deepEqual(await names(false), text);
    assert.deepEqual(await names(true), text);
  });

  it('leaves out what is not known instead of showing 0', async () => {
    const metrics = new SelfMetrics(makeSources({ ring: () => undefined, maps: () => [] }));
    const page = await metrics.render(false);
    assert.ok(!samplesOf(page).has('undertrace_ring_used_bytes'));
    assert.ok(!page.includes('undertrace_bpf_map_entries{'));
  });

  it('shows exporters that come and go', async () => {
    let ids = ['a', 'b'];
    const exporters = () => ids.map((id) => ({ ...makeSources().exporters()[0]!, id }));
    const metrics = new SelfMetrics(makeSources({ exporters }));
    assert.ok((await metrics.render(false)).includes('otelcol_exporter_sent_spans{exporter="b"} 3'));
    ids = ['a'];
    assert.ok(!(await metrics.render(false)).includes('exporter="b"'));
  });

  it('shows nothing of the agent where that is switched off, and what others define', async () => {
    const metrics = new SelfMetrics(undefined, [
      (define) => define.counter('shop_orders_total', 'Orders.', [], () => 7),
    ]);
    assert.deepEqual([...samplesOf(await metrics.render(false))], [['shop_orders_total', 7]]);
    assert.deepEqual([...samplesOf(await metrics.render(true))], [['shop_orders_total', 7]]);
  });
});
