// Programs that the tests need and that are built with Go from modules: each once per version and manifest, into ${XDG_CACHE_HOME:-~/.cache}/undertrace/.
//
// Needs `go`, of any version, and the Go module proxy that the machine is set up with. Several processes may ask at once: one builds, the others
// wait. A build that was interrupted leaves no binary, since the finished one is moved into place.
// Node built-ins only: it runs before `npm ci`.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { accessSync, constants, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { goEnvironment } from './go-toolchain.mjs';
import { withLock } from './setup/lock.mjs';

/** As in the folders of the other programs that are compiled for the tests. */
const HASH_DIGITS = 16;

/**
 * Prints the path of a program on stdout, built where it is not yet there; with --check it is not built, and the exit code is 1 where it is not there.
 *
 * `name`, `version` and the hash of `manifest`, which says what it is made of, name its folder, `binary` is its file in there.
 * `prepare(folder)` gives the arguments of `go`, and where below the folder the finished binary will be.
 */
export async function printProgram({ name, title, version, binary, manifest, takes, prepare }) {
  const say = (text) => process.stderr.write(`build-${name}: ${text}\n`);
  const cache = process.env.XDG_CACHE_HOME || join(homedir(), '.cache');
  const hash = createHash('sha256').update(manifest).digest('hex').slice(0, HASH_DIGITS);
  const folder = join(cache, 'undertrace', `${name}-${version}-${hash}`);
  const path = join(folder, binary);

  function isBuilt() {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  }

  function build() {
    if (isBuilt()) return; // by another one, meanwhile
    const env = goEnvironment(say);
    say(`building ${title} ${version} with Go; this is done once and takes ${takes}`);
    const began = performance.now();
    const work = mkdtempSync(join(folder, 'work-'));
    process.once('exit', () => rmSync(work, { recursive: true, force: true }));
    const { args, output } = prepare(work);
    const { status, signal, error } = spawnSync('go', args, {
      cwd: work,
      stdio: ['ignore', 2, 2],
      env: { ...env, CGO_ENABLED: '0' },
    });
    if (error) throw error;
    if (status !== 0) {
      const how = `exit ${status ?? signal}`;
      throw new Error(
        `${title} ${version} could not be built (${how}): see above. It needs a reachable GOPROXY`,
      );
    }
    renameSync(output, path);
    say(`built in ${Math.round((performance.now() - began) / 1000)} s`);
  }

  // The folders that are made meanwhile are removed at the exit.
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(1));
  if (!isBuilt()) {
    if (process.argv.includes('--check')) process.exit(1);
    mkdirSync(folder, { recursive: true });
    try {
      await withLock(join(folder, 'lock'), build, (pid) => say(`waiting for another build (process ${pid})`));
    } catch (error) {
      say(error.message);
      process.exit(1);
    }
  }
  console.log(path);
}

/**
 * The same of a command in a module. `go install` refuses a module that replaces another one; a module of our own that requires it is the main module,
 * so that what the other one replaces does not count.
 *
 * `go` is the version of the language that the module wants, `command` its package below `module`, `linker` more for its linker.
 */
export async function printCommand({ module, go, command, linker = '', ...program }) {
  const { name, version, binary } = program;
  const manifest = `module undertrace/${name}

go ${go}

require ${module} v${version}
`;
  await printProgram({
    ...program,
    manifest,
    prepare(folder) {
      writeFileSync(join(folder, 'go.mod'), manifest);
      const output = join(folder, binary);
      const flags = ['-mod=mod', '-trimpath', '-ldflags', `-s -w ${linker}`.trim()];
      return { args: ['build', ...flags, '-o', output, `${module}/${command}`], output };
    },
  });
}
