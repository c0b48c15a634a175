/**
 * What a test needs from the machine. A test whose machine lacks it is skipped by name with the reason; under CI=true a skip for the want
 * of something that scripts/test-setup.mjs installs is a failure instead.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import Mocha from 'mocha';

const FOLDERS = [...(process.env.PATH ?? '').split(':'), '/usr/sbin', '/sbin', '/usr/local/sbin'];
const CHECKOUT = fileURLToPath(new URL('../..', import.meta.url));

/** Absolute path of a file of the checkout. */
export function inCheckout(...parts: string[]): string {
  return path.join(CHECKOUT, ...parts);
}

/** Path of a command, or undefined. */
export function findCommand(name: string): string | undefined {
  return FOLDERS.map((folder) => path.join(folder, name)).find((file) => existsSync(file));
}

/** Marks the running test, or every test of the suite whose hook is running, as skipped, with the reason in its title. */
function skip(context: Mocha.Context, reason: string): never {
  const note = (test: Mocha.Runnable): void => {
    test.title += ` (skipped: ${reason})`;
  };
  const { test, currentTest } = context;
  // In a "before all" hook, currentTest is the first of the tests that are all going to be skipped.
  if (test instanceof Mocha.Test) note(test);
  else if (currentTest && test?.title.startsWith('"before each"')) note(currentTest);
  else test?.parent?.eachTest(note);
  return context.skip();
}

/** For what the project installs: a command. Gives back its path. */
export function needCommand(context: Mocha.Context, name: string, why: string): string {
  return findCommand(name) ?? lacking(context, `${name} is not installed: ${why}`);
}

/** Skips, or fails under CI, since the project can install it: the tests' set-up or, where `by` says so, the product's. */
export function lacking(context: Mocha.Context, reason: string, by = 'node scripts/test-setup.mjs'): never {
  if (process.env.CI === 'true') throw new Error(`${reason}; ${by} installs it`);
  return skip(context, reason);
}

/** For what no installation can give: rights, kernel features, room. */
export function needMachine(context: Mocha.Context, available: boolean, reason: string): void {
  if (!available) skip(context, reason);
}

/** The kernel side needs root. */
export function needRoot(context: Mocha.Context): void {
  needMachine(context, process.getuid?.() === 0, 'not root: eBPF programs cannot be loaded');
}

/** For OpenTelemetry's SDK for Python: the command that runs a script with it. */
export function needPythonSdk(context: Mocha.Context): string[] {
  const python = needCommand(context, 'python3', 'Python is one of the traced programs');
  const args = [inCheckout('scripts', 'python-sdk.mjs'), '--check'];
  const { status, stdout } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  if (status !== 0) lacking(context, "OpenTelemetry's SDK for Python is not installed");
  return ['env', `PYTHONPATH=${stdout.trim()}`, python];
}

interface Compiled {
  folder: string;
  missing: Record<string, string>;
}
let compiled: Compiled | undefined;

/** The folder of the programs that are compiled, and the languages that could not be; built at the first call. */
export function compiledPrograms(): Compiled {
  if (!compiled) {
    const built = spawnSync(process.execPath, [inCheckout('scripts', 'workload.mjs')], { encoding: 'utf8' });
    if (built.status !== 0) throw new Error(`scripts/workload.mjs failed:\n${built.stderr}`);
    compiled = JSON.parse(built.stdout) as Compiled;
  }
  return compiled;
}

/** Path of a program of test/workload/ that is compiled, such as `driver`. */
export function needCompiled(context: Mocha.Context, language: 'c' | 'go' | 'java', name: string): string {
  const { folder, missing } = compiledPrograms();
  const reason = missing[language];
  return reason ? lacking(context, reason) : path.join(folder, name);
}
