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

/** Which processes and connections a filter rule is about: every key that is given must fit. Globs: `*` any run of characters, `?` one. */
export interface ProcessRule {
  pid?: number;
  /** With `pid`: its descendants, too. Default false. */
  children?: boolean;
  /** Command name, a glob. */
  command?: string;
  /** Path of the executable, a glob; without `/` the file's name alone. */
  executable?: string;
  /** Path of the cgroup, a glob. */
  cgroup?: string;
  /** Container id or its beginning, a glob. */
  container_id?: string;
  /** Inode of the network namespace, as in `readlink /proc/PID/ns/net`. */
  network_namespace?: number;
  /** The port that the serving end listens on. */
  port?: number;
}

/** Which spans a rule drops: every key that is given must fit. */
export interface SpanRule {
  /** Globs on http.route, and on the path as it was sent, without the query. */
  route?: string;
  path?: string;
  method?: string;
  /** A glob. */
  user_agent?: string;
  /** `404`, or a class: `4xx`. */
  status?: string;
  /** A glob on service.name. */
  service?: string;
}

export interface FilterSettings {
  /** Empty: everything is in scope. Else only what fits one of the rules. */
  include: readonly ProcessRule[];
  /** Wins over `include`. */
  exclude: readonly ProcessRule[];
  drop_spans: readonly SpanRule[];
}

/** A service name for processes that fit all the globs that are given; the first that fits wins. */
export interface ServiceOverride {
  name: string;
  /** As in ProcessRule. */
  executable?: string;
  /** Command line, arguments joined by blanks. */
  command?: string;
  cgroup?: string;
  container_id?: string;
  user?: string;
}

/** Names of OTEL_TRACES_SAMPLER. */
export const SAMPLERS = [
  'always_on',
  'always_off',
  'traceidratio',
  'parentbased_always_on',
  'parentbased_always_off',
  'parentbased_traceidratio',
] as const;
export type SamplerName = (typeof SAMPLERS)[number];

export const BACKENDS = ['auto', 'syscalls'] as const;

/** Names of the protocols, as decoders, configuration and attributes have them. */
export const PROTOCOLS = [
  'http',
  'http2',
  'websocket',
  'fastcgi',
  'redis',
  'memcached',
  'postgresql',
  'mysql',
  'mongodb',
  'cassandra',
  'dns',
  'kafka',
  'rocketmq',
  'mqtt',
  'amqp',
  'nats',
  'dubbo',
  'thrift',
  'tls',
  'proxy',
] as const;
export type ProtocolName = (typeof PROTOCOLS)[number];

/** What `db.query.text` says: nothing; the text with `?` for literals; the text as it was sent. */
export const QUERY_TEXTS = ['off', 'sanitized', 'full'] as const;

/** What becomes of the spans of processes that export spans of their own. */
export const INSTRUMENTED = ['suppress', 'nest'] as const;

/** A Redis or Valkey. */
export interface DirectorySettings {
  host: string;
  port: number;
  tls: boolean;
  username: string | undefined;
  password: string | undefined;
  database: number;
  /** How long an entry lives. */
  ttlMs: number;
}

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
  link: {
    /** 0 to 1. */
    minConfidence: number;
    /** Watch the turns of event loops. */
    turns: boolean;
    /** Watch whom the threads of a pool wake. */
    completions: boolean;
    /** Names of headers, in lower case. */
    requestIdHeaders: readonly string[];
    instrumented: (typeof INSTRUMENTED)[number];
    /** Where agents of several hosts find each other's spans; undefined: nowhere. */
    directory: DirectorySettings | undefined;
  };
  /** Protocols that are not decoded. */
  protocolsOff: readonly ProtocolName[];
  redact: { queryKeys: readonly string[]; queryText: (typeof QUERY_TEXTS)[number] };
  limits: {
    connections: number;
    connectionBufferBytes: number;
    /** Characters of `db.query.text`. */
    queryText: number;
    /** Characters of an attribute's value; undefined: no limit. */
    attributeLength: number | undefined;
    /** What the agent may take: of one core, its eBPF programs included; bytes of resident memory. */
    cpu: number;
    memoryBytes: number;
  };
  metrics: MetricsSettings;
  host: HostSettings;
  sampler: { name: SamplerName; ratio: number };
}

/** Names of the probes of the host, as configuration, metrics and `doctor` have them. */
export const PROBE_NAMES = [
  'cpu',
  'load',
  'pressure',
  'memory',
  'paging',
  'disk',
  'filesystem',
  'network',
  'connections',
  'transport',
  'process',
  'container',
  'run_queue',
  'disk_requests',
  'tcp',
  'reclaim',
  'oom',
] as const;
export type ProbeName = (typeof PROBE_NAMES)[number];

/** What is read of the host itself. */
export interface HostSettings {
  /** Below which the host's /proc and /sys are. */
  rootPath: string;
  /** Probes that are not read. */
  off: readonly ProbeName[];
}

/** Metrics of requests whose series are limited; what else is measured of the same requests has as many. */
export const LIMITED_METRICS = [
  'rpc.server.call.duration',
  'rpc.client.call.duration',
  'db.client.operation.duration',
  'messaging.client.operation.duration',
  'http.server.request.duration',
  'http.client.request.duration',
  'dns.lookup.duration',
  'traces.span.metrics.calls',
  'traces_service_graph_request_total',
] as const;

/** What is measured beside spans. */
export interface MetricsSettings {
  /** Rate, errors and duration of requests, span metrics, the service graph. */
  requests: boolean;
  /** Most series of a metric, by its OpenTelemetry name; of those that are not named `default`. */
  seriesLimits: Readonly<Partial<Record<string, number>>> & { readonly default: number };
  /** A series to which nothing happens for so long is forgotten. */
  idleMs: number;
  /** Addresses of servers are attributes, too. */
  serverAddresses: boolean;
  /** How often they are sent to the exporters of the metrics pipeline. */
  pushIntervalMs: number;
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
  /** Of the metrics pipeline: those that metrics are pushed to. */
  metricExporters: readonly ExporterSection[];
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
