/** Undertrace itself: whether its books balance, what it loses, what it costs. */
import { AGENTS, type Dashboard, FROM } from './dashboard.ts';
import { quantile, rate } from './requests.ts';

const AGENT = 'job, instance';
const BY_AGENT = '{{instance}}';

/** A rate of one of the agent's counters, by its labels. */
const perSecond = (name: string, labels: string): string => rate(`${name}{${FROM}}`, `instance, ${labels}`);

export const agent: Dashboard = {
  name: 'agent',
  title: 'Undertrace: itself',
  description:
    'What the agents see, lose and cost. docs/losses.md explains the losses, docs/runbook.md the alerts.',
  variables: AGENTS,
  rows: [
    {
      title: 'Books',
      panels: [
        {
          ...{ title: 'Ready', kind: 'stat', unit: 'short' },
          queries: [{ expr: `sum(undertrace_ready{${FROM}})` }],
        },
        {
          ...{ title: 'Stages that do not balance', kind: 'stat', unit: 'short', redFrom: 1 },
          description:
            'in = out + held + lost. Some figures are a moment apart while records are on their way.',
          queries: [{ expr: `count(undertrace_ledger_balanced{${FROM}} == 0) or vector(0)` }],
        },
        {
          ...{ title: 'Records lost in the ring', kind: 'stat', unit: 'percentunit', redFrom: 0.001 },
          queries: [
            {
              expr:
                `sum(rate(undertrace_ledger_lost_total{${FROM},stage="records"}[$__rate_interval]))` +
                ` / (sum(rate(undertrace_ledger_in_total{${FROM},stage="records"}[$__rate_interval])) > 0)`,
            },
          ],
        },
        {
          ...{ title: 'Spans sent', kind: 'stat', unit: 'cps' },
          queries: [{ expr: `sum(rate(otelcol_exporter_sent_spans{${FROM}}[$__rate_interval]))` }],
        },
        {
          ...{ title: 'Version', kind: 'table', unit: ['short'], width: 8, height: 4 },
          by: ['instance', 'version'],
          columns: ['Agents'],
          queries: [
            { expr: `count by (instance, version, backend, kernel) (undertrace_build_info{${FROM}})` },
          ],
        },
        {
          ...{ title: 'Into each stage', kind: 'timeseries', unit: 'cps' },
          description:
            'Records from the kernel, of which some make an exchange, each of which makes a span at each end.',
          queries: [
            { expr: perSecond('undertrace_ledger_in_total', 'stage'), legend: '{{instance}} {{stage}}' },
          ],
        },
        {
          ...{ title: 'Lost, by reason', kind: 'timeseries', unit: 'cps' },
          queries: [
            {
              expr: perSecond('undertrace_ledger_lost_total', 'stage, reason'),
              legend: '{{instance}} {{stage}} {{reason}}',
            },
          ],
        },
        {
          ...{ title: 'Held now', kind: 'timeseries', unit: 'short' },
          queries: [
            {
              expr: `sum by (instance, stage) (undertrace_ledger_held{${FROM}})`,
              legend: '{{instance}} {{stage}}',
            },
          ],
        },
      ],
    },
    {
      title: 'Kernel side',
      panels: [
        {
          ...{ title: 'Ring buffer', kind: 'timeseries', unit: 'percentunit' },
          queries: [
            {
              expr: `undertrace_ring_used_bytes{${FROM}} / undertrace_ring_size_bytes{${FROM}}`,
              legend: BY_AGENT,
            },
          ],
        },
        {
          ...{ title: 'System calls with data', kind: 'timeseries', unit: 'cps' },
          queries: ['receive', 'send'].map((direction) => ({
            expr: rate(`undertrace_kernel_calls_${direction}_total{${FROM}}`, 'instance'),
            legend: `{{instance}} ${direction}`,
          })),
        },
        {
          ...{ title: 'Maps', kind: 'timeseries', unit: 'percentunit' },
          description: 'How full the kernel’s tables are. The oldest entry makes room in a full one.',
          queries: [
            {
              expr: `undertrace_bpf_map_entries{${FROM}} / undertrace_bpf_map_max_entries{${FROM}}`,
              legend: '{{instance}} {{map}}',
            },
          ],
        },
        {
          ...{ title: 'Programs: share of one CPU', kind: 'timeseries', unit: 'percentunit', stacked: true },
          description:
            'Measured in samples. Empty where the agent has no CAP_SYS_ADMIN, which the kernel asks for.',
          queries: [
            {
              expr:
                `sum by (instance, program) (rate(undertrace_bpf_program_run_seconds_total{${FROM}}[$__rate_interval]))` +
                ` / on (instance) group_left () (sum by (instance) (rate(undertrace_bpf_measured_seconds_total{${FROM}}[$__rate_interval])) > 0)`,
              legend: '{{instance}} {{program}}',
            },
          ],
        },
        {
          ...{ title: 'Programs: time of a run', kind: 'timeseries', unit: 's' },
          queries: [
            {
              expr:
                `sum by (instance, program) (rate(undertrace_bpf_program_run_seconds_total{${FROM}}[$__rate_interval]))` +
                ` / (sum by (instance, program) (rate(undertrace_bpf_program_runs_total{${FROM}}[$__rate_interval])) > 0)`,
              legend: '{{instance}} {{program}}',
            },
          ],
        },
        {
          ...{ title: 'Drained at once, p95', kind: 'timeseries', unit: 'bytes' },
          queries: [
            { expr: quantile(0.95, 'undertrace_drain_batch_bytes', FROM, 'instance'), legend: BY_AGENT },
          ],
        },
      ],
    },
    {
      title: 'Cost',
      panels: [
        {
          ...{ title: 'CPU: share of one', kind: 'timeseries', unit: 'percentunit' },
          description:
            'The process and, in the time of others, its programs. Above the limit less is captured.',
          queries: [
            {
              expr: `sum by (instance, part) (undertrace_cpu_utilization_ratio{${FROM}})`,
              legend: '{{instance}} {{part}}',
            },
            { expr: `undertrace_cpu_limit_ratio{${FROM}}`, legend: '{{instance}} limit' },
          ],
        },
        {
          ...{ title: 'Captures less: step', kind: 'timeseries', unit: 'short' },
          description: '0: everything. 1: less payload, 2: fewer traces, 3: fewer connections, 4: none.',
          queries: [{ expr: `undertrace_governor_level{${FROM}}`, legend: BY_AGENT }],
        },
        {
          ...{ title: 'Memory', kind: 'timeseries', unit: 'bytes' },
          queries: [
            {
              expr: `sum by (instance, part) (undertrace_memory_bytes{${FROM}})`,
              legend: '{{instance}} {{part}}',
            },
            { expr: `undertrace_memory_limit_bytes{${FROM}}`, legend: '{{instance}} limit' },
          ],
        },
        {
          ...{ title: 'Event loop: timers late by, p95', kind: 'timeseries', unit: 's' },
          queries: [
            { expr: quantile(0.95, 'undertrace_event_loop_lag_seconds', FROM, 'instance'), legend: BY_AGENT },
          ],
        },
        {
          ...{ title: 'Garbage collection: share of time', kind: 'timeseries', unit: 'percentunit' },
          queries: [
            { expr: perSecond('undertrace_gc_seconds_total', 'kind'), legend: '{{instance}} {{kind}}' },
          ],
        },
        {
          ...{ title: 'A scrape takes', kind: 'timeseries', unit: 's' },
          queries: [{ expr: `scrape_duration_seconds{${FROM}}`, legend: BY_AGENT }],
        },
        {
          ...{ title: 'Samples a scrape', kind: 'timeseries', unit: 'short' },
          queries: [{ expr: `scrape_samples_scraped{${FROM}}`, legend: BY_AGENT }],
        },
        {
          ...{ title: 'Series of requests', kind: 'timeseries', unit: 'short' },
          queries: [
            {
              expr: `sum by (instance, metric) (undertrace_metric_series{${FROM}})`,
              legend: '{{instance}} {{metric}}',
            },
          ],
        },
      ],
    },
    {
      title: 'Exporters',
      panels: [
        {
          ...{ title: 'Spans', kind: 'timeseries', unit: 'cps' },
          queries: [
            {
              expr: perSecond('otelcol_exporter_sent_spans', 'exporter'),
              legend: '{{instance}} {{exporter}} sent',
            },
            {
              expr: perSecond('otelcol_exporter_send_failed_spans', 'exporter'),
              legend: '{{instance}} {{exporter}} lost after attempts',
            },
            {
              expr: perSecond('otelcol_exporter_enqueue_failed_spans', 'exporter'),
              legend: '{{instance}} {{exporter}} lost for want of room',
            },
          ],
        },
        {
          ...{ title: 'Queue', kind: 'timeseries', unit: 'percentunit' },
          queries: [
            {
              expr: `otelcol_exporter_queue_size{${FROM}} / otelcol_exporter_queue_capacity{${FROM}}`,
              legend: '{{instance}} {{exporter}} {{data_type}}',
            },
          ],
        },
        {
          ...{ title: 'Requests under way', kind: 'timeseries', unit: 'short' },
          queries: [
            {
              expr: `otelcol_exporter_in_flight_requests{${FROM}}`,
              legend: '{{instance}} {{exporter}} {{data_type}}',
            },
          ],
        },
      ],
    },
    {
      title: 'Pipeline',
      panels: [
        {
          ...{ title: 'Connections', kind: 'timeseries', unit: 'short' },
          queries: [{ expr: `sum by (${AGENT}) (undertrace_connections{${FROM}})`, legend: BY_AGENT }],
        },
        {
          ...{ title: 'Parents found', kind: 'timeseries', unit: 'cps', stacked: true },
          queries: [{ expr: rate(`undertrace_links_total{${FROM}}`, 'method'), legend: '{{method}}' }],
        },
        {
          ...{ title: 'What a limit cost', kind: 'timeseries', unit: 'cps' },
          description:
            'Series that were added up in one, connections, processes and requests that were forgotten for want of room.',
          queries: [
            {
              expr: perSecond('undertrace_metric_overflow_total', 'metric'),
              legend: '{{instance}} series of {{metric}}',
            },
            ...['connections', 'processes', 'hops', 'inbound'].map((what) => ({
              expr: rate(`undertrace_${what}_evicted_total{${FROM}}`, 'instance'),
              legend: `{{instance}} ${what}`,
            })),
          ],
        },
      ],
    },
  ],
};
