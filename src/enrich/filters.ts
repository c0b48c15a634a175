import { matchesGlob } from './glob.ts';
import type { ProcessView } from './process-table.ts';
import { fitsExecutable } from './service-name/override.ts';
import { SpanRules } from './span-rules.ts';

/** Fits a process, or one end of its connections, by all the keys that are given. Keys are those of the configuration. */
export interface ProcessRule {
  pid?: number;
  /** With `pid`: its children, and theirs, too. Default false. */
  children?: boolean;
  /** Command name, a glob. */
  command?: string;
  /** Path of the executable, a glob; without `/` the file's name alone. */
  executable?: string;
  /** Cgroup path, a glob. */
  cgroup?: string;
  /** Container id or its beginning, a glob. */
  container_id?: string;
  /** Inode of the network namespace. */
  network_namespace?: number;
  /** The port that the serving end listens on. */
  port?: number;
}

/** Drops spans that fit all the keys that are given. */
export interface SpanRule {
  /** Learned or configured route, a glob. */
  route?: string;
  /** Path without the query, a glob. */
  path?: string;
  method?: string;
  /** A glob. */
  user_agent?: string;
  /** `404`, or a class: `4xx`. */
  status?: string;
  /** Service name, a glob. */
  service?: string;
}

export interface FilterRules {
  /** Where there are any, only what fits one of them is traced. */
  include: readonly ProcessRule[];
  exclude: readonly ProcessRule[];
  drop_spans: readonly SpanRule[];
}

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

/**
 * What watches other programs is not watched itself: tracing a Collector would make spans of the spans. Shown, and to be changed, in
 * config/default.yaml.
 */
export const DEFAULT_EXCLUDE: readonly ProcessRule[] = [
  ...['otelcol*', 'opentelemetry-collector*', 'otel-collector*'],
  ...['jaeger', 'jaeger-*', 'prometheus', 'grafana', 'grafana-server', 'alertmanager'],
  ...[
    'node_exporter',
    'prometheus-node-exporter',
    'pushgateway',
    'blackbox_exporter',
    'process-exporter',
    'cadvisor',
  ],
  ...['alloy', 'grafana-agent', 'promtail', 'loki', 'tempo', 'mimir', 'vmagent', 'victoria-metrics*'],
].map((executable) => ({ executable }));

/** Traffic that says that a program is well, or how it does, and nothing of what it is for. */
export const DEFAULT_DROP_SPANS: readonly SpanRule[] = [
  // OTLP of anybody, over HTTP and gRPC
  { method: 'POST', path: '*/v1/traces' },
  { method: 'POST', path: '*/v1/metrics' },
  { method: 'POST', path: '*/v1/logs' },
  { method: 'POST', path: '*/v1development/profiles' },
  { path: '/opentelemetry.proto.collector.*' },
  // Jaeger's and Zipkin's own ways in
  { method: 'POST', path: '/api/v2/spans' },
  { method: 'POST', path: '/api/traces' },
  // Prometheus: scrapes, remote write
  { user_agent: 'Prometheus/*' },
  { user_agent: 'vm_promscrape*' },
  { method: 'GET', path: '/metrics' },
  { method: 'POST', path: '/api/v1/write', user_agent: '*' },
  // health checks, by path and by who asks
  ...['/healthz', '/healthz/*', '/readyz', '/readyz/*', '/livez', '/livez/*', '/health', '/health/*'].map(
    (path) => ({ path }),
  ),
  ...['/-/healthy', '/-/ready', '/actuator/health', '/actuator/health/*', '/actuator/prometheus'].map(
    (path) => ({ path }),
  ),
  ...[
    'kube-probe/*',
    'ELB-HealthChecker/*',
    'GoogleHC/*',
    'Consul Health Check',
    'Amazon-Route53-Health-Check-Service*',
  ].map((user_agent) => ({ user_agent })),
  // another agent of this kind
  { service: 'undertrace' },
];

export const DEFAULT_RULES: FilterRules = {
  include: [],
  exclude: DEFAULT_EXCLUDE,
  drop_spans: DEFAULT_DROP_SPANS,
};

/** Ports for which a process's verdict is remembered. */
const MAX_PORTS = 64;

/** The rules in force; `replace` changes them while the agent runs. */
export class Filters {
  #rules: FilterRules;
  #spanRules: SpanRules;
  #portsMatter = false;
  /** Verdicts on connections, asked for with every span; 0 stands for all ports where no rule names one. */
  #verdicts = new WeakMap<ProcessView, Map<number, Verdict>>();
  /** Counts replacements, so that whoever keeps verdicts knows that they are old. */
  generation = 0;

  constructor(rules: FilterRules = DEFAULT_RULES) {
    this.#rules = rules;
    this.#spanRules = new SpanRules(rules.drop_spans);
    this.replace(rules);
  }

  get rules(): FilterRules {
    return this.#rules;
  }

  replace(rules: FilterRules): void {
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
