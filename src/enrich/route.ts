/**
 * Low-cardinality routes learned from paths: `/users/42` gives `/users/{id}`.
 *
 * A segment becomes `{id}` by its shape (number, UUID, hash, date, long token, anything escaped or with an @), or because its place in the
 * paths of the service has shown too many different values (slugs, user names). File extensions survive: `/img/{id}.png`. A route that
 * has become too many is no route at all, and the span is named by its method.
 *
 * Only requests that the service did not answer with "no such thing" teach: a scanner's guesses are not routes.
 * All of it is a function of the order of records, so that a replay gives the same names.
 */

/** A route, and the span names made with it. */
export interface RouteMatch {
  readonly route: string;
  readonly source: 'config' | 'learned';
  readonly spanNames: Map<string, string>;
}

export interface RouteOptions {
  /** Patterns such as `/users/{id}`; `*` stands for one segment, a last `**` for any number. Tried in order, before learning. */
  patterns?: readonly string[];
  /** Routes a service may have. */
  maxRoutes?: number;
  /** Values a segment may take before it is a parameter; twice that for the first segment, where names of resources stand. */
  maxValues?: number;
  /** Services learned about at once. */
  maxServices?: number;
}

const DEFAULTS = { maxRoutes: 200, maxValues: 30, maxServices: 1000 };
const MAX_DEPTH = 12;
const MAX_CACHED_PATHS = 1024;
/** Nodes a service's trie may hold; reached only by paths of many static segments. */
const MAX_NODES = 4000;
const MAX_EXTENSIONS = 8;
/** How many times over the routes of a service may be given back and named anew as segments turn out to be parameters. */
const MAX_RENAMED = 3;
const PARAMETER = '{id}';

