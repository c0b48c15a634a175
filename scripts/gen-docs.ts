/**
 * Writes docs/config.md, docs/losses.md, docs/metrics.md and docs/protocols.md from what the program itself uses: config/default.yaml with the schema,
 * the table of losses, the metrics as they are scraped, the registry of protocols with the conversations that they are tested with. `npm run gen:docs`; a test compares.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';
import { parse as parseToml } from 'smol-toml';
import { parse } from 'yaml';
import type { Format, Schema } from '../src/base/config/format.ts';
import { EXPORTERS, EXTENSIONS, RECEIVER, TELEMETRY } from '../src/base/config/schema.ts';
import { leaves } from '../src/base/config/section.ts';
import { LOSSES } from '../src/base/losses.ts';
import { PROTOCOLS } from '../src/base/settings.ts';
import { HostFiles } from '../src/host/host-files.ts';
import { HostProbes } from '../src/host/host-probes.ts';
import { PROBES } from '../src/host/probe/index.ts';
import { defineHostMetrics } from '../src/metrics/host-metrics.ts';
import { prometheusLabel, prometheusName } from '../src/metrics/prometheus-name.ts';
import { RequestMetrics } from '../src/metrics/request/request-metrics.ts';
import { SelfMetrics } from '../src/metrics/self-metrics.ts';
import { makeSources } from '../test/metrics/make-sources.ts';
import { DEFAULTS } from '../test/support/defaults.ts';
import { readFigures } from './bench/decode-figures.ts';

const ROOT = new URL('..', import.meta.url);

function read(path: string): string {
  return readFileSync(new URL(path, ROOT), 'utf8');
}

/** Text by path, relative to the repository. */
export async function generateDocs(): Promise<Record<string, string>> {
  const docs = {
    'docs/config.md': configDoc(),
    'docs/losses.md': lossesDoc(),
    'docs/metrics.md': await metricsDoc(),
    'docs/protocols.md': protocolsDoc(),
  };
  const options = (await resolveConfig(fileURLToPath(new URL('package.json', ROOT)))) ?? {};
  const entries = Object.entries(docs).map(async ([path, text]): Promise<[string, string]> => [
    path,
    await format(text, { ...options, parser: 'markdown' }),
  ]);
  return Object.fromEntries(await Promise.all(entries));
}

/**
 * The comment of each key of a YAML file that is written as config/default.yaml is: the comment lines right above a key, and a key without any
 * shares that of the key before it.
 */
export function readComments(text: string): Map<string, string> {
  const comments = new Map<string, string>();
  const path: Array<{ indent: number; key: string }> = [];
  let pending: string[] = [];
  let last: { indent: number; comment: string } | undefined;
  for (const line of text.split('\n')) {
    const comment = /^\s*# ?(.*)$/.exec(line);
    const key = /^(\s*)([A-Za-z_][\w/]*):(?:\s|$)/.exec(line);
    if (comment) pending.push(comment[1]!);
    else if (key) {
      const indent = key[1]!.length;
      while (path.length > 0 && path.at(-1)!.indent >= indent) path.pop();
      path.push({ indent, key: key[2]! });
      const own = pending.join(' ');
      const shared = last?.indent === indent ? last.comment : '';
      last = { indent, comment: own || shared };
      comments.set(path.map((part) => part.key).join('.'), last.comment);
      pending = [];
    } else pending = [];
  }
  return comments;
}

