/**
 * Every exporter that is built in, by component type. A new one: its file, and an entry here.
 *
 * Each is loaded when it is first used: the libraries behind gRPC and JSON alone keep 25 MB of memory busy.
 */
import type { Ledger } from '../../base/ledger.ts';
import type { ExporterSection } from '../../base/settings.ts';
import type { Exporter, Timers } from '../exporter.ts';
import type { MetricsExporter } from '../metrics-push.ts';
import { completeQueueSettings, DEFAULT_QUEUE_SETTINGS, type QueueSettings } from '../queue-options.ts';
import { ExporterQueue } from '../queue.ts';
import type { FileSettings } from './file.ts';
import type { QueueLog } from '../queue-stats.ts';

/** An exporter's section of the configuration: the Collector's keys, durations in milliseconds, `queue_size` a number. */
export type ExporterSettings = Readonly<Record<string, unknown>>;

export interface ExporterType {
  readonly type: string;
  /** Older names that the Collector still takes. */
  readonly aliases: readonly string[];
  readonly summary: string;
  readonly queueDefaults: QueueSettings;
  /** Rejects with a UserError where the settings cannot work. */
  create(id: string, settings: ExporterSettings): Promise<Exporter>;
  /** Of those that take metrics, too; rejects as `create`. */
  createMetrics?(id: string, settings: ExporterSettings): Promise<MetricsExporter>;
}

export const EXPORTER_TYPES: readonly ExporterType[] = [
  {
    type: 'otlp_http',
    aliases: ['otlphttp'],
    summary: 'OTLP over HTTP, protobuf or JSON',
    queueDefaults: DEFAULT_QUEUE_SETTINGS,
    create: async (id, settings) => (await import('./otlp-http.ts')).createOtlpHttpExporter(id, settings),
    createMetrics: async (id, settings) =>
      (await import('./otlp-http.ts')).createOtlpHttpMetrics(id, settings),
  },
  {
    type: 'otlp_grpc',
    aliases: ['otlp'],
    summary: 'OTLP over gRPC',
    queueDefaults: DEFAULT_QUEUE_SETTINGS,
    create: async (id, settings) => (await import('./otlp-grpc.ts')).createOtlpGrpcExporter(id, settings),
    createMetrics: async (id, settings) =>
      (await import('./otlp-grpc.ts')).createOtlpGrpcMetrics(id, settings),
  },
  {
    type: 'file',
    aliases: [],
    summary: 'OTLP/JSON in a file, a request a line',
    // A disk that is slow is waited for: a request that was given up half-way could stand in the file twice.
    queueDefaults: completeQueueSettings({ timeout: 0 }),
    create: async (id, settings) =>
      (await import('./file.ts')).createFileExporter(id, settings as unknown as FileSettings),
  },
  {
    type: 'debug',
    aliases: [],
    summary: 'finished traces as a tree on the terminal',
    // Small and quick: a person reads it, and what a stopped terminal does not take is of no use later.
    queueDefaults: completeQueueSettings({
      timeout: 0,
      sending_queue: {
        queue_size: 4 * 1024 * 1024,
        batch: { flush_timeout: 50, min_size: 64, max_size: 256 },
      },
      retry_on_failure: { enabled: false },
    }),
    create: async (id, settings) => (await import('./debug.ts')).createDebugExporter(id, settings),
  },
  {
    type: 'nop',
    aliases: [],
    summary: 'counts and throws away; for benchmarks',
    queueDefaults: DEFAULT_QUEUE_SETTINGS,
    create: async (id, settings) => (await import('./null.ts')).createNullExporter(id, settings),
  },
];

/** The type of a component id such as `otlp_http/backup`, undefined where none is built in. */
export function findExporterType(id: string): ExporterType | undefined {
  const name = id.split('/', 1)[0]!;
  return EXPORTER_TYPES.find((known) => known.type === name || known.aliases.includes(name));
}

/** Those of `sections` that take metrics, opened. Rejects with a UserError where the settings cannot work. */
export async function openMetricsExporters(sections: readonly ExporterSection[]): Promise<MetricsExporter[]> {
  const exporters: MetricsExporter[] = [];
  for (const { id, type, settings } of sections) {
    const exporter = await findExporterType(type)?.createMetrics?.(id, settings);
    if (exporter !== undefined) exporters.push(exporter);
  }
  return exporters;
}

/** The exporter `id` of `type` with its queue, on the ledger's books. Rejects with a UserError where the settings cannot work. */
export async function createExporterQueue(
  type: ExporterType,
  id: string,
  settings: ExporterSettings,
  options: { ledger: Ledger; log?: QueueLog; timers?: Timers },
): Promise<ExporterQueue> {
  return new ExporterQueue({
    ...options,
    exporter: await type.create(id, settings),
    settings: completeQueueSettings(settings, type.queueDefaults),
  });
}
