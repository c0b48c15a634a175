/** All services at once: rate, errors and duration, and who asks whom. */
import { AGENTS, type Dashboard, FROM } from './dashboard.ts';
import { quantile, rate, share, tracesOf } from './requests.ts';

const SERVED = `${FROM},span_kind="SPAN_KIND_SERVER"`;
const CALLS = `traces_span_metrics_calls_total{${SERVED}}`;
const FAILED = `traces_span_metrics_calls_total{${SERVED},status_code="STATUS_CODE_ERROR"}`;
const DURATION = 'traces_span_metrics_duration_milliseconds';
const GRAPH = `traces_service_graph_request_total{${FROM}}`;
const GRAPH_FAILED = `traces_service_graph_request_failed_total{${FROM}}`;

const SERVICE_LINKS = [
  {
    title: 'This service',
    url: '/d/undertrace-service?var-service=${__value.text}&${job:queryparam}&${instance:queryparam}&${__url_time_range}',
  },
  { title: 'Its traces', url: tracesOf('${__value.text}') },
];

export const overview: Dashboard = {
  name: 'overview',
  title: 'Undertrace: services',
  description: 'Rate, errors and duration of all services that agents see, and who asks whom.',
  variables: AGENTS,
  rows: [
    {
      title: 'Requests served',
      panels: [
        {
          ...{ title: 'Services', kind: 'stat', unit: 'short' },
          queries: [{ expr: `count(count by (service_name) (${CALLS}))` }],
        },
        {
          ...{ title: 'Requests', kind: 'stat', unit: 'reqps' },
          queries: [{ expr: `sum(rate(${CALLS}[$__rate_interval]))` }],
        },
        {
          ...{ title: 'Failed', kind: 'stat', unit: 'percentunit', redFrom: 0.05 },
          queries: [
            {
              expr: share(`sum(rate(${FAILED}[$__rate_interval]))`, `sum(rate(${CALLS}[$__rate_interval]))`),
            },
          ],
        },
        {
          ...{ title: 'p95', kind: 'stat', unit: 'ms' },
          queries: [{ expr: quantile(0.95, DURATION, SERVED) }],
        },
        {
          ...{ title: 'Agents ready', kind: 'stat', unit: 'short' },
          queries: [{ expr: `sum(undertrace_ready{${FROM}})` }],
        },
        {
          ...{ title: 'Alerts firing', kind: 'stat', unit: 'short', redFrom: 1 },
          queries: [{ expr: 'count(ALERTS{alertstate="firing"}) or vector(0)' }],
        },
        {
          ...{ title: 'Rate', kind: 'timeseries', unit: 'reqps', stacked: true },
          queries: [{ expr: rate(CALLS, 'service_name'), legend: '{{service_name}}' }],
        },
        {
          ...{ title: 'Errors', kind: 'timeseries', unit: 'percentunit' },
          description:
            'Share of the requests that a service failed to serve: 5xx, and what other protocols call so.',
          queries: [
            {
              expr: share(rate(FAILED, 'service_name'), rate(CALLS, 'service_name')),
              legend: '{{service_name}}',
            },
          ],
        },
        {
          ...{ title: 'Duration, p95', kind: 'timeseries', unit: 'ms' },
          description: 'A point on the graph is a request: it leads to its trace.',
          queries: [
            {
              expr: quantile(0.95, DURATION, SERVED, 'service_name'),
              legend: '{{service_name}}',
              exemplars: true,
            },
          ],
        },
        {
          ...{ title: 'Services', kind: 'table', unit: ['reqps', 'percentunit', 'ms', 'ms', 'ms'] },
          by: ['service_name'],
          columns: ['Rate', 'Errors', 'p50', 'p95', 'p99'],
          queries: [
            { expr: rate(CALLS, 'service_name') },
            { expr: share(rate(FAILED, 'service_name'), rate(CALLS, 'service_name')) },
            ...[0.5, 0.95, 0.99].map((q) => ({ expr: quantile(q, DURATION, SERVED, 'service_name') })),
          ],
          links: SERVICE_LINKS.map((link) => ({ field: 'service_name', ...link })),
        },
      ],
    },
    {
      title: 'Who asks whom',
      panels: [
        {
          ...{ title: 'Service graph', kind: 'nodeGraph', unit: 'reqps' },
          description:
            'Requests that were seen at both ends, by client and server. `external` is not on these hosts.',
          queries: [
            {
              expr:
                `sum by (id, title) (label_replace(label_replace(${rate(GRAPH, 'server')}, "id", "$1", "server", "(.*)"), "title", "$1", "server", "(.*)"))` +
                ` or 0 * sum by (id, title) (label_replace(label_replace(${rate(GRAPH, 'client')}, "id", "$1", "client", "(.*)"), "title", "$1", "client", "(.*)"))`,
            },
            {
              expr: `sum by (id, source, target) (label_join(label_replace(label_replace(${rate(GRAPH, 'client, server')}, "source", "$1", "client", "(.*)"), "target", "$1", "server", "(.*)"), "id", " → ", "client", "server"))`,
            },
          ],
        },
        {
          ...{
            title: 'Calls',
            kind: 'table',
            unit: ['reqps', 'percentunit', 's', 's'],
            width: 12,
            height: 12,
          },
          description:
            'The difference between both durations is the network, and what waits in the server’s queues.',
          by: ['client', 'server'],
          columns: ['Rate', 'Errors', 'p95 at the client', 'p95 at the server'],
          queries: [
            { expr: rate(GRAPH, 'client, server') },
            { expr: share(rate(GRAPH_FAILED, 'client, server'), rate(GRAPH, 'client, server')) },
            ...['client', 'server'].map((end) => ({
              expr: quantile(0.95, `traces_service_graph_request_${end}_seconds`, FROM, 'client, server'),
            })),
          ],
          links: ['client', 'server'].flatMap((field) => SERVICE_LINKS.map((link) => ({ field, ...link }))),
        },
      ],
    },
  ],
};
