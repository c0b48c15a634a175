/** `service`: extensions, pipelines, telemetry. */
import type { EffectiveValue, TelemetrySettings } from '../settings.ts';
import { canonicalId, isExporterType, typeOf, unknownComponent } from './component.ts';
import { show, unknownKey } from './format.ts';
import { nearest } from './nearest.ts';
import type { Problem } from './problem.ts';
import { EXPORTERS, EXTENSIONS, TELEMETRY } from './schema.ts';
import { readSection } from './section.ts';
import { entriesOf, find, plain, without, type Node } from './tree.ts';

interface Context {
  problems: Problem[];
  effective: EffectiveValue[];
  warnings: string[];
}

/** Component ids that a list in a pipeline names; undefined where no source has the list. */
export interface Pipelines {
  traces: string[] | undefined;
  metrics: string[] | undefined;
}

const SERVICE_KEYS = ['extensions', 'pipelines', 'telemetry'];
const PIPELINE_KEYS = ['receivers', 'processors', 'exporters'];
/** An agent that sees and does everything of one signal in one place has no use for more. */
const SIGNALS = ['traces', 'metrics'] as const;
const TAKE_METRICS: ReadonlySet<string> = new Set(['prometheus', 'otlp_http', 'otlp_grpc', 'nop']);

export function readPipelines(tree: Node, context: Context): Pipelines {
  reportUnknown(tree, ['service'], SERVICE_KEYS, context.problems);
  const pipelines: Pipelines = { traces: undefined, metrics: undefined };
  for (const [id, node] of entriesOf(tree, ['service', 'pipelines'])) {
    const path = ['service', 'pipelines', id];
    const signal = SIGNALS.find((known) => known === typeOf(id));
    if (!signal) {
      const message = `there is no such pipeline; known: ${SIGNALS.join(', ')}`;
      context.problems.push({ where: node.origin.text, key: path.join('.'), message });
      continue;
    }
    reportUnknown(tree, path, PIPELINE_KEYS, context.problems);
    checkParts(tree, path, context.problems);
    const exporters = idList(tree, [...path, 'exporters'], context.problems);
    if (exporters === undefined) continue;
    const checked = checkExporters(tree, [...path, 'exporters'], signal, exporters, context);
    pipelines[signal] = [...new Set([...(pipelines[signal] ?? []), ...checked])];
  }
  return pipelines;
}

function checkParts(tree: Node, path: string[], problems: Problem[]): void {
  const say = (part: string, message: string): void => {
    const at = [...path, part];
    problems.push({ where: find(tree, at)!.origin.text, key: at.join('.'), message });
  };
  for (const id of idList(tree, [...path, 'receivers'], problems) ?? []) {
    if (id !== 'undertrace') say('receivers', unknownComponent('receiver', id, ['undertrace']));
  }
  for (const id of idList(tree, [...path, 'processors'], problems) ?? []) {
    say('processors', unknownComponent('processor', id, []));
  }
}

function checkExporters(
  tree: Node,
  path: string[],
  signal: (typeof SIGNALS)[number],
  given: readonly string[],
  { problems, warnings }: Context,
): string[] {
  const where = find(tree, path)!.origin.text;
  const key = path.join('.');
  const allowed = Object.keys(EXPORTERS).filter((type) =>
    signal === 'metrics' ? TAKE_METRICS.has(type) : type !== 'prometheus',
  );
  if (given.length === 0) {
    problems.push({ where, key, message: 'is empty; name an exporter (nop throws away)' });
  }
  return given.map((written) => {
    const id = canonicalId(written);
    if (id !== written) warnings.push(`${where}: exporter "${written}" is called "${id}" now`);
    const type = typeOf(id);
    if (!isExporterType(type)) {
      problems.push({ where, key, message: unknownComponent('exporter', id, allowed) });
    } else if (!allowed.includes(type)) {
      problems.push({
        where,
        key,
        message: `"${id}" does not take ${signal}; these do: ${allowed.join(', ')}`,
      });
    } else if (id !== type && !find(tree, ['exporters', id])) {
      problems.push({ where, key, message: `"${id}" is not configured under exporters` });
    }
    return id;
  });
}

/** Extensions that are on. */
export function readExtensions(tree: Node, problems: Problem[]): string[] {
  const path = ['service', 'extensions'];
  const given = idList(tree, path, problems) ?? [];
  for (const id of given) {
    if (Object.hasOwn(EXTENSIONS, typeOf(id))) continue;
    const message = unknownComponent('extension', id, Object.keys(EXTENSIONS));
    problems.push({ where: find(tree, path)!.origin.text, key: path.join('.'), message });
  }
  return given;
}

/**
 * `service.telemetry`. Of `metrics.readers` the Collector's pull reader for Prometheus is understood: its host and port are those of the listener;
 * it is returned as `host:port`.
 */
export function readTelemetry(
  defaults: Node,
  tree: Node,
  context: Context,
): {
  telemetry: Omit<TelemetrySettings, 'resource'> & { resource: Record<string, string> };
  reader?: string;
} {
  const path = ['service', 'telemetry'];
  const given = find(tree, path);
  const readers = find(given, ['metrics', 'readers']);
  const rest = given && without(given, ['metrics', 'readers']);
  const telemetry = readSection(TELEMETRY, path, find(defaults, path)!, rest, context);
  return { telemetry, reader: readers && readerEndpoint(readers, context.problems) };
}

interface Reader {
  pull?: { exporter?: { prometheus?: { host?: unknown; port?: unknown } } };
}

function readerEndpoint(node: Node, problems: Problem[]): string | undefined {
  const readers = plain(node);
  const first: unknown = Array.isArray(readers) && readers.length === 1 ? readers[0] : undefined;
  const prometheus = (first as Reader | undefined)?.pull?.exporter?.prometheus;
  if (prometheus && typeof prometheus === 'object') {
    const { host = 'localhost', port = 9464 } = prometheus;
    return `${String(host)}:${String(port)}`;
  }
  problems.push({
    where: node.origin.text,
    key: 'service.telemetry.metrics.readers',
    message: 'only one reader can be served: pull, with exporter prometheus {host, port}',
  });
  return undefined;
}

function idList(tree: Node, path: string[], problems: Problem[]): string[] | undefined {
  const node = find(tree, path);
  if (!node) return undefined;
  const value = plain(node);
  if (value === null) return undefined;
  if (Array.isArray(value) && value.every((id) => typeof id === 'string')) return value;
  const message = `${show(value)} is not allowed; must be a list of component ids, such as [debug]`;
  problems.push({ where: node.origin.text, key: path.join('.'), message });
  return undefined;
}

function reportUnknown(tree: Node, path: string[], known: readonly string[], problems: Problem[]): void {
  const node = find(tree, path);
  if (node?.kind === 'leaf' && node.value !== null) {
    const message = `${show(node.value)} is not allowed; must be a map with the keys ${known.join(', ')}`;
    problems.push({ where: node.origin.text, key: path.join('.'), message });
  }
  for (const [key, child] of entriesOf(tree, path)) {
    if (known.includes(key)) continue;
    const message = unknownKey(nearest(key, known), known);
    problems.push({ where: child.origin.text, key: [...path, key].join('.'), message });
  }
}
