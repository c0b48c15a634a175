import { type Check, runChecks } from '../capture/checks.ts';
import type { CommandOptions } from './options.ts';

const MARKS: Readonly<Record<Check['status'], string>> = { pass: 'pass', fail: 'FAIL', unavailable: 'n/a ' };

/** Says what this machine lacks, and what to do about it; as JSON also the verifier's log. Exit code 1 if tracing is impossible. */
export function run(options: CommandOptions & { json: boolean }): number {
  const checks = runChecks();
  if (options.json) {
    process.stdout.write(`${JSON.stringify(checks, undefined, 2)}\n`);
  } else {
    for (const { status, name, detail, remedy } of checks) {
      process.stdout.write(`${MARKS[status]}  ${name}: ${detail}\n`);
      if (remedy !== undefined) process.stdout.write(`      → ${remedy}\n`);
    }
  }
  return checks.some(({ status }) => status === 'fail') ? 1 : 0;
}
