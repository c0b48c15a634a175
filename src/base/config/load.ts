/** From `--config`, `--set` and the environment to checked values of every component. */
import type { EffectiveValue, Origin } from '../settings.ts';
import { checkComponents, isExporterType, renameAliases, typeOf, type ExporterType } from './component.ts';
import { readEnvironment, type EnvironmentSettings } from './environment.ts';
import type { Parsed } from './format.ts';
import { configError, type Problem } from './problem.ts';
import { EXPORTERS, EXTENSIONS, RECEIVER } from './schema.ts';
import { readSection } from './section.ts';
import { readExtensions, readPipelines, readTelemetry } from './service.ts';
import { readDefaults, readSet, readSource } from './source.ts';
import { entriesOf, find, mapNode, merge, nest, without, type Node } from './tree.ts';
import { parseEndpoint } from './units.ts';

export interface ConfigSources {
  /** config/default.yaml. */
  defaultsPath: string;
  /** As given to `--config` and `--set`, in order. */
  configs: readonly string[];
  sets: readonly string[];
  env: Readonly<Record<string, string | undefined>>;
  /** Whether traces would be read by somebody at a terminal. */
  isTty: boolean;
}

export interface LoadedConfig {
  receiver: Parsed<typeof RECEIVER>;
  exporters: Array<{ id: string; type: ExporterType; values: Record<string, unknown> }>;
  /** Of the metrics pipeline, but for prometheus. */
  metricExporters: LoadedConfig['exporters'];
  listener: Parsed<typeof EXPORTERS.prometheus> | undefined;
  healthCheck: Parsed<typeof EXTENSIONS.health_check> | undefined;
  telemetry: ReturnType<typeof readTelemetry>['telemetry'];
  disabled: boolean;
  warnings: string[];
  effective: EffectiveValue[];
}

interface Loading {
  defaults: Node;
  /** Files and --set. */
  written: Node;
  /** The environment below it. */
  given: Node;
  environment: EnvironmentSettings;
  problems: Problem[];
  warnings: string[];
  effective: EffectiveValue[];
}

/** Throws a UserError that lists every problem. */
export function loadConfig(sources: ConfigSources): LoadedConfig {
  const loading = readAll(sources);
  const { defaults, given, environment, problems, warnings, effective } = loading;
  checkComponents(given, problems);
  const receiver = readSection(
    RECEIVER,
    UNDERTRACE,
    find(defaults, UNDERTRACE)!,
    find(given, UNDERTRACE),
    loading,
  );
  const pipelines = readPipelines(given, loading);
  const ids = pipelines.traces ?? deriveExporters(loading, sources.isTty);
  const metricIds = pipelines.metrics ?? environment.metricExporters ?? deriveMetricExporters(loading);
  const sections = readExporters(loading, [...ids, ...metricIds]);
  const of = (wanted: readonly string[]) => sections.filter(({ id }) => wanted.includes(id));
  const { telemetry, reader } = readTelemetry(defaults, given, loading);
  const listener = readListener(loading, metricIds, reader);
  const healthCheck = readHealthCheck(loading);
  noteService(loading, ids, metricIds);
  if (problems.length > 0) throw configError(problems);
  const resource = { ...environment.resource, ...telemetry.resource };
  return {
    receiver,
    exporters: of(ids),
    metricExporters: of(metricIds),
    listener,
    healthCheck,
    telemetry: { ...telemetry, resource },
    disabled: environment.disabled,
    warnings,
    effective: effective.sort((a, b) => SECTIONS.indexOf(a.path[0]!) - SECTIONS.indexOf(b.path[0]!)),
  };
}

const SECTIONS = ['receivers', 'exporters', 'extensions', 'service'];
const UNDERTRACE = ['receivers', 'undertrace'];
const NOTHING: Origin = { kind: 'default', text: 'default' };

function readAll({ defaultsPath, configs, sets, env }: ConfigSources): Loading {
  const problems: Problem[] = [];
  const warnings: string[] = [];
  const context = { env, problems, warnings };
  let written: Node = mapNode(NOTHING);
  for (const node of [
    ...configs.map((uri) => readSource(uri, context)),
    ...sets.map((assignment) => readSet(assignment, context)),
  ]) {
    if (node?.kind === 'leaf' && node.value !== null) {
      problems.push({
        where: node.origin.text,
        key: '',
        message: 'is not a map of sections such as receivers',
      });
    } else if (node) written = merge(written, node);
  }
  written = renameAliases(written, warnings);
  const environment = readEnvironment(env, warnings);
  const given = merge(withoutForeign(environment, written, warnings), written);
  return {
    defaults: readDefaults(defaultsPath),
    written,
    given,
    environment,
    problems,
    warnings,
    effective: [],
  };
}

/**
 * Headers and certificates of the environment belong to the environment's endpoint: where a file or --set names another one for that exporter,
 * nothing of the environment is mixed in, lest credentials go to a stranger.
 */
function withoutForeign(environment: EnvironmentSettings, written: Node, warnings: string[]): Node {
  const path = ['exporters', environment.otlp.id];
  const endpoint = find(written, [...path, 'endpoint']) ?? find(written, [...path, 'traces_endpoint']);
  if (!endpoint || !find(environment.tree, path)) return environment.tree;
  const names = [...new Set(environment.otlp.names)].join(', ') || 'OTEL_BSP_*';
  warnings.push(
    `${names}: not used, because ${endpoint.origin.text} sets the endpoint of ${environment.otlp.id}; write \${env:…} there instead`,
  );
  return without(environment.tree, path);
}

