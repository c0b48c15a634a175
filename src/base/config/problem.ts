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

/** All problems at once, one line each. */
export function configError(problems: readonly Problem[]): UserError {
  const lines = problems.map(
    ({ where, key, message }) => `  ${[where, key, message].filter(Boolean).join(': ')}`,
  );
  const count = problems.length === 1 ? 'a problem' : `${problems.length} problems`;
  return new UserError('config', `${count} in the configuration:\n${lines.join('\n')}`);
}
