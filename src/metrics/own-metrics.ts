import { getSystemErrorMap } from 'node:util';

import { ATTACH_TABLE } from '../capture/attach-table.ts';
import { Counter } from '../capture/records.gen.ts';
import type { DirectoryFigures } from '../directory/directory.ts';
import { KERNEL_PROGRAMS, SCAN_LISTENERS } from '../host/kernel-programs.ts';
import { defineOwnCost } from './own-cost.ts';
import type { Definer, Samples } from './pull.ts';
import type { PipelineCounts, SelfSources } from './self-sources.ts';

/** Programs that are attached; the others are run. */
const HOOKED = new Set(
  [...ATTACH_TABLE, ...KERNEL_PROGRAMS]
    .map(({ program }) => program)
    .filter((name) => name !== SCAN_LISTENERS),
);

/** `undertrace_*`: the books, the kernel side's counters, what the agent costs, and how its configuration fares. */
export function defineOwnMetrics(define: Definer, sources: SelfSources): void {
  defineBooks(define, sources);
  defineKernel(define, sources);
  defineExporters(define, sources);
  defineOwnCost(define, sources);
  defineLinks(define, sources);
  defineDirectory(define, sources);
  defineBounds(define, sources);
  defineState(define, sources);
}

function defineBooks(define: Definer, { ledger }: SelfSources): void {
  const byStage =
    (read: (stage: ReturnType<typeof ledger.stages>[number][1]) => number): (() => Samples) =>
    () =>
      ledger.stages().map(([name, stage]) => [{ stage: name }, read(stage)]);
  const { counter, gauge } = define;
  counter(
    'undertrace_ledger_in_total',
    'What came into a stage.',
    ['stage'],
    byStage((stage) => stage.in),
  );
  counter(
    'undertrace_ledger_out_total',
    'What a stage passed on.',
    ['stage'],
    byStage((stage) => stage.out),
  );
  gauge(
    'undertrace_ledger_held',
    'What a stage holds now.',
    ['stage'],
    byStage((stage) => stage.held()),
  );
  counter(
    'undertrace_ledger_lost_total',
    'What a stage lost, by reason; docs/losses.md explains the reasons.',
    ['stage', 'reason'],
    () =>
      ledger
        .stages()
        .flatMap(([stage, { lost }]) =>
          Object.entries(lost).map(([reason, count]): Samples[number] => [{ stage, reason }, count]),
        ),
  );
  gauge('undertrace_ledger_balanced', '1 if in = out + held + lost for a stage, 0 if not.', ['stage'], () => {
    const unbalanced = new Set(ledger.imbalances().map(({ stage }) => stage));
    return ledger.stages().map(([stage]) => [{ stage }, unbalanced.has(stage) ? 0 : 1]);
  });
}

function defineKernel(define: Definer, sources: SelfSources): void {
  for (const name of Object.keys(Counter)) {
    define.counter(
      `undertrace_kernel_${name}_total`,
      `Counter ${name} of the kernel side; bpf/records.toml says what it counts.`,
      [],
      () => sources.kernelCounters()?.[name] ?? 0,
    );
  }
  define.gauge('undertrace_ring_size_bytes', 'Size of the ring buffer.', [], () => sources.ring()?.size);
  define.gauge('undertrace_ring_used_bytes', 'Bytes in the ring buffer now.', [], () => sources.ring()?.used);
  define.gauge(
    'undertrace_ring_high_water_bytes',
    'The most bytes that a drain has found in the ring buffer since the start.',
    [],
    () => sources.ring()?.highWater,
  );
  define.gauge('undertrace_bpf_map_entries', 'Entries of a BPF map.', ['map'], () =>
    sources.maps().map(({ name, entries }) => [{ map: name }, entries]),
  );
  define.gauge('undertrace_bpf_map_max_entries', 'Entries a BPF map may hold.', ['map'], () =>
    sources.maps().map(({ name, maxEntries }) => [{ map: name }, maxEntries]),
  );
  define.gauge(
    'undertrace_bpf_program_attached',
    '1 while a BPF program is attached to its hook, 0 if not: `undertrace doctor` says why, and what is missing without it.',
    ['program'],
    () =>
      sources
        .programs()
        .filter(({ name }) => HOOKED.has(name))
        .map(({ name, attached }) => [{ program: name }, attached ? 1 : 0]),
  );
}

