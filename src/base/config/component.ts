/** Component ids (`type/name`), and what there is of each kind. */
import { nearest } from './nearest.ts';
import { EXPORTERS, EXTENSIONS } from './schema.ts';
import { entriesOf, mapNode, merge, type Node } from './tree.ts';
import type { Problem } from './problem.ts';

export type ExporterType = keyof typeof EXPORTERS;

/** Ids that the Collector still takes, and what they are called now. */
export const ALIASES: Readonly<Record<string, string>> = { otlphttp: 'otlp_http', otlp: 'otlp_grpc' };

/** What people come with from a Collector, and what is to be done here. */
const ADVICE: Readonly<Record<string, string>> = {
  batch: 'batching is part of every exporter: sending_queue.batch',
  memory_limiter: 'memory is bounded by itself: sending_queue.queue_size and receivers.undertrace.limits',
  probabilistic_sampler: 'use receivers.undertrace.sampler',
  tail_sampling: 'use receivers.undertrace.sampler, or a Collector behind this agent',
  filter: 'use receivers.undertrace.filters',
  redaction: 'use receivers.undertrace.redact, or a Collector behind this agent',
  resource: 'use receivers.undertrace.services, or a Collector behind this agent',
  resourcedetection: 'host, container and process attributes are always there',
  logging: 'use debug',
  otlpjsonfile: 'use file',
  jaeger: 'Jaeger takes OTLP: use otlp_grpc or otlp_http',
  zpages: 'use `undertrace status`',
  pprof: 'start Node with --inspect',
};

export function typeOf(id: string): string {
  return id.split('/', 1)[0]!;
}

/** The id with its present-day type. */
export function canonicalId(id: string): string {
  const type = typeOf(id);
  return Object.hasOwn(ALIASES, type) ? ALIASES[type]! + id.slice(type.length) : id;
}

export function isExporterType(type: string): type is ExporterType {
  return Object.hasOwn(EXPORTERS, type);
}

/** Renames aliases under `exporters`, with a warning each. */
export function renameAliases(tree: Node, warnings: string[]): Node {
  let exporters: Node | undefined;
  for (const [id, node] of entriesOf(tree, ['exporters'])) {
    const now = canonicalId(id);
    if (now !== id) warnings.push(`${node.origin.text}: exporter "${id}" is called "${now}" now`);
    const renamed = mapNode(node.origin, [[now, node]]);
    exporters = exporters ? merge(exporters, renamed) : renamed;
  }
  if (!exporters || tree.kind !== 'map') return tree;
  return { ...tree, entries: new Map([...tree.entries, ['exporters', exporters]]) };
}

export function unknownComponent(kind: string, id: string, known: readonly string[]): string {
  const type = typeOf(id);
  const advice = Object.hasOwn(ADVICE, type) ? `${ADVICE[type]}; ` : '';
  const near = nearest(type, known);
  const meant = near === undefined ? '' : `did you mean ${near}? `;
  const have = known.length === 0 ? `there are no ${kind}s here` : `built in: ${known.join(', ')}`;
  return `there is no ${kind} "${type}": ${advice}${meant}${have}`;
}

const KINDS: ReadonlyArray<{ section: string; kind: string; known: readonly string[] }> = [
  { section: 'receivers', kind: 'receiver', known: ['undertrace'] },
  { section: 'processors', kind: 'processor', known: [] },
  { section: 'exporters', kind: 'exporter', known: Object.keys(EXPORTERS) },
  { section: 'connectors', kind: 'connector', known: [] },
  { section: 'extensions', kind: 'extension', known: Object.keys(EXTENSIONS) },
];

const TOP = [...KINDS.map(({ section }) => section), 'service'];

/** Notes sections and components that do not exist. */
export function checkComponents(tree: Node, problems: Problem[]): void {
  for (const [section, node] of entriesOf(tree, [])) {
    if (TOP.includes(section)) continue;
    const near = nearest(section, TOP);
    const message = near
      ? `unknown section; did you mean ${near}?`
      : `unknown section; known: ${TOP.join(', ')}`;
    problems.push({ where: node.origin.text, key: section, message });
  }
  for (const { section, kind, known } of KINDS) {
    for (const [id, node] of entriesOf(tree, [section])) {
      const fits = known.includes(typeOf(id)) && (kind !== 'receiver' || id === 'undertrace');
      if (fits) continue;
      const message =
        kind === 'receiver' && typeOf(id) === 'undertrace'
          ? 'there is one machine and one receiver: call it undertrace'
          : unknownComponent(kind, id, known);
      problems.push({ where: node.origin.text, key: `${section}.${id}`, message });
    }
  }
}
