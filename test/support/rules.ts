/** The alerts of config/prometheus/. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import { SOURCE } from './prometheus.ts';

export interface Rule {
  alert: string;
  expr: string;
  for?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
}

/** Paths of the files with rules. */
export const RULE_FILES = readdirSync(SOURCE)
  .filter((name) => name.endsWith('.rules.yml'))
  .map((name) => path.join(SOURCE, name));

export function readRules(): Rule[] {
  return RULE_FILES.flatMap((file) => {
    const { groups } = parse(readFileSync(file, 'utf8')) as { groups: Array<{ rules: Rule[] }> };
    return groups.flatMap(({ rules }) => rules);
  });
}
