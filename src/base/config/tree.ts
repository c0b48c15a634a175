import type { Origin } from '../settings.ts';

/**
 * A configuration as it was written: maps down to values, each value with its origin. Several sources are merged as the Collector does it: maps
 * key by key, everything else (lists too) replaced as a whole. A key without a value (null) changes nothing.
 */
export type Node = MapNode | Leaf;

export interface MapNode {
  readonly kind: 'map';
  readonly entries: Map<string, Node>;
  readonly origin: Origin;
}

export interface Leaf {
  readonly kind: 'leaf';
  /** A scalar, null, or a list of plain values. */
  readonly value: unknown;
  /** What was written, where the value was made from it: a password such as `0123` stays a text. */
  readonly text?: string;
  readonly origin: Origin;
  /** Origin of something inside a list. */
  readonly locate?: (path: ReadonlyArray<string | number>) => Origin;
}

export function mapNode(origin: Origin, entries: Iterable<[string, Node]> = []): MapNode {
  return { kind: 'map', entries: new Map(entries), origin };
}

/** A map that holds `node` at `path`. */
export function nest(path: readonly string[], node: Node): Node {
  return path.reduceRight<Node>((inner, key) => mapNode(inner.origin, [[key, inner]]), node);
}

export function merge(below: Node | undefined, above: Node): Node {
  if (below === undefined) return above;
  if (above.kind === 'leaf') return above.value === null ? below : above;
  if (below.kind === 'leaf') return above;
  const entries = new Map(below.entries);
  for (const [key, node] of above.entries) entries.set(key, merge(entries.get(key), node));
  return { kind: 'map', entries, origin: above.origin };
}

export function find(node: Node | undefined, path: readonly string[]): Node | undefined {
  for (const key of path) {
    if (node?.kind !== 'map') return undefined;
    node = node.entries.get(key);
  }
  return node;
}

/** Entries of the map at `path`; none where nothing or no map is there. */
export function entriesOf(node: Node | undefined, path: readonly string[]): Array<[string, Node]> {
  const found = find(node, path);
  return found?.kind === 'map' ? [...found.entries] : [];
}

/** Without what is at `path`. */
export function without(node: Node, path: readonly string[]): Node {
  if (node.kind === 'leaf' || path.length === 0) return node;
  const [key, ...rest] = path as [string, ...string[]];
  const child = node.entries.get(key);
  if (!child) return node;
  const entries = new Map(node.entries);
  if (rest.length === 0) entries.delete(key);
  else entries.set(key, without(child, rest));
  return { ...node, entries };
}

/** The plain value: objects, lists, scalars. */
export function plain(node: Node): unknown {
  if (node.kind === 'leaf') return node.value;
  return Object.fromEntries([...node.entries].map(([key, child]) => [key, plain(child)]));
}
