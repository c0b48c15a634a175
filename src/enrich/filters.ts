import type { FilterSettings, ProcessRule, SpanRule } from '../base/settings.ts';
import { matchesGlob } from './glob.ts';
import type { ProcessView } from './process-table.ts';
import { fitsExecutable } from './service-name/override.ts';
import { SpanRules } from './span-rules.ts';

/** What a filter says, and the rule that made it say so. */
export interface Verdict {
  readonly traced: boolean;
  readonly why: string;
}

/** What a span rule looks at. */
export interface SpanFacts {
  readonly path: string | undefined;
  readonly route: string | undefined;
  readonly method: string | undefined;
  readonly userAgent: string | undefined;
  readonly status: number | undefined;
  readonly service: string;
}

/** Ports for which a process's verdict is remembered. */
const MAX_PORTS = 64;

/** The rules in force; `replace` changes them while the agent runs. */
export class Filters {
  #rules: FilterSettings;
  #spanRules: SpanRules;
  #portsMatter = false;
  /** Verdicts on connections, asked for with every span; 0 stands for all ports where no rule names one. */
  #verdicts = new WeakMap<ProcessView, Map<number, Verdict>>();
  /** Counts replacements, so that whoever keeps verdicts knows that they are old. */
  generation = 0;

  constructor(rules: FilterSettings) {
    this.#rules = rules;
    this.#spanRules = new SpanRules(rules.drop_spans);
    this.replace(rules);
  }

  get rules(): FilterSettings {
    return this.#rules;
  }

  replace(rules: FilterSettings): void {
    this.#rules = rules;
    this.#spanRules = new SpanRules(rules.drop_spans);
    this.#portsMatter = [...rules.include, ...rules.exclude].some(({ port }) => port !== undefined);
    this.#verdicts = new WeakMap();
    this.generation++;
  }

  /**
   * Whether a process is traced. Rules with a port are left to `connection`: they do not exclude the process, and one to include makes it
   * worth looking at.
   */
  process(process: ProcessView): Verdict {
    return this.#decide(
      (rule, including) => (including || rule.port === undefined) && fitsProcess(rule, process),
    );
  }

  /** Whether a connection of a process is traced; `port` is the one that the serving end listens on. Cheap when asked again. */
  connection(process: ProcessView, port: number): Verdict {
    let verdicts = this.#verdicts.get(process);
    if (verdicts === undefined) this.#verdicts.set(process, (verdicts = new Map<number, Verdict>()));
    const key = this.#portsMatter ? port : 0;
    let verdict = verdicts.get(key);
    if (verdict === undefined) {
      verdict = this.#decide(
        (rule) => (rule.port === undefined || rule.port === port) && fitsProcess(rule, process),
      );
      if (verdicts.size < MAX_PORTS) verdicts.set(key, verdict);
    }
    return verdict;
  }

  /** Whether a port is traced as far as rules about nothing but ports go: what the kernel side can decide without the process. */
  port(port: number): Verdict {
    return this.#decide((rule, including) => {
      const alone = Object.entries(rule).every(([key, value]) => key === 'port' || value === undefined);
      return including ? !alone || rule.port === port : alone && rule.port === port;
    });
  }

  /** The rule that drops a span, in words; undefined for a span to keep. */
  dropsSpan(span: SpanFacts): string | undefined {
    const rule = this.#spanRules.find(span);
    return rule && `dropped by drop_spans rule ${describeRule(rule)}`;
  }

  /** Whether a rule drops a span of which status and route are not known yet, or could do so. */
  mayDropSpan(span: SpanFacts): boolean {
    return this.#spanRules.mayFind(span);
  }

  #decide(fits: (rule: ProcessRule, including: boolean) => boolean): Verdict {
    const excluded = this.#rules.exclude.find((rule) => !isEmpty(rule) && fits(rule, false));
    if (excluded !== undefined) return { traced: false, why: `excluded by rule ${describeRule(excluded)}` };
    const rules = this.#rules.include.filter((rule) => !isEmpty(rule));
    if (rules.length === 0) return { traced: true, why: 'no include rule, and no exclude rule fits' };
    const included = rules.find((rule) => fits(rule, true));
    if (included === undefined) return { traced: false, why: 'there are include rules and none fits' };
    return { traced: true, why: `included by rule ${describeRule(included)}` };
  }
}

function isEmpty(rule: ProcessRule): boolean {
  return Object.entries(rule).every(([key, value]) => key === 'children' || value === undefined);
}

function fitsProcess(rule: ProcessRule, process: ProcessView): boolean {
  if (rule.pid !== undefined) {
    const child = rule.children === true && process.ancestors.includes(rule.pid);
    if (rule.pid !== process.tgid && !child) return false;
  }
  if (rule.command !== undefined && !matchesGlob(rule.command, process.command ?? '')) return false;
  if (rule.executable !== undefined && !fitsExecutable(rule.executable, process.executable)) return false;
  if (rule.cgroup !== undefined && !matchesGlob(rule.cgroup, process.cgroup ?? '')) return false;
  if (rule.container_id !== undefined && !fitsContainer(rule.container_id, process.containerId)) return false;
  return rule.network_namespace === undefined || rule.network_namespace === process.netns;
}

/** Ids are shown cut to 12 digits as often as whole. */
function fitsContainer(glob: string, id: string | undefined): boolean {
  return id !== undefined && (matchesGlob(glob, id) || (glob.length >= 12 && id.startsWith(glob)));
}

/** `{executable: prometheus, port: 9090}` */
function describeRule(rule: ProcessRule | SpanRule): string {
  const entries = Object.entries(rule as Record<string, unknown>).filter(([, value]) => value !== undefined);
  return `{${entries.map(([key, value]) => `${key}: ${String(value)}`).join(', ')}}`;
}
