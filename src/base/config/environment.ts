/**
 * `OTEL_*` as the specification has it (opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables): empty is unset, only
 * `true` is true, a bad value is warned about and ignored.
 */
import { SAMPLERS, type Origin } from '../settings.ts';
import type { Format } from './format.ts';
import { EXPORTERS } from './schema.ts';
import { mapNode, merge, nest, type Node } from './tree.ts';

type Env = Readonly<Record<string, string | undefined>>;

export interface EnvironmentSettings {
  tree: Node;
  /** Exporters that OTEL_TRACES_EXPORTER names, in our ids; undefined: not set. */
  exporters: string[] | undefined;
  /** The same of OTEL_METRICS_EXPORTER. */
  metricExporters: string[] | undefined;
  /** The OTLP exporter the environment is about, and whether it says where to send to. */
  otlp: { id: 'otlp_http' | 'otlp_grpc'; asked: boolean; names: string[] };
  disabled: boolean;
  /** The agent's own resource. */
  resource: Record<string, string>;
}

const RECEIVER = ['receivers', 'undertrace'];

export function readEnvironment(env: Env, warnings: string[]): EnvironmentSettings {
  const reading = new EnvironmentReading(env, warnings);
  const otlp = readOtlp(reading);
  readBatching(reading, ['exporters', otlp.id]);
  readSampler(reading);
  readRest(reading);
  readMetrics(reading, otlp.id);
  if (reading.text('OTEL_CONFIG_FILE')) {
    warnings.push(
      'OTEL_CONFIG_FILE is not read: pass the configuration with --config, in the shape of config/default.yaml',
    );
  }
  return {
    tree: reading.tree,
    exporters: readExporters(reading, 'OTEL_TRACES_EXPORTER', { otlp: otlp.id, console: 'debug' }),
    metricExporters: readExporters(reading, 'OTEL_METRICS_EXPORTER', {
      otlp: otlp.id,
      prometheus: 'prometheus',
    }),
    otlp,
    disabled: reading.text('OTEL_SDK_DISABLED')?.toLowerCase() === 'true',
    resource: readResource(reading),
  };
}

class EnvironmentReading {
  readonly #env: Env;
  readonly warnings: string[];
  tree: Node = mapNode({ kind: 'environment', text: 'environment' });

  constructor(env: Env, warnings: string[]) {
    this.#env = env;
    this.warnings = warnings;
  }

  text(name: string): string | undefined {
    return this.#env[name]?.trim() || undefined;
  }

  /** The first of `names` that is set. */
  first(...names: string[]): { name: string; text: string } | undefined {
    for (const name of names) {
      const text = this.text(name);
      if (text !== undefined) return { name, text };
    }
    return undefined;
  }

  ignore(name: string, allowed: string): void {
    this.warnings.push(`${name} is ignored: its value is not ${allowed}`);
  }

  /** A whole number of at least `least`; a bad one is ignored. */
  whole(name: string, least: number): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const value = Number(text);
    if (/^\d+$/.test(text) && Number.isSafeInteger(value) && value >= least) return value;
    this.ignore(name, `a whole number from ${least} up`);
    return undefined;
  }

  set(path: readonly string[], value: unknown, name: string): void {
    const origin: Origin = { kind: 'environment', text: `environment ${name}` };
    this.tree = merge(this.tree, nest(path, { kind: 'leaf', value, origin }));
  }

  /** Sets `path` where the value is one that the format takes; says whether it did. */
  setIf(
    path: readonly string[],
    given: { name: string; text: string } | undefined,
    format: Format<unknown>,
  ): boolean {
    if (!given) return false;
    const fits = format.parse(given.text, () => undefined) !== undefined;
    if (fits) this.set(path, given.text, given.name);
    else this.ignore(given.name, format.allowed);
    return fits;
  }
}

type Given = { name: string; text: string } | undefined;

const TRACES = 'OTEL_EXPORTER_OTLP_TRACES_';
const ANY = 'OTEL_EXPORTER_OTLP_';
const PROTOCOLS = ['grpc', 'http/protobuf', 'http/json'];

