/**
 * A finished trace as an indented tree, one line a span:
 *
 *   11:30:21.071 curl → GET /items/7 200 1.84 ms
 *                └ nginx ← GET /items/{id} /items/7 200 1.21 ms
 *                  ├ nginx → GET /stock/7 503 0.60 ms
 *                  │ └ stock ← GET /stock/{id} /stock/7 503 0.42 ms
 *                  └ nginx → GET /price/7 200 0.31 ms
 *
 * `→` is a call as its caller saw it (CLIENT), `←` the same call as its server saw it. The path is left out where the name already ends in it.
 * A span whose parent is not in the trace starts a tree of its own. Every text of a stranger is escaped and cut.
 */
import type { AttributeValue } from '../decode/exchange.ts';
import { type Span, SpanKind, StatusCode } from '../link/span.ts';
import { escapeControls } from './escape.ts';

export interface TreeStyle {
  colour: boolean;
  unicode: boolean;
  /** Also every attribute, id and time. */
  detailed: boolean;
}

const MAX_TEXT = 160;
/** Deeper spans are not indented further. */
const MAX_INDENT = 20;

const COLOURS = { dim: '2', bold: '1', red: '31', green: '32', yellow: '33', cyan: '36' } as const;
type Colour = keyof typeof COLOURS;

/** The lines of one trace, each ended by a newline. */
export function renderTrace(trace: readonly Span[], style: TreeStyle): string {
  const ids = new Set(trace.map((span) => span.spanId));
  const children = new Map<string | undefined, Span[]>();
  for (const span of [...trace].sort(byStart)) {
    const parent = isWithin(span, ids) ? span.parentSpanId : undefined;
    const siblings = children.get(parent);
    if (siblings) siblings.push(span);
    else children.set(parent, [span]);
  }
  let text = '';
  const done = new Set<Span>();
  // A stack, not recursion: the depth of a trace is a stranger's choice.
  const walk = (roots: readonly Span[]): void => {
    const stack = roots.map((span): Place => ({ span, depth: 0, lead: '', last: true })).reverse();
    for (let place = stack.pop(); place; place = stack.pop()) {
      const { span, depth } = place;
      done.add(span);
      text += renderSpan(place, style);
      const below = (children.get(span.spanId) ?? []).filter((child) => !done.has(child));
      children.delete(span.spanId); // no span stands in two places, whatever ids strangers give
      const lead = depth < MAX_INDENT ? columnsBelow(place, style) : place.lead;
      for (let i = below.length - 1; i >= 0; i--)
        stack.push({ span: below[i]!, depth: depth + 1, lead, last: i === below.length - 1 });
    }
  };
  const roots = children.get(undefined) ?? [];
  children.delete(undefined);
  walk(roots);
  // Parents in a circle have no root: each such span is shown all the same.
  if (done.size < trace.length) for (const span of trace) if (!done.has(span)) walk([span]);
  return text;
}

/** Where a line stands in the tree. */
interface Place {
  span: Span;
  depth: number;
  /** The columns left of its branch, in which the lines of ancestors with later siblings run on. */
  lead: string;
  /** No sibling comes after it. */
  last: boolean;
}

/** The columns left of what stands below a span. */
function columnsBelow({ depth, lead, last }: Place, { unicode }: TreeStyle): string {
  if (depth === 0) return '';
  if (last) return `${lead}  `;
  return `${lead}${unicode ? '│ ' : '| '}`;
}

function branchOf({ depth, lead, last }: Place, { unicode }: TreeStyle): string {
  if (depth === 0) return '';
  if (last) return `${lead}${unicode ? '└ ' : '`-'}`;
  return `${lead}${unicode ? '├ ' : '|-'}`;
}

function isWithin(span: Span, ids: ReadonlySet<string>): boolean {
  return span.parentSpanId !== undefined && span.parentSpanId !== span.spanId && ids.has(span.parentSpanId);
}

function byStart(a: Span, b: Span): number {
  return a.startTime[0] - b.startTime[0] || a.startTime[1] - b.startTime[1];
}

function renderSpan(place: Place, style: TreeStyle): string {
  const { span, depth } = place;
  const time = depth === 0 ? clockTime(span) : ' '.repeat(12);
  const parts = [
    paint(time, 'dim', style) +
      ' ' +
      paint(branchOf(place, style), 'dim', style) +
      paint(clean(span.resource.serviceName), 'bold', style),
    paint(arrow(span, style), 'dim', style),
    clean(span.name),
  ];
  const path = askedFor(span);
  if (path !== '' && !span.name.endsWith(` ${path}`)) parts.push(paint(clean(path), 'cyan', style));
  const status = statusOf(span);
  if (status !== '') parts.push(paint(clean(status), statusColour(span), style));
  parts.push(paint(formatDuration(span.durationNs), 'dim', style));
  const line = `${parts.filter((part) => part !== '').join(' ')}\n`;
  return style.detailed ? line + renderDetails(span, columnsBelow(place, style), style) : line;
}

