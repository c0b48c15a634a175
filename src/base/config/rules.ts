/** Lists of `receivers.undertrace` whose items are maps: filters and service names. */
import type { ProcessRule, ServiceOverride, SpanRule } from '../settings.ts';
import { flag, list, nonEmpty, number, record, show, type Format } from './format.ts';

const glob = { ...nonEmpty, allowed: 'a glob' };
const id = number(1, 2 ** 32 - 1);

const status: Format<string> = {
  allowed: 'a status such as 404, or a class such as 4xx',
  parse(value) {
    const text = typeof value === 'number' ? String(value) : value;
    return typeof text === 'string' && /^[1-5](?:\d\d|xx)$/i.test(text) ? text.toLowerCase() : undefined;
  },
};

const PROCESS_KEYS = {
  pid: id,
  children: flag,
  command: glob,
  executable: glob,
  cgroup: glob,
  container_id: glob,
  network_namespace: id,
  port: number(1, 65_535),
};

const SPAN_KEYS = {
  service: glob,
  route: glob,
  path: glob,
  method: nonEmpty,
  user_agent: glob,
  status,
};

/** More combinations than this in one rule are a slip. */
const MAX_PRODUCT = 1000;

/**
 * A list of rules. A key of a rule may have a list of values, of which one must fit: `{ command: [a, b] }` is two rules. A rule without a
 * condition would fit everything, so it is refused.
 */
function ruleList<R extends object>(
  fields: Record<keyof R & string, Format<unknown>>,
  noCondition: readonly string[],
): Format<R[]> {
  const single = record(fields);
  const item: Format<R[]> = {
    allowed: single.allowed,
    parse(value, report) {
      if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
      const keys = Object.keys(value);
      const product = combinations(value as Record<string, unknown>);
      if (keys.every((key) => noCondition.includes(key)) || product.length === 0) {
        report([], `${show(value)} has no condition and would fit everything`);
      }
      if (product.length > MAX_PRODUCT) {
        report([], `stands for more than ${MAX_PRODUCT} rules`);
        return [];
      }
      // A problem that several combinations share is one problem.
      const seen = new Set<string>();
      return product.map((rule) => {
        const once = (path: ReadonlyArray<string | number>, message: string): void => {
          if (!seen.has(`${path.join('.')} ${message}`)) report(path, message);
          seen.add(`${path.join('.')} ${message}`);
        };
        return single.parse(rule, once) as R;
      });
    },
  };
  const nested = list(item, 'rules');
  return {
    allowed: `a list of rules, each ${single.allowed}`,
    parse: (value, report) => nested.parse(value, report)?.flat(),
  };
}

function combinations(rule: Record<string, unknown>): Array<Record<string, unknown>> {
  let all: Array<Record<string, unknown>> = [{}];
  for (const [key, value] of Object.entries(rule)) {
    const values: unknown[] = Array.isArray(value) ? value : [value];
    all = all.flatMap((known) => values.map((one) => ({ ...known, [key]: one }))).slice(0, MAX_PRODUCT + 1);
  }
  return all;
}

const OVERRIDE_KEYS = {
  name: nonEmpty,
  executable: glob,
  command: glob,
  cgroup: glob,
  container_id: glob,
  user: glob,
};

const overrideRecord = record(OVERRIDE_KEYS, ['name']);
const serviceOverride: Format<ServiceOverride> = {
  allowed: overrideRecord.allowed,
  parse(value, report) {
    const rule = overrideRecord.parse(value, report);
    if (rule && Object.keys(rule).every((key) => key === 'name')) {
      report([], `${show(value)} has no condition and would name everything`);
    }
    return rule && { ...rule, name: rule.name ?? '' };
  },
};

export const processRules = ruleList<ProcessRule>(PROCESS_KEYS, ['children']);
export const spanRules = ruleList<SpanRule>(SPAN_KEYS, []);
export const serviceOverrides = list(serviceOverride, 'maps with a name and what it is for');