function readOtlp(reading: EnvironmentReading): EnvironmentSettings['otlp'] {
  const names: string[] = [];
  const of = (suffix: string): Given => {
    const given = reading.first(TRACES + suffix, ANY + suffix);
    if (given) names.push(given.name);
    return given;
  };
  const protocol = of('PROTOCOL');
  const known = PROTOCOLS.find((name) => name === protocol?.text);
  if (protocol && !known) reading.ignore(protocol.name, `one of ${PROTOCOLS.join(', ')}`);
  const id = known === 'grpc' ? 'otlp_grpc' : 'otlp_http';
  const at = ['exporters', id];
  if (known === 'http/json') reading.set([...at, 'encoding'], 'json', protocol!.name);
  const asked = readEndpoints(reading, id, at);
  of('ENDPOINT');

  const headers = of('HEADERS');
  for (const [key, value] of headers ? pairs(reading, headers) : []) {
    reading.set([...at, 'headers', key], value, headers!.name);
  }
  reading.setIf([...at, 'compression'], of('COMPRESSION'), EXPORTERS.otlp_http.compression);
  const timeout = of('TIMEOUT');
  const timeoutMs = timeout && reading.whole(timeout.name, 0);
  if (timeoutMs !== undefined) reading.set([...at, 'timeout'], `${timeoutMs}ms`, timeout!.name);
  for (const [suffix, key] of TLS_FILES) {
    const file = of(suffix);
    if (file) reading.set([...at, 'tls', key], file.text, file.name);
  }
  const insecure = of('INSECURE');
  if (insecure) {
    reading.set([...at, 'tls', 'insecure'], insecure.text.toLowerCase() === 'true', insecure.name);
  }
  return { id, asked, names };
}

/** Whether an endpoint was given that can be used. For HTTP the one for traces is used as it is, the general one gets /v1/traces appended. */
function readEndpoints(reading: EnvironmentReading, id: 'otlp_http' | 'otlp_grpc', at: string[]): boolean {
  const base = reading.first(`${ANY}ENDPOINT`);
  const traces = reading.first(`${TRACES}ENDPOINT`);
  const { endpoint } = EXPORTERS[id];
  if (id === 'otlp_grpc') return reading.setIf([...at, 'endpoint'], traces ?? base, endpoint);
  const general = reading.setIf([...at, 'endpoint'], base, endpoint);
  return reading.setIf([...at, 'traces_endpoint'], traces, endpoint) || general;
}

const TLS_FILES = [
  ['CERTIFICATE', 'ca_file'],
  ['CLIENT_KEY', 'key_file'],
  ['CLIENT_CERTIFICATE', 'cert_file'],
] as const;

/** The batch span processor's variables, put on the queue that stands in its place. */
function readBatching(reading: EnvironmentReading, exporter: string[]): void {
  const queue = [...exporter, 'sending_queue'];
  const delay = reading.whole('OTEL_BSP_SCHEDULE_DELAY', 1);
  if (delay !== undefined)
    reading.set([...queue, 'batch', 'flush_timeout'], `${delay}ms`, 'OTEL_BSP_SCHEDULE_DELAY');
  const size = reading.whole('OTEL_BSP_MAX_QUEUE_SIZE', 1);
  if (size !== undefined) {
    reading.set([...queue, 'sizer'], 'items', 'OTEL_BSP_MAX_QUEUE_SIZE');
    reading.set([...queue, 'queue_size'], size, 'OTEL_BSP_MAX_QUEUE_SIZE');
  }
  const batch = reading.whole('OTEL_BSP_MAX_EXPORT_BATCH_SIZE', 1);
  if (batch !== undefined) {
    reading.set([...queue, 'batch', 'max_size'], batch, 'OTEL_BSP_MAX_EXPORT_BATCH_SIZE');
    reading.set([...queue, 'batch', 'min_size'], batch, 'OTEL_BSP_MAX_EXPORT_BATCH_SIZE');
  }
  const timeout = reading.whole('OTEL_BSP_EXPORT_TIMEOUT', 0);
  // The exporter's own time-out, where there is one, is the closer bound of an attempt.
  const own = reading.first('OTEL_EXPORTER_OTLP_TRACES_TIMEOUT', 'OTEL_EXPORTER_OTLP_TIMEOUT');
  if (timeout !== undefined && own === undefined) {
    reading.set([...exporter, 'timeout'], `${timeout}ms`, 'OTEL_BSP_EXPORT_TIMEOUT');
  }
}

function readSampler(reading: EnvironmentReading): void {
  const sampler = reading.text('OTEL_TRACES_SAMPLER')?.toLowerCase();
  if (sampler === undefined) return;
  if (!SAMPLERS.some((known) => known === sampler)) {
    reading.ignore('OTEL_TRACES_SAMPLER', `one of ${SAMPLERS.join(', ')}`);
    return;
  }
  reading.set([...RECEIVER, 'sampler', 'name'], sampler, 'OTEL_TRACES_SAMPLER');
  const argument = reading.text('OTEL_TRACES_SAMPLER_ARG');
  if (argument === undefined || !sampler.endsWith('traceidratio')) return;
  const ratio = Number(argument);
  if (ratio >= 0 && ratio <= 1)
    reading.set([...RECEIVER, 'sampler', 'ratio'], ratio, 'OTEL_TRACES_SAMPLER_ARG');
  else reading.ignore('OTEL_TRACES_SAMPLER_ARG', 'a number from 0 to 1');
}

