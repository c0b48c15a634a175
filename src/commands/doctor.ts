import type { ProbeName } from '../base/settings.ts';
import { type Check, checkProgram, runChecks } from '../capture/checks.ts';
import { loadSettings } from '../config.ts';
import { loadNative } from '../capture/native.ts';
import { checkProbes } from '../host/checks.ts';
import { HostFiles } from '../host/host-files.ts';
import { KernelProbes } from '../host/kernel-probes.ts';
import { probesBut } from '../host/probe/index.ts';
import type { CommandOptions } from './options.ts';

const MARKS: Readonly<Record<Check['status'], string>> = { pass: 'pass', fail: 'FAIL', unavailable: 'n/a ' };

/** Says what this machine lacks, and what to do about it; as JSON also the verifier's log. Exit code 1 if tracing is impossible. */
export function run(options: CommandOptions & { json: boolean }): number {
  const { rootPath, off } = loadSettings(options.sources).receiver.host;
  const files = new HostFiles(rootPath);
  const checks = runChecks();
  const kernel = openKernelProbes(off, checks);
  checks.push(
    ...(kernel?.outcomes.map(checkProgram) ?? []),
    ...checkProbes(probesBut(off), { files, processes: () => [], kernel }),
  );
  kernel?.close();
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

/** Undefined where the addon is not there, as the checks say. */
function openKernelProbes(off: readonly ProbeName[], checks: readonly Check[]): KernelProbes | undefined {
  if (!checks.some(({ name, status }) => name === 'addon' && status === 'pass')) return undefined;
  return new KernelProbes(loadNative(), { off, connections: 1024, onKill: () => {} });
}
