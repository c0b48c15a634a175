/** One `--config` source, from text to a tree that knows its lines. */
import { readFileSync } from 'node:fs';
import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  Scalar,
  type Document,
  type Node as YamlNode,
} from 'yaml';
import { messageOf } from '../errors.ts';
import type { Origin } from '../settings.ts';
import { expand, ExpandError, type ExpandContext } from './expand.ts';
import type { Problem } from './problem.ts';
import { mapNode, merge, nest, plain, type MapNode, type Node } from './tree.ts';

export interface ReadContext {
  env: ExpandContext['env'];
  problems: Problem[];
  warnings: string[];
}

interface Reading extends ReadContext {
  document: Document;
  origin(node: YamlNode | null | undefined): Origin;
  depth: number;
}

const MAX_DEPTH = 50;

/** `file:path` or a path, `env:NAME` (the variable holds YAML), `yaml:text`. Undefined where it could not be read; the problem is noted. */
export function readSource(uri: string, context: ReadContext): Node | undefined {
  const [, scheme = '', rest = ''] = /^(?:(file|env|yaml|https?):)?(.*)$/s.exec(uri)!;
  const fail = (where: string, message: string): undefined => {
    context.problems.push({ where, key: '', message });
  };
  if (scheme === 'yaml') return readYaml(rest, () => ({ kind: 'flag', text: '--config yaml:' }), context);
  if (scheme === 'env') {
    const text = context.env[rest];
    if (!text) return fail('--config', `environment variable ${rest} is empty or not set`);
    return readYaml(text, (line) => ({ kind: 'file', text: `env:${rest}:${line}` }), context);
  }
  if (scheme.startsWith('http')) return fail('--config', `${uri}: only file:, env: and yaml: can be read`);
  let text: string;
  try {
    text = readFileSync(rest, 'utf8');
  } catch (error) {
    return fail('--config', `cannot read ${rest}: ${messageOf(error)}`);
  }
  return readYaml(text, (line) => ({ kind: 'file', text: `${rest}:${line}` }), context);
}

/** The built-in defaults, which are a file like any other. */
export function readDefaults(path: string): MapNode {
  const problems: Problem[] = [];
  const origin: Origin = { kind: 'default', text: 'default' };
  const node = readYaml(readFileSync(path, 'utf8'), () => origin, { env: {}, problems, warnings: [] });
  if (problems.length > 0 || node?.kind !== 'map') {
    throw new Error(`${path} is damaged: ${problems[0]?.message ?? 'not a map'}`);
  }
  return node;
}

/** `--set key=value`; the key's parts are joined with dots, or with `::` where a part holds a dot; the value is YAML. */
export function readSet(assignment: string, context: ReadContext): Node | undefined {
  const equals = assignment.indexOf('=');
  const key = assignment.slice(0, equals);
  if (equals <= 0) {
    context.problems.push({
      where: '--set',
      key: assignment,
      message: 'has no "="; write --set a.b.c=value',
    });
    return undefined;
  }
  const origin: Origin = { kind: 'flag', text: '--set' };
  const text = assignment.slice(equals + 1);
  const value: Node | undefined =
    text === '' ? { kind: 'leaf', value: '', origin } : readYaml(text, () => origin, context);
  return value && nest(key.split(key.includes('::') ? '::' : '.'), value);
}

function readYaml(text: string, originAt: (line: number) => Origin, context: ReadContext): Node | undefined {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const lineOf = (offset: number): number => lines.linePos(offset).line;
  // What follows the first error is mostly its consequence.
  const error = document.errors[0];
  if (error) {
    const message = error.message.split('\n', 1)[0]!.replace(/ at line \d+, column \d+:?$/, '');
    const where = originAt(lineOf(error.pos[0])).text;
    context.problems.push({ where, key: '', message: `is not YAML: ${message}` });
    return undefined;
  }
  const origin = (node: YamlNode | null | undefined): Origin => originAt(lineOf(node?.range?.[0] ?? 0));
  return fromYaml(document.contents, { ...context, document, origin, depth: 0 });
}

function fromYaml(given: YamlNode | null | undefined, reading: Reading): Node {
  const node = isAlias(given) ? given.resolve(reading.document) : given;
  if (reading.depth > MAX_DEPTH) throw new ExpandError('is nested too deeply');
  const deeper = { ...reading, depth: reading.depth + 1 };
  if (isMap(node)) return fromMap(node.items, reading.origin(node), deeper);
  if (isSeq(node)) {
    const origin = reading.origin(node);
    const value = node.items.map((item) => plain(fromYaml(item as YamlNode, deeper)));
    const locate = (path: ReadonlyArray<string | number>): Origin => {
      const inner = node.getIn(path, true) as YamlNode | undefined;
      return inner?.range ? reading.origin(inner) : origin;
    };
    return { kind: 'leaf', value, origin, locate };
  }
  return fromScalar(node, reading);
}

function fromMap(
  items: ReadonlyArray<{ key: unknown; value: unknown }>,
  mapOrigin: Origin,
  reading: Reading,
): Node {
  let map: Node = mapNode(mapOrigin);
  for (const { key, value } of items) {
    const name = isScalar(key) ? String(key.value) : String(key);
    const child = fromYaml(value as YamlNode | null, reading);
    // A key's own line tells more than that of a map below it.
    const origin = reading.origin(key as YamlNode);
    map = merge(map, name === '<<' ? child : nest(name.split('::'), { ...child, origin }));
  }
  return map;
}

function fromScalar(node: YamlNode | null | undefined, reading: Reading): Node {
  const origin = reading.origin(node);
  if (!isScalar(node)) return { kind: 'leaf', value: null, origin };
  const { value } = node;
  if (typeof value !== 'string') return { kind: 'leaf', value, text: node.source, origin };
  try {
    const warn = (message: string): number => reading.warnings.push(`${origin.text}: ${message}`);
    const expanded = expand(value, { env: reading.env, warn });
    const quoted = node.type === Scalar.QUOTE_DOUBLE || node.type === Scalar.QUOTE_SINGLE;
    if (quoted && expanded.text !== undefined) return { kind: 'leaf', value: expanded.text, origin };
    return fromPlain(expanded.value, origin, expanded.text);
  } catch (error) {
    if (!(error instanceof ExpandError)) throw error;
    reading.problems.push({ where: origin.text, key: '', message: error.message });
    return { kind: 'leaf', value: null, origin };
  }
}

/** A reference may stand for a whole map. */
function fromPlain(value: unknown, origin: Origin, text?: string): Node {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return { kind: 'leaf', value, text, origin };
  }
  return mapNode(
    origin,
    Object.entries(value).map(([key, inner]) => [key, fromPlain(inner, origin)]),
  );
}