function defineExporters({ counter, gauge }: Definer, { exporters }: SelfSources): void {
  gauge(
    'undertrace_exporter_unreachable',
    '1 while the destination of an exporter does not take spans and they wait, 0 while it does.',
    ['exporter'],
    () => exporters().map(({ id, unreachable }) => [{ exporter: id }, unreachable ? 1 : 0]),
  );
  counter(
    'undertrace_exporter_sent_bytes_total',
    'Bytes of requests that a destination has answered.',
    ['exporter'],
    () => exporters().map(({ id, bytes }) => [{ exporter: id }, bytes]),
  );
}

function defineLinks({ counter, gauge }: Definer, { links, rulesOff }: SelfSources): void {
  counter(
    'undertrace_links_total',
    'Spans with a parent, by how it was found; docs/attributes.md explains the methods.',
    ['service_name', 'method'],
    () =>
      links().flatMap(({ service, byMethod }) =>
        [...byMethod].map(([method, count]): Samples[number] => [{ service_name: service, method }, count]),
      ),
  );
  counter(
    'undertrace_link_candidates_total',
    'Spans whose parent was less sure than receivers.undertrace.link.min_confidence, or held back: it became a span link.',
    ['service_name'],
    () => links().map(({ service, candidates }) => [{ service_name: service }, candidates]),
  );
  counter(
    'undertrace_link_orphans_total',
    'Calls of a process that serves requests, of which it is not known for which of them they were made.',
    ['service_name'],
    () => links().map(({ service, orphans }) => [{ service_name: service }, orphans]),
  );
  gauge('undertrace_link_confidence', 'Mean confidence of the parents found.', ['service_name'], () =>
    links().flatMap(({ service, meanConfidence }): Samples =>
      meanConfidence === undefined ? [] : [[{ service_name: service }, meanConfidence]],
    ),
  );
  gauge(
    'undertrace_link_rule_off',
    'Processes in which a rule that finds parents is switched off because it does not explain their traffic.',
    ['service_name', 'rule'],
    () => rulesOff().map(({ service, rule, processes }) => [{ service_name: service, rule }, processes]),
  );
}

function defineDirectory({ counter }: Definer, { directory }: SelfSources): void {
  const byOperation =
    (read: (figures: DirectoryFigures) => DirectoryFigures['failed']): (() => Samples) =>
    () => {
      const figures = directory();
      if (figures === undefined) return [];
      const { publish, lookUp } = read(figures);
      return [
        [{ operation: 'publish' }, publish],
        [{ operation: 'look_up' }, lookUp],
      ];
    };
  counter(
    'undertrace_directory_published_total',
    'Client spans of which the directory was told, since their server is not on this host.',
    [],
    () => directory()?.published,
  );
  counter(
    'undertrace_directory_looked_up_total',
    'Questions that the directory answered; there are several for a request whose client is not found.',
    [],
    () => directory()?.lookedUp,
  );
  counter(
    'undertrace_directory_found_total',
    'Questions to which the directory knew the client span.',
    [],
    () => directory()?.found,
  );
  counter(
    'undertrace_directory_missed_total',
    'Questions to which it did not: not yet, or the client has no agent.',
    [],
    () => directory()?.missed,
  );
  counter(
    'undertrace_directory_failed_total',
    'Client spans and questions that the directory did not take or answer in time.',
    ['operation'],
    byOperation(({ failed }) => failed),
  );
  counter(
    'undertrace_directory_dropped_total',
    'Client spans and questions that there was no room for while the directory was slow or away.',
    ['operation'],
    byOperation(({ dropped }) => dropped),
  );
}

type CountOf = (counts: PipelineCounts) => number;

