#!/usr/bin/env node
// Compiles the programs of test/workload/ and test/links/ once per version of their sources and prints where they are, as JSON:
//
//   node scripts/workload.mjs   → {"folder": "~/.cache/undertrace/workload-<hash>", "missing": {"java": "javac is not installed"}}
//
// In the folder: driver, c-server, c-client, go-server, go-client, herd, java/*.class, and links-* of the same kinds. A compiler that is not
// there leaves its programs out.
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
import { basename, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const TESTS = fileURLToPath(new URL('../test', import.meta.url));
const SOURCES = join(TESTS, 'workload');
const LINKS = join(TESTS, 'links');
const CFLAGS = ['-O2', '-g', '-Wall', '-Wextra', '-Werror', '-pthread'];

/** Every source below a folder, in a stable order. */
function sources(folder, pattern) {
  return readdirSync(folder, { recursive: true })
    .map((name) => join(folder, name))
    .filter((path) => pattern.test(path) && statSync(path).isFile())
    .sort();
}

const c = (name) => sources(join(SOURCES, name), /\.c$/);
const go = (folder) => ({
  cwd: join(folder, 'go'),
  env: { ...process.env, CGO_ENABLED: '0', GOFLAGS: '-buildvcs=false' },
});
/** Name of a program of test/links/, from its source's. */
const linksName = (file) => `links-${basename(file, '.c')}`;

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
      ...sources(LINKS, /\.c$/).map((file) => [[...CFLAGS, '-o', join(out, linksName(file)), file, '-lm']]),
    ],
  },
  {
    language: 'go',
    compiler: 'go',
    steps: (out) => [
      [['build', '-o', join(out, 'go-server'), './server'], go(SOURCES)],
      [['build', '-o', join(out, 'go-client'), './client'], go(SOURCES)],
      [['build', '-o', join(out, 'links-net-http'), './net-http'], go(join(LINKS, 'services'))],
    ],
  },
  {
    language: 'java',
    compiler: 'javac',
    steps: (out) => [
      [['-Xlint:all', '-Werror', '-d', join(out, 'java'), ...sources(join(SOURCES, 'java'), /\.java$/)]],
      [['-Xlint:all', '-Werror', '-d', join(out, 'links-java'), ...sources(LINKS, /\.java$/)]],
    ],
  },
];

function installed(command) {
  return (process.env.PATH ?? '').split(':').some((folder) => existsSync(join(folder, command)));
}

// How they are compiled counts too.
const hash = createHash('sha256')
  .update(process.arch)
  .update(readFileSync(fileURLToPath(import.meta.url)));
for (const file of [SOURCES, LINKS].flatMap((folder) => sources(folder, /\.(c|h|go|mod|java)$/)))
  hash.update(relative(TESTS, file)).update(readFileSync(file));
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
    process.stderr.write(`compiling the tests' ${language} programs\n`);
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
