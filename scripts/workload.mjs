#!/usr/bin/env node
// Compiles the programs of test/workload/ once per version of their sources and prints where they are, as JSON:
//
//   node scripts/workload.mjs   → {"folder": "~/.cache/undertrace/workload-<hash>", "missing": {"java": "javac is not installed"}}
//
// In the folder: driver, c-server, c-client, go-server, go-client, herd, java/*.class. A compiler that is not there leaves its programs out.
// Node built-ins only.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const SOURCES = fileURLToPath(new URL('../test/workload', import.meta.url));
const CFLAGS = ['-O2', '-g', '-Wall', '-Wextra', '-Werror', '-pthread'];

/** Every source below a folder, in a stable order. */
function sources(folder, pattern) {
  return readdirSync(folder, { recursive: true })
    .map((name) => join(folder, name))
    .filter((path) => pattern.test(path) && statSync(path).isFile())
    .sort();
}

const c = (name) => sources(join(SOURCES, name), /\.c$/);
const go = {
  cwd: join(SOURCES, 'go'),
  env: { ...process.env, CGO_ENABLED: '0', GOFLAGS: '-buildvcs=false' },
};

/** Name of the language, its compiler, and what makes the programs into a folder: lists of arguments. */
const BUILDS = [
  {
    language: 'c',
    compiler: 'gcc',
    steps: (out) => [
      [[...CFLAGS, '-o', join(out, 'driver'), ...c('driver')]],
      ...sources(join(SOURCES, 'c'), /\.c$/).map((file) => [
        [...CFLAGS, '-o', join(out, `c-${relative(join(SOURCES, 'c'), file).slice(0, -2)}`), file],
      ]),
    ],
  },
  {
    language: 'go',
    compiler: 'go',
    steps: (out) => [
      [['build', '-o', join(out, 'go-server'), './server'], go],
      [['build', '-o', join(out, 'go-client'), './client'], go],
    ],
  },
  {
    language: 'java',
    compiler: 'javac',
    steps: (out) => [
      [['-Xlint:all', '-Werror', '-d', join(out, 'java'), ...sources(join(SOURCES, 'java'), /\.java$/)]],
    ],
  },
];

function installed(command) {
  return (process.env.PATH ?? '').split(':').some((folder) => existsSync(join(folder, command)));
}

const hash = createHash('sha256').update(process.arch);
for (const file of sources(SOURCES, /\.(c|h|go|mod|java)$/))
  hash.update(relative(SOURCES, file)).update(readFileSync(file));
const absent = BUILDS.filter(({ compiler }) => !installed(compiler));
hash.update(absent.map(({ language }) => language).join());

const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'undertrace');
const folder = join(cache, `workload-${hash.digest('hex').slice(0, 16)}`);
if (!existsSync(folder)) {
  mkdirSync(cache, { recursive: true });
  // Made aside and moved into place: an interrupted build leaves nothing that looks finished.
  const aside = mkdtempSync(join(cache, 'workload.'));
  for (const { language, compiler, steps } of BUILDS) {
    if (!installed(compiler)) continue;
    process.stderr.write(`compiling the ${language} programs of test/workload\n`);
    for (const [args, options = {}] of steps(aside)) {
      const { status, error } = spawnSync(compiler, args, { stdio: ['ignore', 2, 'inherit'], ...options });
      if (status === 0) continue;
      rmSync(aside, { recursive: true });
      throw error ?? new Error(`${compiler} ${args.join(' ')} ended with ${status}`);
    }
  }
  writeFileSync(join(aside, 'complete'), '');
  try {
    renameSync(aside, folder);
  } catch (error) {
    // Another process was quicker.
    rmSync(aside, { recursive: true });
    if (!existsSync(join(folder, 'complete'))) throw error;
  }
}
const missing = Object.fromEntries(
  absent.map(({ language, compiler }) => [language, `${compiler} is not installed`]),
);
console.log(JSON.stringify({ folder, missing }));
