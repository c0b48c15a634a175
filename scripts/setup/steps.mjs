/** The steps of the set-up, in order. */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { basename, join } from 'node:path';
import { findClang } from './clang.mjs';
import { missingRequirements } from './distribution.mjs';
import { buildLibbpf, LIBBPF_VERSION } from './libbpf.mjs';
import { installPackages } from './packages.mjs';
import { run, StepError } from './run.mjs';

/** Of package.json's `engines`: older ones cannot run what npm would install. */
const NODE_FLOOR = [20, 19];
const BUILD_REMEDY = 'Correct what the compiler says; the whole output is in build/setup.log.';

/**
 * A step: `title`, said while it runs; `isDone()`, cheap, no child process; `run()`, which throws StepError; `stamp`, what it is made from and
 * makes, where that is how one knows that it is done.
 */
export function makeSteps({ root, log, stamps }) {
  const at = (path) => join(root, path);
  const make =
    (directory, ...targets) =>
    () =>
      run('make', [`-j${availableParallelism()}`, '-C', at(directory), ...targets], {
        log,
        remedy: BUILD_REMEDY,
      });
  const libbpf = {
    name: 'libbpf',
    title: `libbpf ${LIBBPF_VERSION}, which loads programs into the kernel: fetch, verify, compile`,
    isDone: () =>
      existsSync(at('build/libbpf/lib/libbpf.a')) && readText(at('build/libbpf/VERSION')) === LIBBPF_VERSION,
    run: () => buildLibbpf(root, { log }),
  };
  const npm = npmStep({ root, log, stamps });
  const programs = stamped(stamps, {
    name: 'programs',
    title: 'programs for the kernel: compile',
    run: () => {
      const { clang = 'clang', llvmStrip = 'llvm-strip' } = findClang() ?? {};
      return make('bpf', process.arch, `CLANG=${clang}`, `LLVM_STRIP=${llvmStrip}`)();
    },
    stamp: {
      name: 'programs',
      key: process.arch,
      inputs: ['bpf', 'build/libbpf/VERSION'],
      outputs: bpfObjects(at('bpf')),
    },
  });
  const addon = stamped(stamps, {
    name: 'addon',
    title: 'addon, which brings records from the kernel to Node: compile',
    run: make('native'),
    stamp: {
      name: 'addon',
      key: process.arch,
      inputs: [
        'native/src',
        'native/Makefile',
        'build/libbpf/VERSION',
        'node_modules/node-addon-api/package.json',
        'node_modules/node-api-headers/package.json',
      ],
      outputs: ['build/undertrace.node'],
    },
  });
  const service = stamped(stamps, {
    name: 'service',
    title: 'the service itself: compile TypeScript',
    run: () => runNpm(['run', 'build:ts'], { cwd: root, log, remedy: BUILD_REMEDY }),
    stamp: {
      name: 'service',
      inputs: ['src', 'tsconfig.json', 'tsconfig.build.json', 'package-lock.json'],
      outputs: ['dist/main.js'],
    },
  });
  const compiled = [libbpf, programs, addon];
  const packages = {
    name: 'packages',
    title: 'packages of the system that the build needs: install',
    // Compilers may be gone from a machine on which all is built.
    isDone: () => missingRequirements().length === 0 || compiled.every((step) => step.isDone()),
    run: () => installPackages(log),
  };
  return [nodeStep, packages, npm, libbpf, programs, addon, service];
}

const nodeStep = {
  name: 'node',
  title: 'version of Node',
  isDone: () => {
    const [major, minor] = process.versions.node.split('.').map(Number);
    return major > NODE_FLOOR[0] || (major === NODE_FLOOR[0] && minor >= NODE_FLOOR[1]);
  },
  run: () => {
    throw new StepError(
      `this is Node ${process.versions.node}; version ${NODE_FLOOR.join('.')} or newer is needed`,
      {
        remedy: 'Install a current version of Node, see https://nodejs.org/en/download.',
      },
    );
  },
};

function stamped(stamps, step) {
  const isDone = () => stamps.isFresh(step.stamp);
  return { ...step, isDone };
}

/** A tree that npm has installed from this very lock file is adopted as it is: npm ci would throw it away first. */
function npmStep({ root, log, stamps }) {
  const stamp = {
    name: 'modules',
    inputs: ['package-lock.json'],
    outputs: ['node_modules/.package-lock.json'],
  };
  return {
    name: 'modules',
    title: 'modules from the npm registry: install',
    stamp,
    isDone: () => {
      if (stamps.isFresh(stamp)) return true;
      if (!isInstalled(root)) return false;
      stamps.prepare(stamp)();
      return true;
    },
    run: () =>
      runNpm(['ci', '--include=dev', '--no-audit', '--no-fund'], {
        cwd: root,
        log,
        remedy:
          'Check that npm is installed and that this machine reaches the npm registry, then start again.',
      }),
  };
}

/** node_modules/.package-lock.json is npm's own account of what it has put there. */
function isInstalled(root) {
  const wanted = readLock(join(root, 'package-lock.json'));
  const found = readLock(join(root, 'node_modules/.package-lock.json'));
  if (!wanted || !found) return false;
  return Object.entries(wanted).every(
    ([path, { version, integrity, optional }]) =>
      path === '' || optional || (found[path]?.version === version && found[path]?.integrity === integrity),
  );
}

function readLock(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8')).packages;
  } catch {
    return undefined; // then it is not installed
  }
}

/** The npm that started us if it did, else the one in PATH. */
function runNpm(args, options) {
  const started = process.env.npm_execpath ?? '';
  const as = `npm ${args.filter((arg) => !arg.startsWith('--')).join(' ')}`;
  if (basename(started) === 'npm-cli.js' && existsSync(started))
    return run(process.execPath, [started, ...args], { ...options, as });
  return run('npm', args, { ...options, as });
}

function bpfObjects(directory) {
  const sources = existsSync(directory)
    ? readdirSync(directory).filter((name) => name.endsWith('.bpf.c'))
    : [];
  return sources.map((name) => `build/bpf/${process.arch}/${name.replace(/\.c$/, '.o')}`);
}

function readText(path) {
  return existsSync(path) ? readFileSync(path, 'utf8').trim() : '';
}