/** Work done, and bounds that were reached. */
const COUNTERS: ReadonlyArray<[name: string, help: string, read: CountOf]> = [
  [
    'undertrace_connections_opened_total',
    'Connections the agent began to remember.',
    (counts) => counts.connectionsOpened,
  ],
  [
    'undertrace_connections_evicted_total',
    'Connections forgotten because there were more than receivers.undertrace.limits.connections.',
    (counts) => counts.connectionsEvicted,
  ],
  [
    'undertrace_connections_expired_total',
    'Connections forgotten because nothing was heard of them for receivers.undertrace.idle_timeout.',
    (counts) => counts.connectionsExpired,
  ],
  [
    'undertrace_hops_evicted_total',
    'Requests on the wire forgotten for want of room while one of their ends could still have come: that end does not find the other one.',
    (counts) => counts.hopsEvicted,
  ],
  [
    'undertrace_hop_duplicates_total',
    'Exchanges that had the same place on the wire as another one at the same end; their spans stand alone.',
    (counts) => counts.hopDuplicates,
  ],
  [
    'undertrace_inbound_evicted_total',
    'Requests that a process serves forgotten for want of room while it could still have passed on their trace context or request id: what it sends then finds no parent here.',
    (counts) => counts.inboundEvicted,
  ],
  [
    'undertrace_link_ambiguous_total',
    'Requests with a trace context or request id that several requests served by the same process had: which one is passed on is not guessed.',
    (counts) => counts.matchesAmbiguous,
  ],
  [
    'undertrace_traces_cut_short_total',
    'Traces that were handed over in parts because too much waited; the spans have the same ids as in one.',
    (counts) => counts.tracesCutShort,
  ],
  [
    'undertrace_traces_overdue_total',
    'Traces that were handed over in parts because a request in them lasted longer than receivers.undertrace.trace_wait after another had ended; the spans have the same ids as in one.',
    (counts) => counts.tracesOverdue,
  ],
  [
    'undertrace_processes_evicted_total',
    'Processes forgotten for want of room, those that had ended first.',
    (counts) => counts.processesEvicted,
  ],
  [
    'undertrace_services_guessed_total',
    'Services that were named before everything was known about their process.',
    (counts) => counts.servicesGuessed,
  ],
  [
    'undertrace_route_overflows_total',
    'Requests without http.route because their service has too many routes already.',
    (counts) => counts.routeOverflows,
  ],
  [
    'undertrace_link_conflicts_total',
    'Calls that two rules gave to different requests; neither is believed.',
    (counts) => counts.linkConflicts,
  ],
  [
    'undertrace_link_residual_overflows_total',
    'Calls and requests that were left out of the residual matching because there were too many at once.',
    (counts) => counts.residualOverflows,
  ],
  [
    'undertrace_directory_late_total',
    'Answers of the directory for spans that had left without.',
    (counts) => counts.directoryLate,
  ],
  [
    'undertrace_directory_invalid_total',
    'Answers of the directory that no agent wrote.',
    (counts) => counts.directoryInvalid,
  ],
  [
    'undertrace_directory_overflows_total',
    'Requests to or from other hosts that were not looked after because there were too many at once.',
    (counts) => counts.remoteOverflows,
  ],
];

/** What is remembered, and how often there was no room or no time to remember more. */
function defineBounds({ counter, gauge }: Definer, { connections, counts }: SelfSources): void {
  gauge('undertrace_connections', 'Connections the agent remembers now.', [], () => connections());
  for (const [name, help, read] of COUNTERS) counter(name, help, [], () => read(counts()));
  counter('undertrace_connect_failures_total', 'Connections that could not be made.', ['error'], () =>
    Object.entries(counts().connectFailures).map(([errno, count]) => [
      { error: errnoName(Number(errno)) },
      count,
    ]),
  );
}

function errnoName(errno: number): string {
  return getSystemErrorMap().get(-errno)?.[0] ?? String(errno);
}

function defineState(define: Definer, sources: SelfSources): void {
  const { counter, gauge } = define;
  gauge(
    'undertrace_build_info',
    'Always 1; labels say what runs.',
    ['version', 'backend', 'kernel', 'node'],
    () => [
      [
        {
          version: sources.version,
          backend: sources.backend(),
          kernel: sources.kernel(),
          node: process.versions.node,
        },
        1,
      ],
    ],
  );
  gauge('undertrace_ready', '1 while attached and draining.', [], () => (sources.ready() ? 1 : 0));
  gauge(
    'undertrace_start_time_seconds',
    'Unix time of the start.',
    [],
    () => sources.startedAt.getTime() / 1000,
  );
  gauge(
    'undertrace_config_last_reload_successful',
    '1 if the last reload was used, 0 if it was refused.',
    [],
    () => (sources.reloads().lastSucceeded ? 1 : 0),
  );
  gauge(
    'undertrace_config_last_reload_success_timestamp_seconds',
    'Unix time at which the configuration in force was read.',
    [],
    () => sources.reloads().lastAt.getTime() / 1000,
  );
  counter('undertrace_config_reloads_total', 'Reloads of the configuration.', ['result'], () => {
    const { succeeded, failed } = sources.reloads();
    return [
      [{ result: 'success' }, succeeded],
      [{ result: 'failure' }, failed],
    ];
  });
}

/** The resource as Prometheus has it. */
export function defineTargetInfo({ gauge }: Definer, { resource }: SelfSources): void {
  const attributes = Object.entries(resource).map(([key, value]) => [
    key.replace(/[^a-zA-Z0-9_]/g, '_'),
    value,
  ]);
  const labels = Object.fromEntries(attributes) as Record<string, string>;
  gauge('target_info', 'Resource attributes of the agent.', Object.keys(labels), () => [[labels, 1]]);
}
