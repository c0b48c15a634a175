/** Every key of the configuration with what it may be. What a key is for and its default stand in config/default.yaml. */
import {
  BACKENDS,
  INSTRUMENTED,
  LIMITED_METRICS,
  LOG_ENCODINGS,
  LOG_LEVELS,
  PROBE_NAMES,
  PROTOCOLS,
  QUERY_TEXTS,
  SAMPLERS,
} from '../settings.ts';
import {
  choice,
  duration,
  endpoint,
  flag,
  grpcTarget,
  httpUrl,
  list,
  mapOf,
  nonEmpty,
  number,
  optional,
  redisUrl,
  size,
  string,
  textMap,
  type Format,
  type Schema,
} from './format.ts';
import { parseSizeBytes } from './units.ts';
import { processRules, serviceOverrides, spanRules } from './rules.ts';

const route: Format<string> = {
  allowed: 'a pattern that starts with "/", such as /users/{id}',
  parse: (value) => (typeof value === 'string' && value.startsWith('/') ? value : undefined),
};

/** Credentials must never be kept; the others are read for what they are. */
const NO_REQUEST_IDS = new Set([
  ...['authorization', 'proxy-authorization', 'cookie'],
  ...['host', 'expect', 'upgrade', 'user-agent', 'content-length', 'transfer-encoding'],
  ...['forwarded', 'x-forwarded-for', 'x-forwarded-proto', 'traceparent', 'tracestate'],
  ...['b3', 'x-b3-traceid', 'x-b3-spanid', 'x-b3-parentspanid', 'x-b3-sampled', 'x-b3-flags'],
  ...['uber-trace-id', 'sw8', 'x-amzn-trace-id'],
]);

export const requestIdHeader: Format<string> = {
  allowed: 'a header name of letters, digits, "-" and "_", up to 64, that is not used for something else',
  parse(value) {
    const name = typeof value === 'string' ? value.toLowerCase() : '';
    return /^[a-z0-9][a-z0-9_-]{0,63}$/.test(name) && !NO_REQUEST_IDS.has(name) ? name : undefined;
  },
};

const absolutePath: Format<string> = {
  allowed: 'an absolute path',
  parse: (value) => (typeof value === 'string' && value.startsWith('/') ? value : undefined),
};

const limits = mapOf(
  ['default', ...LIMITED_METRICS],
  number(1, 1_000_000),
  'metric, or `default`, to number of series',
);
/** As in config/default.yaml: a map that names single metrics leaves the others this. */
const SERIES = 2000;
const seriesLimits: Format<Record<string, number> & { default: number }> = {
  allowed: limits.allowed,
  parse(value, report) {
    const given = limits.parse(value, report);
    return given && { default: SERIES, ...given };
  },
};

export const RECEIVER = {
  backend: choice(BACKENDS),
  ring_size: size('64KiB', '1GiB', true),
  drain_interval: duration('1ms', '1s'),
  payload_limit: size('256', '8KiB'),
  scan: flag,
  trace_wait: duration('0', '1m'),
  idle_timeout: duration('1s', '24h'),
  shutdown_timeout: duration('0', '5m'),
  filters: { include: processRules, exclude: processRules, drop_spans: spanRules },
  services: serviceOverrides,
  http: { routes: list(route, 'patterns'), exchange_timeout: duration('100ms', '24h') },
  link: {
    min_confidence: number(0, 1, false),
    turns: flag,
    completions: flag,
    request_id_headers: list(requestIdHeader, 'header names'),
    instrumented: choice(INSTRUMENTED),
    directory: optional(redisUrl),
    directory_ttl: duration('5s', '1m'),
  },
  protocols: { off: list(choice(PROTOCOLS), 'names of protocols') },
  redact: {
    query_keys: list(nonEmpty, 'names of query parameters'),
    query_text: choice(QUERY_TEXTS),
  },
  limits: {
    connections: number(16, 1_000_000),
    connection_buffer: size('4KiB', '16MiB'),
    query_text: number(16, 65_536),
    attribute_length: number(0, 1_000_000),
    cpu: number(0.02, 1024, false),
    memory: size('64MiB', '1TiB'),
  },
  metrics: {
    requests: flag,
    series_limits: seriesLimits,
    series_idle: duration('1m', '24h'),
    server_addresses: flag,
    push_interval: duration('1s', '1h'),
  },
  host: { root_path: absolutePath, off: list(choice(PROBE_NAMES), 'names of probes') },
  sampler: { name: choice(SAMPLERS), ratio: number(0, 1, false) },
};

const queueSize: Format<number> = {
  allowed: 'a number, or a size such as 64MiB where sizer is bytes',
  parse(value) {
    const n = parseSizeBytes(value);
    return n !== undefined && n > 0 ? n : undefined;
  },
};

const QUEUE = {
  timeout: duration('0', '1h'),
  retry_on_failure: {
    enabled: flag,
    initial_interval: duration('1ms', '1h'),
    randomization_factor: number(0, 1, false),
    multiplier: number(1, 100, false),
    max_interval: duration('1ms', '24h'),
    max_elapsed_time: duration('0', '240h'),
  },
  sending_queue: {
    enabled: flag,
    num_consumers: number(1, 1000),
    queue_size: queueSize,
    sizer: choice(['bytes', 'items', 'requests']),
    batch: {
      flush_timeout: duration('1ms', '1m'),
      min_size: number(1, 1_000_000),
      max_size: number(1, 1_000_000),
    },
  },
};

const TLS = {
  insecure: flag,
  insecure_skip_verify: flag,
  ca_file: optional(nonEmpty),
  cert_file: optional(nonEmpty),
  key_file: optional(nonEmpty),
  server_name_override: optional(nonEmpty),
};

const HEADERS = textMap('header to value', true);

/** By component type. */
export const EXPORTERS = {
  otlp_http: {
    endpoint: httpUrl,
    traces_endpoint: optional(httpUrl),
    metrics_endpoint: optional(httpUrl),
    encoding: choice(['proto', 'json']),
    compression: choice(['gzip', 'none']),
    headers: HEADERS,
    tls: TLS,
    ...QUEUE,
  },
  otlp_grpc: {
    endpoint: grpcTarget,
    compression: choice(['gzip', 'none']),
    headers: HEADERS,
    tls: TLS,
    ...QUEUE,
  },
  file: {
    path: nonEmpty,
    append: flag,
    rotation: { enabled: flag, max_megabytes: number(1, 1_000_000), max_backups: number(0, 1_000_000) },
  },
  debug: { verbosity: choice(['basic', 'normal', 'detailed']) },
  nop: {},
  prometheus: { endpoint },
} satisfies Record<string, Schema>;

export const EXTENSIONS = {
  health_check: { endpoint, path: route },
} satisfies Record<string, Schema>;

export const TELEMETRY = {
  logs: { level: choice(LOG_LEVELS), encoding: choice(LOG_ENCODINGS) },
  metrics: { level: choice(['none', 'basic', 'normal', 'detailed']) },
  resource: textMap('resource attribute to value'),
};

export const ids = list(nonEmpty, 'component ids');
export const text = string;