/** Where no pipeline is written: OTEL_TRACES_EXPORTER, else every exporter that is configured, and the terminal. */
function deriveExporters({ written, environment }: Loading, isTty: boolean): string[] {
  const configured = entriesOf(written, ['exporters'])
    .map(([id]) => id)
    .filter((id) => isExporterType(typeOf(id)) && typeOf(id) !== 'prometheus');
  if (environment.exporters && configured.length === 0) return environment.exporters;
  const ids = new Set(configured);
  if (environment.otlp.asked) ids.add(environment.otlp.id);
  if (isTty || ids.size === 0) ids.add('debug');
  return [...ids];
}

/** Where no pipeline is written: the listener, and OTLP where the environment has an endpoint for metrics. The general one is there for spans. */
function deriveMetricExporters({ given, environment }: Loading): string[] {
  const endpoint = find(given, ['exporters', environment.otlp.id, 'metrics_endpoint']);
  return endpoint?.origin.kind === 'environment' ? ['prometheus', environment.otlp.id] : ['prometheus'];
}

function readExporters(loading: Loading, ids: readonly string[]): LoadedConfig['exporters'] {
  const used = new Set(ids);
  // One that no pipeline uses is checked all the same: it is a slip or will be used later.
  const unused = entriesOf(loading.written, ['exporters']).map(([id]) => id);
  const exporters: LoadedConfig['exporters'] = [];
  for (const id of new Set([...ids, ...unused])) {
    const type = typeOf(id);
    if (!isExporterType(type) || type === 'prometheus') continue;
    const path = ['exporters', id];
    const effective = used.has(id) ? loading.effective : [];
    const defaults = find(loading.defaults, ['exporters', type]) ?? mapNode(NOTHING);
    const context = { problems: loading.problems, effective };
    const given = withRotation(find(loading.given, path));
    const values = readSection(EXPORTERS[type], path, defaults, given, context);
    if ('sending_queue' in values) checkQueue(values.sending_queue, given, path, loading.problems);
    if (used.has(id)) exporters.push({ id, type, values });
  }
  return exporters;
}

/** As in the Collector, writing `rotation` turns it on. */
function withRotation(given: Node | undefined): Node | undefined {
  const rotation = find(given, ['rotation']);
  if (!given || rotation?.kind !== 'map' || rotation.entries.has('enabled')) return given;
  return merge(given, nest(['rotation', 'enabled'], { kind: 'leaf', value: true, origin: rotation.origin }));
}

const LEAST_QUEUE_BYTES = 64 * 1024;

/** A number taken over from a Collector's configuration means requests there, and bytes here. */
function checkQueue(
  { sizer, queue_size: size }: { sizer: string | undefined; queue_size: number | undefined },
  given: Node | undefined,
  path: string[],
  problems: Problem[],
): void {
  const written = find(given, ['sending_queue', 'queue_size']);
  if (!written || size === undefined || sizer !== 'bytes' || size >= LEAST_QUEUE_BYTES) return;
  problems.push({
    where: written.origin.text,
    key: [...path, 'sending_queue', 'queue_size'].join('.'),
    message: `${size} bytes hold hardly a span; the Collector counts requests: set sizer: requests, or a size from 64KiB up such as 32MiB`,
  });
}

function readListener(
  loading: Loading,
  ids: readonly string[],
  reader: string | undefined,
): LoadedConfig['listener'] {
  const path = ['exporters', 'prometheus'];
  const given = find(loading.given, path);
  const id = ids.find((known) => typeOf(known) === 'prometheus');
  const effective = id === undefined ? [] : loading.effective;
  const values = readSection(
    EXPORTERS.prometheus,
    ['exporters', id ?? 'prometheus'],
    find(loading.defaults, path)!,
    id === undefined ? given : find(loading.given, ['exporters', id]),
    { problems: loading.problems, effective },
  );
  if (id === undefined) return undefined;
  const own = reader === undefined || given ? undefined : parseEndpoint(reader);
  return own ? { endpoint: own } : values;
}

function readHealthCheck(loading: Loading): LoadedConfig['healthCheck'] {
  const defaults = find(loading.defaults, ['extensions', 'health_check'])!;
  const on = readExtensions(loading.given, loading.problems);
  const configured = entriesOf(loading.written, ['extensions']).map(([id]) => id);
  let found: LoadedConfig['healthCheck'];
  for (const id of new Set([...on, ...configured])) {
    if (typeOf(id) !== 'health_check') continue;
    const path = ['extensions', id];
    const effective = on.includes(id) ? loading.effective : [];
    const context = { problems: loading.problems, effective };
    const values = readSection(EXTENSIONS.health_check, path, defaults, find(loading.given, path), context);
    if (on.includes(id)) found ??= values;
  }
  return found;
}

/** What `service` comes to, for print-config. */
function noteService(
  { given, environment, effective }: Loading,
  ids: readonly string[],
  metricIds: readonly string[],
): void {
  const from = (isEnvironment: boolean): Origin =>
    isEnvironment ? { kind: 'environment', text: 'environment' } : NOTHING;
  const note = (path: string[], value: unknown, otherwise: Origin): void => {
    effective.push({
      path: ['service', ...path],
      value,
      origin: find(given, ['service', ...path])?.origin ?? otherwise,
    });
  };
  note(['extensions'], extensionsOf(given), NOTHING);
  const { exporters, metricExporters, otlp } = environment;
  note(['pipelines', 'traces', 'exporters'], ids, from(exporters !== undefined || otlp.asked));
  note(
    ['pipelines', 'metrics', 'exporters'],
    metricIds,
    from(metricExporters !== undefined || metricIds.length > 1),
  );
}

function extensionsOf(given: Node): unknown {
  const node = find(given, ['service', 'extensions']);
  return node?.kind === 'leaf' ? (node.value ?? []) : [];
}