const ENVIRONMENT: ReadonlyArray<[names: string, meaning: string]> = [
  [
    '`OTEL_EXPORTER_OTLP_ENDPOINT`',
    'where to send spans; `/v1/traces` is appended for HTTP. Setting it is what makes the agent send',
  ],
  ['`OTEL_EXPORTER_OTLP_TRACES_ENDPOINT`', 'the same, used as it is'],
  [
    '`OTEL_EXPORTER_OTLP_PROTOCOL`',
    '`http/protobuf` (default), `http/json` or `grpc`: which exporter the variables are for',
  ],
  ['`OTEL_EXPORTER_OTLP_HEADERS`', '`headers`: `key=value,key2=value2`, percent-encoded'],
  ['`OTEL_EXPORTER_OTLP_COMPRESSION`', '`compression`'],
  ['`OTEL_EXPORTER_OTLP_TIMEOUT`', '`timeout`, in milliseconds'],
  ['`OTEL_EXPORTER_OTLP_CERTIFICATE`', '`tls.ca_file`'],
  [
    '`OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE`, `OTEL_EXPORTER_OTLP_CLIENT_KEY`',
    '`tls.cert_file`, `tls.key_file`',
  ],
  ['`OTEL_EXPORTER_OTLP_INSECURE`', '`tls.insecure`, for gRPC'],
  [
    '`OTEL_TRACES_EXPORTER`',
    '`otlp`, `console` (the terminal), `none`; several with commas. Without it: OTLP where an endpoint is set',
  ],
  [
    '`OTEL_METRICS_EXPORTER`',
    '`prometheus` (the listener), `otlp`, `none`; several with commas. Without it: the listener, and OTLP where an endpoint for metrics is set',
  ],
  [
    '`OTEL_EXPORTER_OTLP_METRICS_ENDPOINT`',
    'where to push metrics over HTTP; the general endpoint asks for spans alone',
  ],
  ['`OTEL_METRIC_EXPORT_INTERVAL`', '`receivers.undertrace.metrics.push_interval`, in milliseconds'],
  ['`OTEL_TRACES_SAMPLER`, `OTEL_TRACES_SAMPLER_ARG`', '`receivers.undertrace.sampler`'],
  ['`OTEL_BSP_SCHEDULE_DELAY`', '`sending_queue.batch.flush_timeout`, in milliseconds'],
  ['`OTEL_BSP_MAX_QUEUE_SIZE`', '`sending_queue.queue_size` in spans'],
  ['`OTEL_BSP_MAX_EXPORT_BATCH_SIZE`', '`sending_queue.batch.max_size`'],
  ['`OTEL_BSP_EXPORT_TIMEOUT`', '`timeout` in milliseconds, where `OTEL_EXPORTER_OTLP_TIMEOUT` is not set'],
  [
    '`OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT`, `OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT`',
    '`receivers.undertrace.limits.attribute_length`',
  ],
  [
    '`OTEL_SERVICE_NAME`, `OTEL_RESOURCE_ATTRIBUTES`',
    "the agent's own resource; those of the observed programs name their spans",
  ],
  ['`OTEL_EXPORTER_PROMETHEUS_HOST`, `OTEL_EXPORTER_PROMETHEUS_PORT`', '`exporters.prometheus.endpoint`'],
  ['`OTEL_LOG_LEVEL`', '`service.telemetry.logs.level`: `error`, `warn`, `info`, `debug`, `none`'],
  ['`OTEL_SDK_DISABLED`', '`true`: nothing is traced'],
  ['`OTEL_CONFIG_FILE`', 'not read; a warning says so'],
];

function configDoc(): string {
  const text = read('config/default.yaml');
  const comments = readComments(text);
  const defaults = parse(text) as unknown;
  const sections: Array<[string[], Schema]> = [
    [['receivers', 'undertrace'], RECEIVER],
    ...Object.entries(EXPORTERS).map(([type, schema]): [string[], Schema] => [['exporters', type], schema]),
    ...Object.entries(EXTENSIONS).map(([type, schema]): [string[], Schema] => [['extensions', type], schema]),
    [['service', 'telemetry'], TELEMETRY],
  ];
  const tables = sections
    .filter(([, schema]) => Object.keys(schema).length > 0)
    .map(([path, schema]) => {
      const rows = leaves(schema).map(([key, leaf]) => settingRow(path, key, leaf, comments, defaults));
      return `## \`${path.join('.')}\`\n\n| key | default | what it is | allowed |\n|---|---|---|---|\n${rows.join('')}`;
    });
  const environment = ENVIRONMENT.map(([names, meaning]) => `| ${names} | ${meaning} |\n`).join('');
  return `# Configuration

${GENERATED}

YAML in the shape of the OpenTelemetry Collector's; nothing has to be set. \`undertrace print-config\` shows every effective value and where it comes
from, \`undertrace validate\` checks. Later sources win: \`config/default.yaml\`, the environment, \`--config\` (several are merged: maps key by key,
lists as a whole), \`--set a.b.c=value\`. So a file is stronger than the environment; to use a variable in a file write \`\${env:NAME}\` or
\`\${env:NAME:-default}\`. Where a file or \`--set\` names the endpoint of an exporter, the environment's settings for that exporter are left out as a
whole: its headers belong to its endpoint.

\`--config\` takes a path, \`file:path\`, \`env:NAME\` (the variable holds YAML) or \`yaml:exporters::debug::verbosity: detailed\`. In \`--set\` and in
keys, \`::\` may stand for the dot where a part holds a dot itself.

Where no traces pipeline is written, spans go to every exporter that is configured, to \`OTEL_EXPORTER_OTLP_ENDPOINT\` where it is set, and to the
terminal (\`debug\`) where standard output is one or there is no other exporter. \`OTEL_TRACES_EXPORTER\` decides where no file names an exporter.

SIGHUP reads the sources again. Filters, services, routes, the sampler and the log level change at once; other changes are logged and wait for the next start. A
configuration that is wrong changes nothing: the log and \`undertrace_config_last_reload_successful\` say so. The log level also changes with
\`curl -X PUT -d debug http://localhost:9464/loglevel\`.

${tables.join('\n')}
## \`service\`

| key | default | what it is |
|---|---|---|
${[
  'extensions',
  'pipelines.traces.receivers',
  'pipelines.traces.processors',
  'pipelines.traces.exporters',
  'pipelines.metrics.exporters',
]
  .map(
    (key) =>
      `| \`${key}\` | ${shown(at(defaults, ['service', ...key.split('.')]))} | ${cell(comments.get(`service.${key}`) ?? '')} |\n`,
  )
  .join('')}
