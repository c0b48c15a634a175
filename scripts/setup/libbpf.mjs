/**
 * libbpf, pinned by version and SHA-256: Debian's source tarball becomes build/libbpf/{lib/libbpf.a,include,VERSION}.
 *
 * The tarball comes from the directory named in UNDERTRACE_LIBBPF_DIR, else from the cache, else from the machine's own package
 * mirrors, else from Debian's. Whatever its origin, only the pinned content is accepted. Distributions' own libbpf.a will not do:
 * it is not position independent, and its version differs from machine to machine.
 */
import { createHash } from 'node:crypto';
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { homedir, availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run, StepError } from './run.mjs';

export const LIBBPF_VERSION = '1.5.0';
const TARBALL = `libbpf_${LIBBPF_VERSION}.orig.tar.gz`;
const SHA256 = '53492aff6dd47e4da04ef5e672d753b9743848bdb38e9d90eafbe190b7983c44';
const POOL = `pool/main/libb/libbpf/${TARBALL}`;

/** Where Debian keeps its sources: what is current, what is archived, and everything that ever was. */
const DEBIAN = [
  'https://deb.debian.org/debian/',
  'https://archive.debian.org/debian/',
  'https://snapshot.debian.org/archive/debian/20250801T000000Z/',
];
const APT_HELPER = '/usr/lib/apt/apt-helper';
const REMEDY = `Put ${TARBALL} (SHA-256 ${SHA256}) into a directory and name it in UNDERTRACE_LIBBPF_DIR.`;

/** Fetches, verifies, unpacks and compiles. The result appears in one rename, so it is whole or absent. */
export async function buildLibbpf(root, { log, onProgress = () => {} } = {}) {
  const work = join(root, 'build', `libbpf.${process.pid}`);
  const target = join(root, 'build', 'libbpf');
  rmSync(work, { recursive: true, force: true });
  mkdirSync(join(work, 'source'), { recursive: true });
  try {
    const tarball = await obtain(root, log, onProgress);
    await run('tar', ['xzf', tarball, '-C', join(work, 'source'), '--strip-components=1'], { log });
    onProgress('compiling');
    const remedy = 'Check that make, a C compiler and the headers of libelf and zlib are installed.';
    await run('make', makeArguments(work), {
      cwd: join(work, 'source', 'src'),
      log,
      env: makeEnvironment(),
      remedy,
    });
    writeFileSync(join(work, 'VERSION'), `${LIBBPF_VERSION}\n`);
    rmSync(join(work, 'objects'), { recursive: true });
    rmSync(target, { recursive: true, force: true });
    renameSync(work, target);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function makeArguments(work) {
  return [
    `-j${availableParallelism()}`,
    'BUILD_STATIC_ONLY=y',
    'NO_PKG_CONFIG=y',
    `OBJDIR=${join(work, 'objects')}`,
    'CFLAGS=-O2 -fPIC -fvisibility=hidden -w',
    `DESTDIR=${work}`,
    'PREFIX=',
    'LIBDIR=/lib',
    'INCLUDEDIR=/include',
    'UAPIDIR=/include',
    'install',
    'install_uapi_headers',
  ];
}

/** A surrounding make would hand its job server and variables down. */
function makeEnvironment() {
  const env = { ...process.env };
  for (const name of ['MAKEFLAGS', 'MFLAGS', 'MAKELEVEL', 'DESTDIR', 'CFLAGS']) delete env[name];
  return env;
}

async function obtain(root, log, onProgress) {
  const named = process.env.UNDERTRACE_LIBBPF_DIR;
  if (named) return fromDirectory(named);
  const kept = join(cacheDirectory(root), TARBALL);
  if (existsSync(kept) && hashOf(kept) === SHA256) return kept;
  const part = `${kept}.${process.pid}`;
  const attempts = [];
  try {
    for (const base of [...(await ownMirrors(log)), ...DEBIAN]) {
      onProgress(`fetching from ${new URL(base).host}`);
      const problem = await fetchTo(base + POOL, part, log);
      if (!problem) {
        renameSync(part, kept);
        return kept;
      }
      attempts.push(`${base}: ${problem}`);
    }
  } finally {
    rmSync(part, { force: true });
  }
  throw new StepError(`the source of libbpf ${LIBBPF_VERSION} could not be fetched`, {
    remedy: REMEDY,
    output: attempts.join('\n'),
  });
}

/** Outside the checkout, so that a new clone need not fetch again; inside it for a user without a home. */
function cacheDirectory(root) {
  const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'undertrace');
  try {
    mkdirSync(cache, { recursive: true });
    accessSync(cache, constants.W_OK);
    return cache;
  } catch {
    return join(root, 'build');
  }
}

function fromDirectory(directory) {
  const path = resolve(directory, TARBALL);
  if (!existsSync(path))
    throw new StepError(`UNDERTRACE_LIBBPF_DIR has no ${TARBALL}: ${directory}`, { remedy: REMEDY });
  const found = hashOf(path);
  if (found !== SHA256)
    throw new StepError(`${path} has SHA-256 ${found}, not the pinned one`, { remedy: REMEDY });
  return path;
}

/** Base addresses of the package repositories this machine uses, so that a site's own mirror is preferred; none without apt. */
async function ownMirrors(log) {
  if (!existsSync(APT_HELPER)) return [];
  const args = ['indextargets', '--format', '$(REPO_URI)', 'Created-By: Packages'];
  const listed = await run('apt-get', args, { log }).catch(() => '');
  const bases = new Set(
    listed.split('\n').filter((uri) => /^https?:/.test(uri) && !uri.includes('security')),
  );
  return [...bases].map((uri) => (uri.endsWith('/') ? uri : `${uri}/`));
}

/** apt's own downloader knows the proxies and passwords of the machine. Returns what went wrong, or nothing. */
async function fetchTo(uri, path, log) {
  try {
    if (existsSync(APT_HELPER)) {
      const user = process.getuid?.() === 0 ? ['-o', 'APT::Sandbox::User=root'] : [];
      const patience = [
        '-o',
        'Acquire::Retries=2',
        '-o',
        'Acquire::http::Timeout=20',
        '-o',
        'Acquire::https::Timeout=20',
      ];
      await run(APT_HELPER, [...user, ...patience, 'download-file', uri, path, `SHA256:${SHA256}`], { log });
    } else {
      const response = await fetch(uri, { signal: AbortSignal.timeout(60_000) });
      if (!response.ok) return `HTTP status ${response.status}`;
      writeFileSync(path, Buffer.from(await response.arrayBuffer()));
    }
    const found = hashOf(path);
    return found === SHA256 ? undefined : `content has SHA-256 ${found}`;
  } catch (error) {
    return (error.output || error.message).split('\n').at(-1);
  }
}

function hashOf(path) {
  return createHash('sha256').update(readFileSync(path)).digest('hex');
}

/** `node scripts/setup/libbpf.mjs`: what native/Makefile calls when build/libbpf is absent. */
if (process.argv[1] && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const root = resolve(fileURLToPath(import.meta.url), '../../..');
  buildLibbpf(root, { onProgress: (text) => console.log(`libbpf ${LIBBPF_VERSION}: ${text}`) }).catch(
    (error) => {
      console.error([error.message, error.output, error.remedy].filter(Boolean).join('\n'));
      process.exitCode = 1;
    },
  );
}
