/** One component's section: unknown keys, types and values checked against its schema, all problems at once. */
import convict from 'convict';
import type { EffectiveValue } from '../settings.ts';
import {
  isFormat,
  show,
  unknownKey,
  type Format,
  type Parsed,
  type Report,
  type Schema,
  type SchemaNode,
} from './format.ts';
import { nearest } from './nearest.ts';
import type { Problem } from './problem.ts';
import { entriesOf, find, merge, plain, type Node } from './tree.ts';

export interface SectionContext {
  problems: Problem[];
  effective: EffectiveValue[];
}

/** What stands in the place of a secret. */
export const MASK = '<hidden>';

/**
 * Values of the section at `path`: `given` over `defaults`, which is a section of config/default.yaml. Problems are noted in the context, and
 * with a problem the result must not be used.
 */
export function readSection<S extends Schema>(
  schema: S,
  path: readonly string[],
  defaults: Node,
  given: Node | undefined,
  context: SectionContext,
): Parsed<S> {
  if (given) reportShape(schema, schema, path, [], given, context.problems);
  const node = given ? merge(defaults, given) : defaults;
  const parsed = new Map<string, unknown>();
  const check = (key: string[], format: Format<unknown>, value: unknown): void => {
    parsed.set(
      key.join('\0'),
      parseValue(format, value, find(node, key), [...path, ...key], context.problems),
    );
  };
  const config = convict<Record<string, unknown>>(convictSchema(schema, defaults, check), {
    args: [],
    env: {},
  });
  config.load(boxed(schema, node));
  config.validate();

  const values: Record<string, unknown> = {};
  for (const [key, format] of leaves(schema)) {
    put(values, key, parsed.get(key.join('\0')));
    context.effective.push(...effectiveOf(format, find(node, key), [...path, ...key]));
  }
  return values as Parsed<S>;
}

/** Every value of a schema with its path, in the order written. */
export function leaves(schema: Schema, path: readonly string[] = []): Array<[string[], Format<unknown>]> {
  return Object.entries(schema).flatMap(([key, node]): Array<[string[], Format<unknown>]> =>
    isFormat(node) ? [[[...path, key], node]] : leaves(node, [...path, key]),
  );
}

/**
 * The schema as convict has it. Values are boxed (`[value]`), because convict takes a map for a part of the schema and a dot in its keys for a path;
 * formats note problems instead of throwing, because convict's texts know no lines.
 */
function convictSchema(
  schema: Schema,
  defaults: Node,
  check: (key: string[], format: Format<unknown>, value: unknown) => void,
  path: string[] = [],
): convict.Schema<Record<string, unknown>> {
  const entries = Object.entries(schema).map(([key, node]) => {
    const at = [...path, key];
    if (!isFormat(node)) return [key, convictSchema(node, defaults, check, at)];
    const format = (box: unknown): void => check(at, node, (box as [unknown])[0]);
    return [key, { default: [valueOf(find(defaults, at))], format, sensitive: node.secret === true }];
  });
  return Object.fromEntries(entries) as convict.Schema<Record<string, unknown>>;
}

function boxed(schema: Schema, node: Node | undefined): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(schema).map(([key, inner]) => {
      const child = find(node, [key]);
      return [key, isFormat(inner) ? [valueOf(child)] : boxed(inner, child)];
    }),
  );
}

function valueOf(node: Node | undefined): unknown {
  return node ? plain(node) : null;
}

function parseValue(
  format: Format<unknown>,
  value: unknown,
  node: Node | undefined,
  path: readonly string[],
  problems: Problem[],
): unknown {
  // No node: something else stands where the section should be, which has been told.
  if (!node || (value === null && format.optional)) return undefined;
  const key = path.join('.');
  const report: Report = (inner, message) => {
    const origin = node?.kind === 'map' ? find(node, inner.map(String))?.origin : node?.locate?.(inner);
    const where = (origin ?? node?.origin)?.text ?? 'default';
    problems.push({
      where,
      key: key + inner.map((part) => (typeof part === 'number' ? `[${part}]` : `.${part}`)).join(''),
      message,
    });
  };
  const given = format.texts && node.kind === 'map' ? textsOf(node, value) : value;
  const parsed = format.parse(given, report, node?.kind === 'leaf' ? node.text : undefined);
  if (parsed === undefined) {
    const shown = format.secret ? 'the value' : value === null ? 'no value' : show(value);
    report([], `${shown} is not allowed; must be ${format.allowed}`);
  }
  return parsed;
}

function textsOf(node: Node, value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const entries = entriesOf(node, []).map(([key, child]): [string, unknown] => {
    const scalar =
      child.kind === 'leaf' && (typeof child.value === 'number' || typeof child.value === 'boolean');
    return [key, scalar ? (child.text ?? String(child.value)) : plain(child)];
  });
  return Object.fromEntries(entries);
}

function reportShape(
  root: Schema,
  schema: Schema,
  path: readonly string[],
  inner: readonly string[],
  node: Node,
  problems: Problem[],
): void {
  const key = [...path, ...inner].join('.');
  if (node.kind === 'leaf') {
    if (node.value !== null) {
      const message = `${show(node.value)} is not allowed; must be a map with the keys ${Object.keys(schema).join(', ')}`;
      problems.push({ where: node.origin.text, key, message });
    }
    return;
  }
  for (const [name, child] of node.entries) {
    const known: SchemaNode | undefined = Object.hasOwn(schema, name) ? schema[name] : undefined;
    if (known === undefined) {
      const message = unknownKey(suggestion(root, schema, path, inner, name), Object.keys(schema));
      problems.push({ where: child.origin.text, key: `${key}.${name}`, message });
    } else if (!isFormat(known)) reportShape(root, known, path, [...inner, name], child, problems);
  }
}

/** A key of the same name elsewhere in the section, the nearest key here, or the nearest anywhere in the section. */
function suggestion(
  root: Schema,
  here: Schema,
  path: readonly string[],
  inner: readonly string[],
  name: string,
): string | undefined {
  const all = leaves(root).map(([key]) => key);
  const same = all.find((key) => key.at(-1) === name);
  if (same) return [...path, ...same].join('.');
  const near = nearest(name, Object.keys(here));
  if (near !== undefined) return [...path, ...inner, near].join('.');
  const last = nearest(
    name,
    all.map((key) => key.at(-1)!),
  );
  const elsewhere = last && all.find((key) => key.at(-1) === last);
  return elsewhere && [...path, ...elsewhere].join('.');
}

function effectiveOf(
  format: Format<unknown>,
  node: Node | undefined,
  path: readonly string[],
): EffectiveValue[] {
  if (!node) return [{ path, value: null, origin: { kind: 'default', text: 'default' } }];
  if (node.kind === 'leaf')
    return [
      { path, value: format.secret && node.value !== null ? MASK : shown(node.value), origin: node.origin },
    ];
  if (node.entries.size === 0) return [{ path, value: {}, origin: node.origin }];
  return [...node.entries].map(([key, child]) => ({
    path: [...path, key],
    value: format.secret ? MASK : plain(child),
    origin: child.origin,
  }));
}

/** A URL may carry a user and a password. */
function shown(value: unknown): unknown {
  return typeof value === 'string' ? value.replace(/^([a-z]+:\/\/)[^/@\s]+@/i, `$1${MASK}@`) : value;
}

function put(values: Record<string, unknown>, path: readonly string[], value: unknown): void {
  let at = values;
  for (const key of path.slice(0, -1)) at = (at[key] ??= {}) as Record<string, unknown>;
  at[path.at(-1)!] = value;
}