\`service.telemetry.metrics.readers\` takes the Collector's one \`pull\` reader with \`exporter: {prometheus: {host, port}}\`, which moves the listener.

## Environment

An empty variable is as good as none; a value that cannot be used is warned about and ignored. For each \`OTEL_EXPORTER_OTLP_X\` there is also
\`OTEL_EXPORTER_OTLP_TRACES_X\`, which wins.

| variable | what it sets |
|---|---|
${environment}`;
}

const GENERATED = '<!-- Written by `npm run gen:docs`; edit the sources it names. -->';

function settingRow(
  path: string[],
  key: string[],
  leaf: Format<unknown>,
  comments: Map<string, string>,
  defaults: unknown,
): string {
  const comment = comments.get([...path, ...key].join('.')) ?? '';
  const value = at(defaults, [...path, ...key]);
  return `| \`${key.join('.')}\` | ${shown(value)} | ${cell(comment)} | ${cell(leaf.allowed)} |\n`;
}

function at(value: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>((inner, key) => (inner as Record<string, unknown> | null)?.[key], value);
}

function shown(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (Array.isArray(value) && value.length > 3) return `${value.length} entries, see config/default.yaml`;
  return `\`${typeof value === 'object' ? JSON.stringify(value) : String(value)}\``;
}

/** A table cell: what Markdown would take for markup is text, except in backticks. */
function cell(text: string): string {
  return text
    .split('`')
    .map((part, index) => (index % 2 === 0 ? part.replaceAll('<', '&lt;').replaceAll('*', '\\*') : part))
    .join('`')
    .replaceAll('|', '\\|');
}

function lossesDoc(): string {
  const stages = Object.entries(LOSSES).map(([stage, { doc, reasons }]) => {
    const rows = Object.entries(reasons as Record<string, { meaning: string; remedy: string }>).map(
      ([reason, { meaning, remedy }]) => `| \`${reason}\` | ${cell(meaning)} | ${cell(remedy)} |\n`,
    );
    return `## \`${stage}\`\n\n${doc}\n\n| reason | meaning | remedy |\n|---|---|---|\n${rows.join('')}`;
  });
  return `# What can be lost

${GENERATED}

Nothing is lost silently. Every stage counts what came in, what it passed on, what it holds and what it lost, each where it happens, so that
in = out + held + lost. \`undertrace status\` shows the books, \`undertrace_ledger_lost_total{stage, reason}\` exports them, and
\`undertrace_ledger_balanced\` is 0 where a stage does not balance, which is a defect of this program.

${stages.join('\n')}`;
}

