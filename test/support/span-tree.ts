/** Traces as trees with a line for each span, from wherever they are shown: those of a query API and those of a terminal can be compared. */
import assert from 'node:assert/strict';
import { pathOf } from './agent.ts';
import { CLIENT } from './check-spans.ts';
import type { ReceivedSpan } from './otlp-proto.ts';

export interface Tree {
  readonly line: string;
  readonly below: Tree[];
}

/** One text, siblings in the order of their text. */
export function render({ line, below }: Tree, indent = ''): string {
  return [indent + line, ...below.map((tree) => render(tree, `${indent}  `)).sort()].join('\n');
}

/** Where a span stands: `shop → /orders/17`, or `shop ← /orders/17` at the server. */
export function placeOf(span: ReceivedSpan): string {
  return `${serviceAt(span)} ${pathOf(span)}`;
}

/** What the terminal says of a span, but for its times. */
export function terminalLine(span: ReceivedSpan): string {
  const path = pathOf(span);
  const name = span.name.endsWith(` ${path}`) ? span.name : `${span.name} ${path}`;
  return `${serviceAt(span)} ${name} ${String(span.attributes['http.response.status_code'])}`;
}

function serviceAt({ kind, resource }: ReceivedSpan): string {
  return `${String(resource['service.name'])} ${kind === CLIENT ? '→' : '←'}`;
}

/** The one tree that the spans of a trace are. Throws where they are not one tree, or not of one trace. */
export function treeOf(spans: readonly ReceivedSpan[], lineOf: (span: ReceivedSpan) => string): Tree {
  const trees = new Map(
    spans.map((span): [string, Tree] => [span.spanId, { line: lineOf(span), below: [] }]),
  );
  const roots = spans.filter(({ parentSpanId }) => parentSpanId === '');
  for (const { spanId, parentSpanId } of spans) trees.get(parentSpanId)?.below.push(trees.get(spanId)!);
  const root = trees.get(roots[0]?.spanId ?? '');
  // Below the root is neither what hangs on no span of the trace nor spans that are each other's parents.
  const whole = roots.length === 1 && sizeOf(root!) === spans.length;
  if (!whole || new Set(spans.map(({ traceId }) => traceId)).size !== 1)
    throw new Error(`not one tree of one trace: ${JSON.stringify(spans, null, 1)}`);
  return root!;
}

function sizeOf({ below }: Tree): number {
  return below.reduce((sum, tree) => sum + sizeOf(tree), 1);
}

/** Time of the root, branches below it, what is said, and how long it took. */
const LINE = /^(?:\d\d:\d\d:\d\d\.\d{3}| {12}) ((?:[│ ] )*[├└] )?(\S.*) \S+ (?:s|ms|µs|ns)$/;

/** The trees that the debug exporter has written, without colours. Throws with the first line that is in none. */
export function treesOnTerminal(output: string): Tree[] {
  const roots: Tree[] = [];
  const above: Tree[] = [];
  for (const text of output.split('\n').filter(Boolean)) {
    const [, branch = '', line] = LINE.exec(text) ?? [];
    const depth = branch.length / 2;
    assert.ok(line !== undefined && depth <= above.length, `not a line of a tree: ${text}`);
    const tree: Tree = { line, below: [] };
    (depth === 0 ? roots : above[depth - 1]!.below).push(tree);
    above.splice(depth, Infinity, tree);
  }
  return roots;
}
