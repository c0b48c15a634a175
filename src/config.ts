/** Assembles the effective configuration; what may be written is in base/config/schema.ts, the defaults are config/default.yaml. */
import { fileURLToPath } from 'node:url';
import { messageOf, UserError } from './base/errors.ts';
import { loadConfig, type LoadedConfig } from './base/config/load.ts';
import { VERSION } from './base/version.ts';
import type { EffectiveValue, ExporterSection, ReceiverSettings, Settings } from './base/settings.ts';

/** config/default.yaml, next to src/ and dist/. */
export const DEFAULTS_PATH = fileURLToPath(new URL('../config/default.yaml', import.meta.url));

export interface SettingsOptions {
  /** Arguments of `--config`: paths, `file:path`, `env:NAME`, `yaml:text`; later ones win. */
  configs?: readonly string[];
  /** Arguments of `--set`: `a.b.c=value`. */
  sets?: readonly string[];
  env?: Readonly<Record<string, string | undefined>>;
  /** Standard output is a terminal. */
  isTty?: boolean;
}

/** Throws a UserError that lists everything that is wrong. */
export function loadSettings(options: SettingsOptions = {}): Settings {
  const loaded = loadConfig({
    defaultsPath: DEFAULTS_PATH,
    configs: options.configs ?? [],
    sets: options.sets ?? [],
    env: options.env ?? process.env,
    isTty: options.isTty ?? process.stdout.isTTY === true,
  });
  const { healthCheck } = loaded;
  return {
    receiver: receiverOf(loaded.receiver),
    exporters: loaded.exporters.map(exporterOf),
    metricExporters: loaded.metricExporters.map(exporterOf),
    listener: loaded.listener?.endpoint,
    healthCheck: healthCheck && { ...healthCheck.endpoint, path: healthCheck.path },
    telemetry: {
      ...loaded.telemetry,
      resource: { 'service.name': 'undertrace', 'service.version': VERSION, ...loaded.telemetry.resource },
    },
    disabled: loaded.disabled,
    warnings: [...new Set(loaded.warnings)],
    effective: loaded.effective,
  };
}

function receiverOf(values: LoadedConfig['receiver']): ReceiverSettings {
  const { limits, metrics } = values;
  return {
    backend: values.backend,
    ringBytes: values.ring_size,
    drainIntervalMs: values.drain_interval,
    payloadBytes: values.payload_limit,
    scan: values.scan,
    traceWaitMs: values.trace_wait,
    idleTimeoutMs: values.idle_timeout,
    shutdownTimeoutMs: values.shutdown_timeout,
    filters: values.filters,
    services: values.services,
    http: { routes: values.http.routes, exchangeTimeoutMs: values.http.exchange_timeout },
    link: {
      minConfidence: values.link.min_confidence,
      turns: values.link.turns,
      completions: values.link.completions,
      requestIdHeaders: values.link.request_id_headers,
      instrumented: values.link.instrumented,
      directory: values.link.directory && { ...values.link.directory, ttlMs: values.link.directory_ttl },
    },
    protocolsOff: values.protocols.off,
    redact: { queryKeys: values.redact.query_keys, queryText: values.redact.query_text },
    limits: {
      connections: limits.connections,
      connectionBufferBytes: limits.connection_buffer,
      queryText: limits.query_text,
      attributeLength: limits.attribute_length || undefined,
      cpu: limits.cpu,
      memoryBytes: limits.memory,
    },
    metrics: {
      requests: metrics.requests,
      seriesLimits: metrics.series_limits,
      idleMs: metrics.series_idle,
      serverAddresses: metrics.server_addresses,
      pushIntervalMs: metrics.push_interval,
    },
    host: { rootPath: values.host.root_path, off: values.host.off },
    sampler: values.sampler,
  };
}

/** `rotation.enabled` and keys without a value are forms of the file; an exporter knows a thing or does not. */
function exporterOf({ id, type, values }: LoadedConfig['exporters'][number]): ExporterSection {
  const { rotation, ...rest } = withoutUndefined(values) as { rotation?: Record<string, unknown> };
  if (!rotation?.enabled) return { id, type, settings: rest };
  const { max_megabytes, max_backups } = rotation;
  return { id, type, settings: { ...rest, rotation: { max_megabytes, max_backups } } };
}

function withoutUndefined(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, inner]) =>
      inner === undefined ? [] : [[key, withoutUndefined(inner)]],
    ),
  );
}

export type ReloadOutcome =
  | {
      ok: true;
      settings: Settings;
      /** Keys that changed and are in force at once, and those that wait for the next start. */
      applied: string[];
      needRestart: string[];
    }
  | { ok: false; error: string };

/** What SIGHUP changes in a running agent; the rest waits for the next start. */
const RELOADABLE = [
  'receivers.undertrace.filters',
  'receivers.undertrace.services',
  'receivers.undertrace.http.routes',
  'receivers.undertrace.link.instrumented',
  'receivers.undertrace.limits.cpu',
  'receivers.undertrace.limits.memory',
  'receivers.undertrace.sampler',
  'service.telemetry.logs.level',
];

/** Reads the same sources again. With a problem nothing changes, and `error` says what it is. */
export function reload(current: Settings, options: SettingsOptions): ReloadOutcome {
  try {
    const settings = loadSettings(options);
    const changed = [
      ...changedKeys(current.effective, settings.effective),
      ...changedSecrets(current, settings),
    ];
    const now = (key: string): boolean =>
      RELOADABLE.some((known) => key === known || key.startsWith(`${known}.`));
    return {
      ok: true,
      settings,
      applied: changed.filter(now),
      needRestart: changed.filter((key) => !now(key)),
    };
  } catch (error) {
    if (error instanceof UserError) return { ok: false, error: messageOf(error) };
    throw error;
  }
}

/** Headers and the directory are masked among the effective values, so a new password is looked for here. */
function changedSecrets(before: Settings, after: Settings): string[] {
  const [old, now] = [before, after].map(({ receiver }) => JSON.stringify(receiver.link.directory));
  const headers = new Map(before.exporters.map(({ id, settings }) => [id, JSON.stringify(settings.headers)]));
  const exporters = after.exporters
    .filter(({ id, settings }) => headers.has(id) && headers.get(id) !== JSON.stringify(settings.headers))
    .map(({ id }) => `exporters.${id}.headers`);
  return old === now ? exporters : ['receivers.undertrace.link.directory', ...exporters];
}

function changedKeys(before: readonly EffectiveValue[], after: readonly EffectiveValue[]): string[] {
  const texts = (values: readonly EffectiveValue[]): Map<string, string> =>
    new Map(values.map(({ path, value }) => [path.join('.'), JSON.stringify(value)]));
  const [old, now] = [texts(before), texts(after)];
  return [...new Set([...old.keys(), ...now.keys()])].filter((key) => old.get(key) !== now.get(key));
}