const LEVELS: Readonly<Record<string, string>> = {
  none: 'silent',
  error: 'error',
  warn: 'warn',
  info: 'info',
  debug: 'debug',
  verbose: 'debug',
  trace: 'debug',
  all: 'debug',
};

function readRest(reading: EnvironmentReading): void {
  const level = reading.text('OTEL_LOG_LEVEL');
  const known = level === undefined ? undefined : LEVELS[level.toLowerCase()];
  if (known !== undefined) reading.set(['service', 'telemetry', 'logs', 'level'], known, 'OTEL_LOG_LEVEL');
  else if (level !== undefined) reading.ignore('OTEL_LOG_LEVEL', `one of ${Object.keys(LEVELS).join(', ')}`);

  const length = reading.first('OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT', 'OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT');
  const characters = length && reading.whole(length.name, 1);
  if (characters !== undefined)
    reading.set([...RECEIVER, 'limits', 'attribute_length'], characters, length!.name);

  const host = reading.text('OTEL_EXPORTER_PROMETHEUS_HOST');
  const port = reading.whole('OTEL_EXPORTER_PROMETHEUS_PORT', 0);
  if (host === undefined && port === undefined) return;
  const shown = host?.includes(':') && !host.startsWith('[') ? `[${host}]` : (host ?? 'localhost');
  const name = host === undefined ? 'OTEL_EXPORTER_PROMETHEUS_PORT' : 'OTEL_EXPORTER_PROMETHEUS_HOST';
  reading.setIf(
    ['exporters', 'prometheus', 'endpoint'],
    { name, text: `${shown}:${port ?? 9464}` },
    EXPORTERS.prometheus.endpoint,
  );
}

/** Ids of the exporters that a list in `variable` names; undefined where it is not set, or names nothing that is known. `none` is no exporter. */
function readExporters(
  reading: EnvironmentReading,
  variable: string,
  known: Readonly<Record<string, string>>,
): string[] | undefined {
  const given = reading.text(variable);
  if (given === undefined) return undefined;
  const ids: string[] = [];
  for (const name of given.split(',').map((part) => part.trim().toLowerCase())) {
    if (name === 'none') continue;
    if (Object.hasOwn(known, name)) ids.push(known[name]!);
    else {
      const names = Object.keys(known).join(', ');
      reading.warnings.push(`${variable}: "${name}" is ignored; known are ${names} and none`);
      if (!given.includes(',')) return undefined;
    }
  }
  return ids;
}

/** An exporter of gRPC has one endpoint, for spans. */
function readMetrics(reading: EnvironmentReading, otlp: string): void {
  const endpoint = reading.first('OTEL_EXPORTER_OTLP_METRICS_ENDPOINT');
  if (otlp === 'otlp_http')
    reading.setIf(['exporters', otlp, 'metrics_endpoint'], endpoint, EXPORTERS.otlp_http.endpoint);
  else if (endpoint)
    reading.warnings.push(
      `${endpoint.name} is ignored: ${otlp} has one endpoint; name a second exporter, ${otlp}/metrics, in a file`,
    );
  const interval = reading.whole('OTEL_METRIC_EXPORT_INTERVAL', 1000);
  if (interval !== undefined)
    reading.set([...RECEIVER, 'metrics', 'push_interval'], `${interval}ms`, 'OTEL_METRIC_EXPORT_INTERVAL');
}

function readResource(reading: EnvironmentReading): Record<string, string> {
  const given = reading.first('OTEL_RESOURCE_ATTRIBUTES');
  const resource = given ? Object.fromEntries(pairs(reading, given)) : {};
  const name = reading.text('OTEL_SERVICE_NAME');
  return name === undefined ? resource : { ...resource, 'service.name': name };
}

/** `key=value,key2=value2`, percent-encoded (W3C Baggage). A part that is none is left out with a warning that does not show it. */
function pairs(
  reading: EnvironmentReading,
  { name, text }: { name: string; text: string },
): Array<[string, string]> {
  return text.split(',').flatMap((part): Array<[string, string]> => {
    if (part.trim() === '') return [];
    const equals = part.indexOf('=');
    const key = part.slice(0, Math.max(0, equals)).trim();
    try {
      if (key !== '') return [[decodeURIComponent(key), decodeURIComponent(part.slice(equals + 1).trim())]];
    } catch {
      // Not percent-encoded: told below.
    }
    reading.warnings.push(`${name}: a part is ignored because it is not key=value, percent-encoded`);
    return [];
  });
}
