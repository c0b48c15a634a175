import { UserError } from '../errors.ts';

/** One thing that is wrong with a configuration. */
export interface Problem {
  /** `agent.yaml:12`, `--set`, `environment OTEL_…`. */
  where: string;
  /** The key, joined with dots; empty where the problem is not about a key. */
  key: string;
  /** What is wrong and what is allowed. */
  message: string;
}

/** All problems at once, one line each, in the order of the files' lines. */
export function configError(problems: readonly Problem[]): UserError {
  const lines = [...problems]
    .sort(byPlace)
    .map(({ where, key, message }) => `  ${[where, key, message].filter(Boolean).join(': ')}`);
  const count = problems.length === 1 ? 'a problem' : `${problems.length} problems`;
  return new UserError('config', `${count} in the configuration:\n${lines.join('\n')}`);
}

function byPlace(a: Problem, b: Problem): number {
  const [fileA, lineA] = placeOf(a.where);
  const [fileB, lineB] = placeOf(b.where);
  return fileA === fileB ? lineA - lineB : 0;
}

function placeOf(where: string): [file: string, line: number] {
  const match = /^(.*):(\d+)$/s.exec(where);
  return match ? [match[1]!, Number(match[2])] : [where, 0];
}
