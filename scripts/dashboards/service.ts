/** One service: what it is asked, what it asks, and how its spans are linked. */
import { AGENTS, type Dashboard, FROM, type Panel } from './dashboard.ts';
import { quantile, rate, share, tracesOf } from './requests.ts';

const OF = `${FROM},service_name="$service"`;
const SERVED = `${OF},span_kind="SPAN_KIND_SERVER"`;
const MADE = `${OF},span_kind=~"SPAN_KIND_CLIENT|SPAN_KIND_PRODUCER"`;
const CALLS = 'traces_span_metrics_calls_total';
const DURATION = 'traces_span_metrics_duration_milliseconds';
const FAILED = 'status_code="STATUS_CODE_ERROR"';

/** Rate by labels, and p95 by some of them, of a metric of the semantic conventions. */
function red(title: string, metric: string, by: readonly string[], durationBy = by): Panel[] {
  const legend = (labels: readonly string[]): string => labels.map((label) => `{{${label}}}`).join(' ');
  return [
    {
      ...{ title: `${title}: rate`, kind: 'timeseries', unit: 'reqps', stacked: true, width: 12 },
      queries: [{ expr: rate(`${metric}_count{${OF}}`, by.join(', ')), legend: legend(by) }],
    },
    {
      ...{ title: `${title}: duration, p95`, kind: 'timeseries', unit: 's', width: 12 },
      queries: [
        {
          expr: quantile(0.95, metric, OF, durationBy.join(', ')),
          legend: legend(durationBy),
          exemplars: true,
        },
      ],
    },
  ];
}

export const service: Dashboard = {
  name: 'service',
  title: 'Undertrace: one service',
  description: 'What a service is asked and what it asks, by route, peer and operation.',
  variables: [
    ...AGENTS,
    {
      name: 'service',
      label: 'Service',
      query: `label_values(${CALLS}{${FROM}}, service_name)`,
      multi: false,
    },
  ],
  links: [{ title: 'Traces of this service', url: tracesOf('${service}') }],
  rows: [
    {
      title: 'Requests served',
      panels: [
        {
          ...{ title: 'Rate', kind: 'timeseries', unit: 'reqps', stacked: true },
          queries: [{ expr: rate(`${CALLS}{${SERVED}}`, 'span_name'), legend: '{{span_name}}' }],
        },
        {
          ...{ title: 'Errors', kind: 'timeseries', unit: 'percentunit' },
          queries: [
            {
              expr: share(
                rate(`${CALLS}{${SERVED},${FAILED}}`, 'span_name'),
                rate(`${CALLS}{${SERVED}}`, 'span_name'),
              ),
              legend: '{{span_name}}',
            },
          ],
        },
        {
          ...{ title: 'Duration', kind: 'timeseries', unit: 'ms' },
          description: 'A point on the graph is a request: it leads to its trace.',
          queries: [0.5, 0.95, 0.99].map((q) => ({
            ...{ expr: quantile(q, DURATION, SERVED), legend: `p${q * 100}` },
            ...(q === 0.95 ? { exemplars: true } : {}),
          })),
        },
        ...red('HTTP', 'http_server_request_duration_seconds', [
          'http_request_method',
          'http_route',
          'http_response_status_code',
        ]),
        {
          ...{ title: 'HTTP: requests under way', kind: 'timeseries', unit: 'short' },
          queries: [
            {
              expr: `sum by (http_request_method) (http_server_active_requests{${OF}})`,
              legend: '{{http_request_method}}',
            },
          ],
        },
        ...(['request', 'response'] as const).map((side): Panel => ({
          ...{ title: `HTTP: bytes of ${side} bodies`, kind: 'timeseries', unit: 'Bps' },
          queries: [
            {
              expr: rate(`http_server_${side}_body_size_bytes_sum{${OF}}`, 'http_route'),
              legend: '{{http_route}}',
            },
          ],
        })),
        ...red('RPC', 'rpc_server_call_duration_seconds', ['rpc_method', 'rpc_response_status_code']),
      ],
    },
    {
      title: 'Calls made',
      panels: [
        {
          ...{ title: 'Rate', kind: 'timeseries', unit: 'reqps', stacked: true },
          queries: [{ expr: rate(`${CALLS}{${MADE}}`, 'span_name'), legend: '{{span_name}}' }],
        },
        {
          ...{ title: 'Errors', kind: 'timeseries', unit: 'percentunit' },
          queries: [
            {
              expr: share(
                rate(`${CALLS}{${MADE},${FAILED}}`, 'span_name'),
                rate(`${CALLS}{${MADE}}`, 'span_name'),
              ),
              legend: '{{span_name}}',
            },
          ],
        },
        {
          ...{ title: 'Duration, p95', kind: 'timeseries', unit: 'ms' },
          queries: [
            { expr: quantile(0.95, DURATION, MADE, 'span_name'), legend: '{{span_name}}', exemplars: true },
          ],
        },
        ...red('HTTP', 'http_client_request_duration_seconds', [
          'service_peer_name',
          'http_request_method',
          'http_response_status_code',
        ]),
        ...red('Databases and caches', 'db_client_operation_duration_seconds', [
          'db_system_name',
          'db_operation_name',
          'db_collection_name',
        ]),
        ...red('RPC', 'rpc_client_call_duration_seconds', [
          'service_peer_name',
          'rpc_method',
          'rpc_response_status_code',
        ]),
        ...red('Brokers', 'messaging_client_operation_duration_seconds', [
          'messaging_system',
          'messaging_operation_name',
          'messaging_destination_name',
        ]),
        ...red('DNS', 'dns_lookup_duration_seconds', ['error_type']),
      ],
    },
    {
      title: 'Traces',
      panels: [
        {
          ...{ title: 'Parents found', kind: 'timeseries', unit: 'cps', stacked: true, width: 12 },
          description: 'Spans with a parent, by how it was found: docs/attributes.md explains the methods.',
          queries: [{ expr: rate(`undertrace_links_total{${OF}}`, 'method'), legend: '{{method}}' }],
        },
        {
          ...{ title: 'Calls without a parent', kind: 'timeseries', unit: 'cps', width: 12 },
          description: 'Of a service that serves requests itself. They begin traces of their own.',
          queries: [
            {
              expr: rate(`undertrace_link_orphans_total{${OF}}`, 'service_name'),
              legend: 'not known for which request',
            },
            {
              expr: rate(`undertrace_link_candidates_total{${OF}}`, 'service_name'),
              legend: 'not sure enough',
            },
          ],
        },
      ],
    },
  ],
};
