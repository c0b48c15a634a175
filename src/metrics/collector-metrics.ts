import type { Definer, Samples } from './pull.ts';
import type { ExporterFigures, PushFigures, SelfSources } from './self-sources.ts';

const RECEIVER = { receiver: 'undertrace', transport: 'ebpf' };

/**
 * The Collector's internal metrics under the Collector's own names and labels, so that dashboards and alerts made for it work.
 *
 * accepted: spans made · refused: spans no exporter takes · failed: exchanges that were given up before they could become a span.
 */
export function defineCollectorMetrics(define: Definer, sources: SelfSources): void {
  const { ledger } = sources;
  const receiver = (name: string, help: string, read: () => number): void =>
    define.bareCounter(`otelcol_receiver_${name}_spans`, help, Object.keys(RECEIVER), () => [
      [RECEIVER, read()],
    ]);
  receiver('accepted', 'Number of spans successfully pushed into the pipeline.', () => ledger.spans.in);
  receiver(
    'refused',
    'Number of spans that could not be pushed into the pipeline.',
    () => ledger.spans.lost.no_exporter,
  );
  receiver(
    'failed',
    'Number of spans that failed to be processed by the receiver.',
    () => ledger.exchanges.lost.evicted,
  );

  const byExporter = (read: (stats: ExporterFigures) => number): (() => Samples) => {
    return () => sources.exporters().map((stats) => [{ exporter: stats.id }, read(stats)]);
  };
  const exporter = (name: string, help: string, read: (stats: ExporterFigures) => number): void =>
    define.bareCounter(`otelcol_exporter_${name}_spans`, help, ['exporter'], byExporter(read));
  exporter('sent', 'Number of spans successfully sent to destination.', ({ sent }) => sent);
  exporter(
    'send_failed',
    'Number of spans in failed attempts to send to destination.',
    ({ sendFailed }) => sendFailed,
  );
  exporter(
    'enqueue_failed',
    'Number of spans failed to be added to the sending queue.',
    ({ enqueueFailed }) => enqueueFailed,
  );

  definePushes(define, sources);
  const gauge = (name: string, help: string, read: (stats: ExporterFigures) => number): void =>
    define.gauge(`otelcol_exporter_${name}`, help, ['data_type', 'exporter'], () =>
      sources.exporters().map((stats) => [{ data_type: 'traces', exporter: stats.id }, read(stats)]),
    );
  gauge(
    'queue_size',
    'Current size of the sending queue, in units of its sizer.',
    ({ queueSize }) => queueSize,
  );
  gauge(
    'queue_capacity',
    'Fixed capacity of the sending queue, in units of its sizer.',
    ({ queueCapacity }) => queueCapacity,
  );
  gauge(
    'in_flight_requests',
    'Number of requests that are being sent.',
    ({ requestsInFlight }) => requestsInFlight,
  );

  const { bareCounter } = define;
  bareCounter('otelcol_process_uptime', 'Uptime of the process in seconds.', [], () => uptimeOf(sources));
  bareCounter('otelcol_process_cpu_seconds', 'Total CPU user and system time in seconds.', [], () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
  });
  define.gauge('otelcol_process_memory_rss', 'Total physical memory (resident set size) in bytes.', [], () =>
    process.memoryUsage.rss(),
  );
  define.gauge(
    'otelcol_process_runtime_heap_alloc_bytes',
    'Bytes of allocated heap objects.',
    [],
    () => process.memoryUsage().heapUsed,
  );
}

function uptimeOf({ startedAt }: SelfSources): number {
  return (Date.now() - startedAt.getTime()) / 1000;
}

/** Of exporters that metrics are pushed to. */
function definePushes(define: Definer, sources: SelfSources): void {
  const byPush = (name: string, help: string, read: (figures: PushFigures) => number): void =>
    define.bareCounter(`otelcol_exporter_${name}_metric_points`, help, ['exporter'], () =>
      sources.pushes().map((figures) => [{ exporter: figures.id }, read(figures)]),
    );
  byPush('sent', 'Number of metric points successfully sent to destination.', ({ sentPoints }) => sentPoints);
  byPush(
    'send_failed',
    'Number of metric points in failed attempts to send to destination.',
    ({ failedPoints }) => failedPoints,
  );
}