const EXTENSION = /\.([A-Za-z][A-Za-z0-9]{0,4})$/;
const NUMBER = /^[-+]?\d+(?:[.,_-]\d+)*$/;
const UUID = /^\{?[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\}?$/i;
const HEX = /^(?:0x)?[0-9a-f]{8,}$/i;
const LONG_HEX = 16;
/** Bytes that no static name has, and @ as in addresses. */
const ESCAPED = /[%@=,&'()*]/;
const VERSION = /^v\d{1,3}(?:\.\d{1,3}){0,2}(?:(?:alpha|beta|rc)\d{0,3})?$/i;
const DIGIT = /\d/;
/** Four digits in a row do not stand in names: `order-2024`, `user1234`. */
const DIGIT_RUN = /\d{4}/;
/** A part of digits alone after a separator: `order-17`, `item_3`. */
const NUMBERED = /[-_.]\d+$/;
const MAX_NAME = 40;
const TOKEN = 20;
/** `opentelemetry.proto.collector.trace.v1.TraceService`: long, and yet a name. */
const DOTTED_NAME = /^(?=.*\.)[A-Za-z]\w*(?:\.[A-Za-z]\w*)+$/;
const MAX_DOTTED = 100;

/** Whether a segment is a value and no name, judged by nothing but itself. */
export function isParameter(segment: string): boolean {
  if (segment.length > MAX_NAME) return segment.length > MAX_DOTTED || !DOTTED_NAME.test(segment);
  if (NUMBER.test(segment)) return true;
  if (ESCAPED.test(segment)) return true;
  if (!DIGIT.test(segment)) return isLetterToken(segment);
  if (VERSION.test(segment)) return false;
  if (UUID.test(segment) || HEX.test(segment)) return true;
  if (DIGIT_RUN.test(segment) || NUMBERED.test(segment)) return true;
  return segment.split(/[-_.~]/).some(isMixedToken);
}

/** Letters only: hexadecimal beyond any word, or cases mixed as base64 does and camelCase does not. */
function isLetterToken(segment: string): boolean {
  if (segment.length >= LONG_HEX && HEX.test(segment)) return true;
  return segment.length >= TOKEN && (segment.match(/[a-z][A-Z][A-Z]?[a-z]?(?=[A-Z])/g)?.length ?? 0) >= 3;
}

/** Digits strewn among letters: `3f9c01`, `dQw4w9WgXcQ`, but not `oauth2`, `s3`, `base64`, `i18n`. */
function isMixedToken(part: string): boolean {
  if (part.length < 6 || !DIGIT.test(part) || VERSION.test(part)) return false;
  const changes = part.match(/\d(?=[a-z])|[a-z](?=\d)/gi)?.length ?? 0;
  return changes >= 3 || (changes >= 2 && part.length >= 8) || (part.length >= 8 && HEX.test(part));
}

class Node {
  readonly children = new Map<string, Node>();
  /** Children whose names are parameters. */
  parameters = 0;
  /** All static children have become one parameter. */
  collapsed = false;
  /** Requests that ended here, cached ones too. */
  hits = 0;
  match: RouteMatch | undefined;
}

class Service {
  readonly root = new Node();
  routes = 0;
  /** Routes ever named, those given back since included: backends remember them all. */
  named = 0;
  nodes = 1;
  cache = new Map<string, Node>();
}

type Pattern = { segments: readonly string[]; open: boolean; match: RouteMatch };

export class RouteTable {
  /** Requests without a route because their service has too many. */
  overflows = 0;
  readonly #services = new Map<string, Service>();
  #patterns: readonly Pattern[] = [];
  readonly #maxRoutes: number;
  readonly #maxValues: number;
  readonly #maxServices: number;

  constructor(options: RouteOptions = {}) {
    this.#maxRoutes = options.maxRoutes ?? DEFAULTS.maxRoutes;
    this.#maxValues = options.maxValues ?? DEFAULTS.maxValues;
    this.#maxServices = options.maxServices ?? DEFAULTS.maxServices;
    this.patterns = options.patterns ?? [];
  }

  /** Replaces the configured patterns. */
  set patterns(patterns: readonly string[]) {
    this.#patterns = patterns.map(compilePattern);
  }

  /** The configured pattern that a path fits, for either end. */
  configured(path: string): RouteMatch | undefined {
    if (this.#patterns.length === 0) return undefined;
    const segments = segmentsOf(path);
    return this.#patterns.find((pattern) => fits(pattern, segments))?.match;
  }

  /**
   * The route of a request that a service answered, and the service the wiser for it. `path` has no query. `known` is false where the answer
   * says that there is no such thing (404 and the like, or none): then the path is only looked up.
   */
  route(service: string, path: string, known: boolean): RouteMatch | undefined {
    const configured = this.configured(path);
    if (configured !== undefined) return configured;
    if (!path.startsWith('/')) return undefined;
    const table = this.#service(service);
    const cached = table.cache.get(path);
    if (cached !== undefined) {
      if (known) cached.hits++;
      return cached.match;
    }
    const segments = segmentsOf(path);
    const node = this.#walk(table, segments, known);
    if (node === undefined) return undefined;
    if (!known) return node.match;
    node.hits++;
    if (node.match === undefined) this.#name(table, node, segments);
    if (node.match === undefined) {
      this.overflows++;
    } else if (path === node.match.route) {
      // Paths with values in them seldom come twice.
      if (table.cache.size >= MAX_CACHED_PATHS) table.cache = new Map();
      table.cache.set(path, node);
    }
    return node.match;
  }

  #service(name: string): Service {
    let service = this.#services.get(name);
    if (service === undefined) {
      if (this.#services.size >= this.#maxServices) {
        for (const oldest of this.#services.keys()) {
          this.#services.delete(oldest);
          break;
        }
      }
      service = new Service();
      this.#services.set(name, service);
    }
    return service;
  }

  #walk(table: Service, segments: readonly string[], learn: boolean): Node | undefined {
    let node = table.root;
    for (let depth = 0; depth < segments.length; depth++) {
      const next = this.#child(table, node, segments[depth]!, depth, learn);
      if (next === undefined) {
        if (learn) this.overflows++;
        return undefined;
      }
      node = next;
    }
    return node;
  }

  #child(table: Service, node: Node, segment: string, depth: number, learn: boolean): Node | undefined {
    const exact = node.children.get(segment);
    if (exact !== undefined) return exact;
    const key = nameOf(segment);
    const parameter = key !== segment;
    const child = node.children.get(parameter || !node.collapsed ? key : parameterOf(segment));
    if (child !== undefined || !learn || table.nodes >= MAX_NODES) return child;
    if (parameter) return addParameter(table, node, key);
    if (node.collapsed) return addParameter(table, node, parameterOf(segment));
    const limit = depth === 0 ? 2 * this.#maxValues : this.#maxValues;
    if (node.children.size - node.parameters >= limit) {
      collapse(table, node);
      return this.#child(table, node, segment, depth, learn);
    }
    return add(table, node, segment);
  }

  #name(table: Service, node: Node, segments: readonly string[]): void {
    if (table.routes >= this.#maxRoutes || table.named >= MAX_RENAMED * this.#maxRoutes) return;
    table.routes++;
    table.named++;
    node.match = learned(routeTo(table.root, segments));
  }
}

function learned(route: string): RouteMatch {
  return { route, source: 'learned', spanNames: new Map() };
}

