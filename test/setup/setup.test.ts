import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import type { SpawnSyncReturns } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { missingRequirements } from '../../scripts/setup/distribution.mjs';
import { lacking } from '../support/programs.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const SHARED = [
  'bpf',
  'native',
  'scripts',
  'package.json',
  'package-lock.json',
  'tsconfig.json',
  'tsconfig.build.json',
];

/** Stands for the service: tells its arguments, and stays until a signal where it is told to. */
const MAIN = `
process.on('SIGTERM', () => process.exit(7));
console.log('arguments ' + process.argv.slice(2).join(' '));
if (process.argv.includes('--stay')) setInterval(() => undefined, 1000);
`;

const NOBODY = 65534;

/** A real run in a copy of the repository, whose modules are linked and whose service is a few lines: it takes 20 s, not minutes. */
describe('setup', function () {
  this.timeout(300_000);
  let clone: string;

  const run = (script: string, env: NodeJS.ProcessEnv = {}, ...args: string[]): SpawnSyncReturns<string> =>
    spawnSync(process.execPath, [join(clone, 'scripts', script), ...args], {
      cwd: tmpdir(),
      env: { ...process.env, ...env },
      encoding: 'utf8',
    });

  before(function () {
    const missing = missingRequirements();
    const names = missing.map(({ name }) => name).join(', ');
    if (missing.length > 0) lacking(this, `this machine lacks ${names}`, 'npm run setup');
    clone = mkdtempSync(join(tmpdir(), 'undertrace-setup-'));
    for (const name of SHARED) cpSync(join(ROOT, name), join(clone, name), { recursive: true });
    symlinkSync(join(ROOT, 'node_modules'), join(clone, 'node_modules'));
    mkdirSync(join(clone, 'src'));
    if (process.getuid!() === 0) chownSync(clone, NOBODY, NOBODY);
    writeFileSync(join(clone, 'src/main.ts'), MAIN);
  });
  after(() => clone && rmSync(clone, { recursive: true }));

  it('stops with the command to run where it may not install, without a stack trace', () => {
    const nobody = process.getuid!() === 0 ? { uid: NOBODY, gid: NOBODY } : {};
    const { status, stderr } = spawnSync(process.execPath, [join(clone, 'scripts/setup.mjs')], {
      env: { PATH: '/no/such/directory' },
      encoding: 'utf8',
      ...nobody,
    });
    assert.equal(status, 1);
    assert.match(stderr, /Set-up failed: the build needs packages that only you can install/);
    assert.match(stderr, /\| clang \d+ or newer \(compiles the programs that run in the kernel\)/);
    assert.match(stderr, /Run this, then start again:\n\n {2}sudo \S.* clang/);
    assert.doesNotMatch(stderr, /^\s+at /m);
  });

  it('shows the end of what a failed step said and what to do, without a stack trace', () => {
    const { status, stderr } = run('setup.mjs', { UNDERTRACE_LIBBPF_DIR: '/no/such/directory' });
    assert.equal(status, 1);
    assert.match(stderr, /libbpf 1\.5\.\d+.*\n(.*\n)*.*failed after/);
    assert.match(stderr, /Set-up failed: UNDERTRACE_LIBBPF_DIR has no libbpf_1\.5\.\d+\.orig\.tar\.gz/);
    assert.match(stderr, /SHA-256 [0-9a-f]{64}/);
    assert.doesNotMatch(stderr, /^\s+at /m);
  });

  it('builds everything, even when two start at once', async () => {
    const ends = [0, 1].map(async () => {
      const child = spawn(process.execPath, [join(clone, 'scripts/setup.mjs')], {
        stdio: ['ignore', 'inherit', 'pipe'],
      });
      let said = '';
      child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
      const [code] = (await once(child, 'close')) as [number];
      return { code, said };
    });
    const results = await Promise.all(ends);
    assert.deepEqual(
      results.map(({ code }) => code),
      [0, 0],
      results.map(({ said }) => said).join('\n'),
    );
    assert.equal(
      results.filter(({ said }) => said.includes('addon, which')).length,
      1,
      'one of them did the work',
    );
    assert.equal(results.filter(({ said }) => said.includes('Waiting for another')).length, 1);
    for (const name of ['undertrace.node', `bpf/${process.arch}/undertrace.bpf.o`, 'libbpf/lib/libbpf.a'])
      assert.ok(existsSync(join(clone, 'build', name)), name);
    assert.ok(existsSync(join(clone, 'dist/main.js')));
    assert.equal(existsSync(join(clone, 'build/.setup.lock')), false);
  });

  it('does no work the second time and starts no process for it', () => {
    const addon = join(clone, 'build/undertrace.node');
    const before = statSync(addon).mtimeMs;
    // Nothing to be found in PATH: a child process would fail.
    const { status, stderr } = run('setup.mjs', { PATH: '/no/such/directory' });
    assert.equal(stderr.replace(/\d+ ms/, 'N ms'), 'Set-up is complete: nothing to do (N ms).\n');
    assert.equal(status, 0);
    assert.equal(statSync(addon).mtimeMs, before);
  });

  it('does only what a change asks for', () => {
    appendFileSync(join(clone, 'src/main.ts'), '// changed\n');
    const { status, stderr } = run('setup.mjs');
    assert.equal(status, 0, stderr);
    assert.match(stderr, /TypeScript/);
    assert.doesNotMatch(stderr, /addon|libbpf|registry|kernel: compile/);
  });

  it('tells what the compiler said of a fault', () => {
    const source = join(clone, 'src/fault.ts');
    writeFileSync(source, 'export const wrong: number = "text";\n');
    const { status, stderr } = run('start.mjs');
    rmSync(source);
    assert.equal(status, 1);
    assert.match(stderr, /\| src\/fault\.ts.*TS2322/);
    assert.match(stderr, /build\/setup\.log/);
    assert.doesNotMatch(stderr, /^\s+at /m);
  });

  it('starts the service with its arguments, in the same process', async () => {
    const quick = run('start.mjs', {}, '--set', 'a.b=c');
    assert.equal(quick.stdout, 'arguments run --set a.b=c\n');
    assert.equal(quick.status, 0);

    const child = spawn(process.execPath, [join(clone, 'scripts/start.mjs'), '--stay'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    child.kill('SIGTERM');
    assert.deepEqual(await once(child, 'close'), [7, null]);
  });

  it('refuses a source of libbpf that is not the pinned one', () => {
    const other = mkdtempSync(join(tmpdir(), 'undertrace-libbpf-'));
    writeFileSync(join(other, 'libbpf_1.5.0.orig.tar.gz'), 'not it');
    const script = join(ROOT, 'scripts/setup/libbpf.mjs');
    assert.throws(
      () =>
        execFileSync(process.execPath, [script], {
          env: { ...process.env, UNDERTRACE_LIBBPF_DIR: other },
          stdio: 'pipe',
        }),
      /not the pinned one/,
    );
    rmSync(other, { recursive: true });
  });
});
