/**
 * The effective configuration as plain data. Durations and sizes carry their unit in the name. `src/config.ts` makes it; stages get the part that
 * concerns them and never see where a value came from.
 */

/** Where a value came from, for print-config and error messages. */
export interface Origin {
  kind: 'default' | 'environment' | 'file' | 'flag';
  /** `default`, `environment OTEL_…`, `agent.yaml:12`, `--set`. */
  text: string;
}

/** One effective value. `value` of a secret is masked. */
export interface EffectiveValue {
  path: readonly string[];
  value: unknown;
  origin: Origin;
}

/** Inclusive. */
export interface NumberRange {
  from: number;
  to: number;
}

/**
 * Which processes and connections a filter rule is about. Every key that is given must match; a key with several values matches if one of them
 * does. Globs: `*` stands for any run of characters, `?` for one.
 */
export interface ProcessRule {
  /** What `why` and `status` call the rule. */
  name: string;
  pid?: readonly number[];
  /** `pid` and the other process keys also cover all descendants. */
  children: boolean;
  /** Globs on the command name (15 characters at most, as in /proc/PID/comm). */
  comm?: readonly string[];
  /** Globs on the path of the executable. */
  exe?: readonly string[];
  /** Globs on the path of the cgroup. */
  cgroup?: readonly string[];
  /** Globs on the container's id; an id may be cut after 12 characters, as Docker shows it. */
  container?: readonly string[];
  /** Inodes of network namespaces, as in `readlink /proc/PID/ns/net`. */
  netns?: readonly number[];
  /** Server's port of a connection. */
  port?: readonly NumberRange[];
}

/** Which spans a rule drops. Matching as in ProcessRule. */
export interface SpanRule {
  name: string;
  /** Globs on service.name. */
  service?: readonly string[];
  /** Globs on http.route. */
  route?: readonly string[];
  /** Globs on the path as it was sent, without the query. */
  path?: readonly string[];
  /** Method, in any case. */
  method?: readonly string[];
  /** Globs on the User-Agent header, in any case. */
  userAgent?: readonly string[];
  /** Status codes of the response. */
  status?: readonly NumberRange[];
}

export interface FilterSettings {
  /** Empty: everything is in scope. Else only what one of the rules matches. */
  include: readonly ProcessRule[];
  /** Wins over `include`. */
  exclude: readonly ProcessRule[];
  spans: readonly SpanRule[];
}

/** `match` is a glob on the service name that was found, on the command name and on the path of the executable. First match wins. */
export interface ServiceOverride {
  match: string;
  name: string;
}

export const BACKENDS = ['auto', 'syscalls'] as const;

export interface ReceiverSettings {
  backend: (typeof BACKENDS)[number];
  ringBytes: number;
  drainIntervalMs: number;
  payloadBytes: number;
  /** Look for sockets and processes that are older than the agent. */
  scan: boolean;
  traceWaitMs: number;
  idleTimeoutMs: number;
  shutdownTimeoutMs: number;
  filters: FilterSettings;
  services: readonly ServiceOverride[];
  http: { routes: readonly string[]; exchangeTimeoutMs: number };
  redact: { queryKeys: readonly string[] };
  limits: {
    connections: number;
    connectionBufferBytes: number;
    /** Characters of an attribute's value; undefined: no limit. */
    attributeLength: number | undefined;
  };
  sampler: { name: string; ratio: number };
}

/** An exporter of the traces pipeline. `settings` are the Collector's keys with durations in milliseconds and sizes as numbers. */
export interface ExporterSection {
  /** `type` or `type/name` as it was written. */
  id: string;
  /** Never an alias. */
  type: string;
  settings: Readonly<Record<string, unknown>>;
}

export interface Endpoint {
  /** `localhost` stands for both loopback addresses. */
  host: string;
  port: number;
}

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];
export const LOG_ENCODINGS = ['console', 'json'] as const;

export interface TelemetrySettings {
  logs: { level: LogLevel; encoding: (typeof LOG_ENCODINGS)[number] };
  /** `none`: /metrics says nothing about the agent itself. */
  metrics: { level: 'none' | 'basic' | 'normal' | 'detailed' };
  /** The agent's own resource: service.name and what OTEL_RESOURCE_ATTRIBUTES and service.telemetry.resource add. */
  resource: Readonly<Record<string, string>>;
}

export interface Settings {
  receiver: ReceiverSettings;
  /** Of the traces pipeline; empty where OTEL_TRACES_EXPORTER is `none`. */
  exporters: readonly ExporterSection[];
  /** /metrics, /healthz, /readyz, /status, /why, /loglevel; undefined: no listener. */
  listener: Endpoint | undefined;
  healthCheck: (Endpoint & { path: string }) | undefined;
  telemetry: TelemetrySettings;
  /** OTEL_SDK_DISABLED: nothing is traced. */
  disabled: boolean;
  /** What a user should know about the configuration, one line each. */
  warnings: readonly string[];
  /** Every effective value in the order of config/default.yaml, for print-config. */
  effective: readonly EffectiveValue[];
}
