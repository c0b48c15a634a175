import type { SpanRule } from '../base/settings.ts';
import type { SpanFacts } from './filters.ts';
import { Glob } from './glob.ts';

/** User agents whose rules are remembered. */
const MAX_AGENTS = 256;

/** A rule whose globs are ready to use; all of one shape, which reading a property of ten rules a request takes for granted. */
interface Compiled {
  readonly rule: SpanRule;
  readonly method: string | undefined;
  readonly status: string | undefined;
  readonly path: Glob | undefined;
  readonly route: Glob | undefined;
  readonly userAgent: Glob | undefined;
  readonly service: Glob | undefined;
}

/**
 * Rules that drop spans, looked up with every request: by literal path where a rule has one, by user agent (few different ones come) where it
 * has no path but that, one after the other for the rest.
 */
export class SpanRules {
  readonly #byPath = new Map<string, Compiled[]>();
  readonly #byAgent: Compiled[] = [];
  readonly #rest: Compiled[] = [];
  #agents = new Map<string, Compiled[]>();

  constructor(rules: readonly SpanRule[]) {
    for (const rule of rules) {
      if (Object.values(rule).every((value) => value === undefined)) continue;
      const compiled = compile(rule);
      if (compiled.path?.shape === 'literal') {
        const same = this.#byPath.get(compiled.path.pattern);
        if (same === undefined) this.#byPath.set(compiled.path.pattern, [compiled]);
        else same.push(compiled);
      } else if (compiled.path === undefined && compiled.userAgent !== undefined) {
        this.#byAgent.push(compiled);
      } else {
        this.#rest.push(compiled);
      }
    }
  }

  /** A rule that fits, or undefined. */
  find(span: SpanFacts): SpanRule | undefined {
    const { path, userAgent } = span;
    const literal = path === undefined ? undefined : this.#byPath.get(path);
    return (
      (literal && findIn(literal, span)) ??
      (userAgent === undefined ? undefined : findIn(this.#rulesFor(userAgent), span)) ??
      findIn(this.#rest, span)
    );
  }

  /** Whether a rule fits, or could once status and route are known, too. */
  mayFind(span: SpanFacts): boolean {
    const { path } = span;
    const literal = (path === undefined ? undefined : this.#byPath.get(path)) ?? [];
    return [literal, this.#byAgent, this.#rest].some((rules) =>
      rules.some((rule) => fitsRequest(rule, span)),
    );
  }

  #rulesFor(agent: string): Compiled[] {
    let rules = this.#agents.get(agent);
    if (rules === undefined) {
      if (this.#agents.size >= MAX_AGENTS) this.#agents = new Map();
      rules = this.#byAgent.filter(({ userAgent }) => userAgent!.matches(agent));
      this.#agents.set(agent, rules);
    }
    return rules;
  }
}

function compile(rule: SpanRule): Compiled {
  const glob = (pattern: string | undefined) => (pattern === undefined ? undefined : new Glob(pattern));
  return {
    rule,
    method: rule.method,
    status: rule.status,
    path: glob(rule.path),
    route: glob(rule.route),
    userAgent: glob(rule.user_agent),
    service: glob(rule.service),
  };
}

function findIn(rules: readonly Compiled[], span: SpanFacts): SpanRule | undefined {
  for (const compiled of rules) if (fits(compiled, span)) return compiled.rule;
  return undefined;
}

function fits(rule: Compiled, span: SpanFacts): boolean {
  if (!fitsRequest(rule, span)) return false;
  if (rule.route !== undefined && !fitsGlob(rule.route, span.route)) return false;
  return rule.status === undefined || fitsStatus(rule.status, span.status);
}

/** The conditions that can be told before there is a response. */
function fitsRequest(rule: Compiled, span: SpanFacts): boolean {
  if (rule.method !== undefined && rule.method !== span.method) return false;
  if (rule.path !== undefined && !fitsGlob(rule.path, span.path)) return false;
  if (rule.userAgent !== undefined && !fitsGlob(rule.userAgent, span.userAgent)) return false;
  return rule.service === undefined || rule.service.matches(span.service);
}

function fitsGlob(glob: Glob, text: string | undefined): boolean {
  return text !== undefined && glob.matches(text);
}

function fitsStatus(pattern: string, status: number | undefined): boolean {
  if (status === undefined) return false;
  if (/^[1-5]xx$/i.test(pattern)) return Math.floor(status / 100) === Number(pattern[0]);
  return status === Number(pattern);
}