function renderDetails(span: Span, columns: string, style: TreeStyle): string {
  const rows: Array<[string, AttributeValue]> = [
    ['trace id', span.traceId],
    ['span id', span.spanId],
    ...(span.parentSpanId === undefined
      ? []
      : [
          ['parent id', span.parentIsRemote ? `${span.parentSpanId} (remote)` : span.parentSpanId] as [
            string,
            string,
          ],
        ]),
    ...(span.traceState ? [['trace state', span.traceState] as [string, string]] : []),
    [
      'start',
      `${new Date(span.startTime[0] * 1000).toISOString().slice(0, 19)}.${String(span.startTime[1]).padStart(9, '0')}Z`,
    ],
    ...Object.entries(span.attributes),
    ...Object.entries(span.resource.attributes).map(([key, value]): [string, AttributeValue] => [
      `resource ${key}`,
      value,
    ]),
  ];
  const indent = ' '.repeat(13) + paint(columns, 'dim', style);
  return rows
    .map(
      ([key, value]) =>
        `${indent}${paint(`${clean(key)}:`, 'dim', style)} ${clean(Array.isArray(value) ? value.join(', ') : String(value), 4096)}\n`,
    )
    .join('');
}

/** Local time of day, for a reader at the terminal. */
function clockTime(span: Span): string {
  const date = new Date(span.startTime[0] * 1000);
  const two = (n: number): string => String(n).padStart(2, '0');
  const ms = String(Math.floor(span.startTime[1] / 1e6)).padStart(3, '0');
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${ms}`;
}

function arrow(span: Span, style: TreeStyle): string {
  if (span.kind === SpanKind.CLIENT || span.kind === SpanKind.PRODUCER) return style.unicode ? '→' : '->';
  if (span.kind === SpanKind.SERVER || span.kind === SpanKind.CONSUMER) return style.unicode ? '←' : '<-';
  return '';
}

/** What was asked for: of HTTP the path without the query. `url.full` is not parsed as a URL: it is what the client sent, and only its path part is wanted. */
function askedFor(span: Span): string {
  const path = span.attributes['url.path'];
  if (typeof path === 'string') return path;
  const full = span.attributes['url.full'];
  if (typeof full !== 'string') return otherwise(span);
  return /^[a-z][a-z0-9+.-]*:\/\/[^/?#]*([^?#]*)/i.exec(full)?.[1] ?? '';
}

/** Of a protocol without paths, where the name of the span does not say it. */
function otherwise({ attributes, name }: Span): string {
  const key = ['db.query.text', 'dns.question.name', 'messaging.destination.name'].find(
    (each) => typeof attributes[each] === 'string',
  );
  const text = key === undefined ? '' : (attributes[key] as string);
  return name.includes(text) ? '' : text;
}

function statusOf(span: Span): string {
  for (const key of [
    'http.response.status_code',
    'rpc.response.status_code',
    'db.response.status_code',
    'error.type',
  ]) {
    const value = span.attributes[key];
    if (value !== undefined) return String(value);
  }
  return span.status === StatusCode.ERROR ? 'error' : '';
}

function statusColour(span: Span): Colour {
  if (span.status === StatusCode.ERROR) return 'red';
  const code = span.attributes['http.response.status_code'];
  return typeof code === 'number' && code >= 300 ? 'yellow' : 'green';
}

/** Three significant digits in a unit that fits. */
export function formatDuration(ns: number): string {
  for (const [unit, size] of [
    ['s', 1e9],
    ['ms', 1e6],
    ['µs', 1e3],
  ] as const) {
    if (ns >= size * 0.9995) {
      const value = ns / size;
      return `${value.toFixed(value < 9.995 ? 2 : value < 99.95 ? 1 : 0)} ${unit}`;
    }
  }
  return `${Math.round(ns)} ns`;
}

function clean(text: string, max = MAX_TEXT): string {
  return escapeControls(text.length > max ? `${text.slice(0, max)}…` : text);
}

function paint(text: string, colour: Colour, style: TreeStyle): string {
  return style.colour && text !== '' ? `\x1b[${COLOURS[colour]}m${text}\x1b[0m` : text;
}