function add(table: Service, node: Node, key: string): Node {
  const child = new Node();
  node.children.set(key, child);
  table.nodes++;
  return child;
}

function addParameter(table: Service, node: Node, key: string): Node {
  const existing = node.children.get(key);
  if (existing !== undefined) return existing;
  // Too many extensions are none.
  if (node.parameters >= MAX_EXTENSIONS && key !== PARAMETER) return addParameter(table, node, PARAMETER);
  node.parameters++;
  return add(table, node, key);
}

/** Makes one parameter of a node's static children, keeping those that carry a good part of the requests: `/users/me` among names. */
function collapse(table: Service, node: Node): void {
  node.collapsed = true;
  table.cache = new Map();
  const names = [...node.children].filter(([key]) => !key.startsWith(PARAMETER));
  const hits = new Map(names.map(([key, child]) => [key, hitsBelow(child)]));
  let total = 0;
  for (const count of hits.values()) total += count;
  for (const [key, child] of names) {
    const count = hits.get(key)!;
    if (count >= 10 && count * 20 >= total) continue;
    node.children.delete(key);
    table.nodes--;
    merge(table, addParameter(table, node, parameterOf(key)), child);
  }
}

function hitsBelow(node: Node): number {
  let hits = node.hits;
  for (const child of node.children.values()) hits += hitsBelow(child);
  return hits;
}

/** Moves what is known of one node into another; routes that were named below it are given back. */
function merge(table: Service, into: Node, from: Node): void {
  into.hits += from.hits;
  into.collapsed ||= from.collapsed;
  if (from.match !== undefined) table.routes--;
  for (const [key, child] of from.children) {
    const existing = into.children.get(key);
    if (existing === undefined) {
      into.children.set(key, child);
      if (key.startsWith(PARAMETER)) into.parameters++;
      forgetNames(table, child);
    } else {
      table.nodes--;
      merge(table, existing, child);
    }
  }
}

/** Below a segment that has become a parameter, routes are called anew. */
function forgetNames(table: Service, node: Node): void {
  if (node.match !== undefined) {
    node.match = undefined;
    table.routes--;
  }
  for (const child of node.children.values()) forgetNames(table, child);
}

/** The route of a path by the names that the trie has for its segments. */
function routeTo(root: Node, segments: readonly string[]): string {
  let node = root;
  let route = '';
  for (const segment of segments) {
    const key = [segment, nameOf(segment), parameterOf(segment), PARAMETER].find((candidate) =>
      node.children.has(candidate),
    );
    if (key === undefined) break;
    route += `/${key}`;
    node = node.children.get(key)!;
  }
  return route === '' ? '/' : route;
}

/** The segment, or the parameter that it is by its shape. */
function nameOf(segment: string): string {
  if (!segment.includes('.')) return isParameter(segment) ? PARAMETER : segment;
  const extension = EXTENSION.exec(segment);
  if (extension === null) return isParameter(segment) ? PARAMETER : segment;
  const stem = segment.slice(0, extension.index);
  return stem !== '' && stem.split('.').some(isParameter) ? PARAMETER + extension[0] : segment;
}

function parameterOf(segment: string): string {
  const extension = EXTENSION.exec(segment);
  return extension === null || extension.index === 0 ? PARAMETER : PARAMETER + extension[0];
}

/** Segments without empty ones, matrix parameters (`;jsessionid=…`) cut off; what is too deep is one parameter. */
function segmentsOf(path: string): string[] {
  const clean = path.includes(';') ? path.replace(/;[^/]*/g, '') : path;
  const segments: string[] = [];
  for (let start = 0; start < clean.length;) {
    let end = clean.indexOf('/', start);
    if (end < 0) end = clean.length;
    if (end > start) {
      if (segments.length === MAX_DEPTH) {
        segments[MAX_DEPTH - 1] = '*';
        break;
      }
      segments.push(clean.slice(start, end));
    }
    start = end + 1;
  }
  return segments;
}

function compilePattern(pattern: string): Pattern {
  const segments = pattern.split('/').filter((part) => part !== '');
  const open = segments.at(-1) === '**';
  return {
    segments: open ? segments.slice(0, -1) : segments,
    open,
    match: { route: pattern, source: 'config', spanNames: new Map() },
  };
}

function fits({ segments, open }: Pattern, path: readonly string[]): boolean {
  if (open ? path.length < segments.length : path.length !== segments.length) return false;
  return segments.every((segment, n) => segment === '*' || segment.startsWith('{') || segment === path[n]);
}