/** Names, types and helps as they are scraped, from an agent that has done nothing. */
async function metricsDoc(): Promise<string> {
  const rows: string[] = [];
  const help = new Map<string, string>();
  const labels = new Map<string, string[]>();
  const text = await exampleMetrics();
  const counters = kernelCounterDocs();
  for (const [, name, content] of text.matchAll(/^# HELP (\S+) (.*)$/gm)) help.set(name!, content!);
  for (const [, name, content] of text.matchAll(/^([a-z_]+)\{(.*)\} /gm)) {
    labels.set(
      name!,
      [...content!.matchAll(/(\w+)="/g)].map((match) => match[1]!),
    );
  }
  for (const [, name, type] of text.matchAll(/^# TYPE ((?:otelcol_|undertrace_|target_)\S+) (\S+)$/gm)) {
    rows.push(
      `| \`${name}\` | ${type} | ${(labels.get(name!) ?? []).join(', ')} | ${cell(counters.get(name!) ?? help.get(name!)!)} |\n`,
    );
  }
  return `# Metrics

${GENERATED}

## Requests

${requestMetricsDoc()}
## The host

${hostMetricsDoc()}
## The agent itself

On \`http://localhost:9464/metrics\`, as Prometheus text or OpenMetrics under the same names. \`otelcol_*\` are the Collector's own names and labels, so
they have no \`_total\`; in OpenMetrics their type is \`unknown\` for that reason. A push by OTLP (\`service.pipelines.metrics\`) has the same names and
labels; those of requests and of the host are those of the semantic conventions there, \`target_info\` is the resource, and histograms have the exemplars. Time spent in BPF programs is counted by the kernel only while its BPF
statistics are on.

| name | type | labels | what it is |
|---|---|---|---|
${rows.join('')}`;
}

/** What the probes read, by instrument. */
function hostMetricsDoc(): string {
  const rows = PROBES.flatMap(({ name: probe, instruments }) =>
    instruments.map((instrument) => {
      const labels = instrument.attributes.map(prometheusLabel).join(', ');
      const name = `\`${prometheusName(instrument)}\``;
      return `| ${probe} | ${name} | ${instrument.type} | ${labels} | ${cell(instrument.description)} |\n`;
    }),
  );
  return `Read when somebody asks, below \`receivers.undertrace.host.root_path\`; \`receivers.undertrace.host.off\` leaves probes out. Names are those of OpenTelemetry's semantic
conventions in Prometheus' form; where these have none, the description says so. What a host has not got is left out, and \`undertrace doctor\` says why.

Disks are whole devices that ever did something, without partitions and loop devices. File systems are those on block devices, without images, each at
its first mount; of the network and of FUSE there are none, since to ask one that hangs is to hang. In a container with the host's PID namespace and
\`CAP_SYS_PTRACE\` nothing has to be mounted: they are asked for below \`/proc/1/root\`. Interfaces and sockets are those of the host's first
process. \`process_*\` and \`container_*\` are of the processes of observed services, up to 500, and of their cgroups; what the agent itself takes is \`otelcol_process_*\`.
\`undertrace_host_probe_omitted\` counts what is beyond a limit.

\`run_queue\`, \`disk_requests\`, \`tcp\`, \`reclaim\` and \`oom\` are counted by eBPF programs, since the agent has started. They tell up to 127 services apart by the processes in
which requests were seen or that listen; what has no service counts for all others, so that the sum is the host's. A request to a disk belongs to whoever handed
it to the block layer: what the kernel writes back later belongs to nobody. Disks are up to 31, with loop devices, and without those that have no requests of their own, such as
device mapper and zram. Zero windows, full listen queues and failed answers of DNS are in the figures of \`transport\` and of requests.

| probe | name | type | labels | what it is |
|---|---|---|---|---|
${rows.join('')}
`;
}

/** Nothing is read of it. */
const NO_HOST = { files: new HostFiles('/'), processes: () => [] };
const NO_OVERFLOWS = { overflows: (): Array<[string, number]> => [['disks', 0]], unserved: 0 };
const NOBODY = { serviceName: '', attributes: {} };

/** What is measured of requests, by instrument. */
function requestMetricsDoc(): string {
  const { metrics } = new RequestMetrics(DEFAULTS.metrics, () => NOBODY);
  const rows = metrics.map(({ instrument }) => {
    const labels = instrument.attributes.map(prometheusLabel).join(', ');
    return `| \`${prometheusName(instrument)}\` | ${instrument.type} | ${labels} | ${cell(instrument.description)} |\n`;
  });
  return `Every request at each of its ends that was seen, but for those that \`filters\` drop; spans that the sampler rejects, and those of processes that make
their own, count all the same. Names and labels are those of OpenTelemetry's semantic conventions in Prometheus' form, of the Collector's spanmetrics and servicegraph
connectors, and of Tempo, so that what is made for these works. A label is left out where there is nothing to say. \`service_peer_name\`, \`client\` and \`server\`
are services of this host, or \`external\`. A request that was seen at both ends is one of the service graph. In OpenMetrics buckets have exemplars with the ids of a span that is exported.

| name | type | labels | what it is |
|---|---|---|---|
${rows.join('')}`;
}

/** Every protocol with its page and the real programs whose conversations its decoder is tested with. */
function protocolsDoc(): string {
  const { machine, steady, whole, idle } = readFigures();
  const rows: string[] = [];
  const programs: string[] = [];
  for (const protocol of PROTOCOLS) {
    const [title] = /(?<=^# ).*/m.exec(read(`docs/protocols/${protocol}.md`)) ?? [protocol];
    const { nsPerMessage = '', megabytesPerSecond = '' } = whole[protocol] ?? {};
    rows.push(
      `| \`${protocol}\` | [${title}](protocols/${protocol}.md) | ${nsPerMessage} | ${megabytesPerSecond} | ${idle[protocol] ?? ''} |`,
    );
    programs.push(`- ${title}: ${recordedPrograms(protocol).join('; ')}`);
  }
  const speeds = steady.map(({ what, nsPerMessage, bound }) => {
    const rate = Math.round(1e9 / nsPerMessage);
    return `| ${what} | ${nsPerMessage} | ${rate} | ≥ ${bound} | ${rate >= bound ? 'yes' : '**no**'} |`;
  });
  return [
    '# Protocols',
    '',
    GENERATED,
    '',
    'Which protocol a connection speaks is found out from its bytes, of both directions where one is not enough; ports prove nothing. What is claimed wrongly is withdrawn.',
    'Any of them can be left out (`receivers.undertrace.protocols.off`). Database spans of the serving end have the attributes of the client’s.',
    '',
    '| name | protocol | ns a message | MB/s | bytes while idle |',
    '|---|---|---|---|---|',
    ...rows,
    '',
    '## Speed',
    '',
    `Measured by \`npm run bench:decode\` on one core of: ${machine}. From the kernel’s record to the attributes of the span, garbage collection included, the fastest of five rounds; a message is a request or a`,
    'response. Above: everything that was recorded of the protocol, each time on new connections, so that finding out which protocol it is and what connections begin with has its full',
    'part. Below: one exchange after the other on 64 connections. While idle: all that is kept of a connection on which nothing is waited for, of the conversation after which it is most.',
    '',
    '| what | ns a message | messages a second | bound | met |',
    '|---|---|---|---|---|',
    ...speeds,
    '',
    '## Tested with',
    '',
    'Conversations between these were recorded and are decoded in the tests; `test/protocols/` holds the programs that the live tests run.',
    '',
    ...programs,
    '',
  ].join('\n');
}

/** Products and versions of line 1 of the fixtures. */
function recordedPrograms(protocol: string): string[] {
  const folder = `test/fixtures/decode/${protocol}`;
  const files = readdirSync(new URL(folder, ROOT)).filter((file) => file.endsWith('.wire'));
  return [...new Set(files.map((file) => /(?<=^# )[^:\n]*/.exec(read(`${folder}/${file}`))![0]))];
}

function kernelCounterDocs(): Map<string, string> {
  const { enums } = parseToml(read('bpf/records.toml')) as unknown as {
    enums: { counter: Record<string, { doc: string } | string> };
  };
  return new Map(
    Object.entries(enums.counter).flatMap(([name, counter]): Array<[string, string]> =>
      typeof counter === 'string' ? [] : [[`undertrace_kernel_${name}_total`, `Kernel: ${counter.doc}.`]],
    ),
  );
}

export function exampleMetrics(openMetrics = false): Promise<string> {
  const sources = makeSources({ resource: { 'service.name': 'undertrace' } });
  const requests = new RequestMetrics(DEFAULTS.metrics, () => NOBODY);
  const host = new HostProbes({ probes: PROBES, source: NO_HOST, bootMs: 0 });
  return new SelfMetrics(sources, [
    (define) => requests.define(define),
    (define) => defineHostMetrics(define, host, () => NO_OVERFLOWS),
  ]).render(openMetrics);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [path, text] of Object.entries(await generateDocs())) {
    if (!process.argv.includes('--check')) writeFileSync(new URL(path, ROOT), text);
    else if (read(path) !== text) {
      process.stderr.write(`${path} is not what npm run gen:docs writes\n`);
      process.exitCode = 1;
    }
  }
}
