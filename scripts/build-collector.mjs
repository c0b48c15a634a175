#!/usr/bin/env node
// Builds a real OpenTelemetry Collector from its Go modules, once per version, and prints the path of the binary on stdout.
//
//   node scripts/build-collector.mjs            → ${XDG_CACHE_HOME:-~/.cache}/undertrace/collector-<version>/otelcol
//   node scripts/build-collector.mjs --check    prints the path if it is built; exit 1 if not
//
// Needs `go`, of any version, and the Go module proxy that the machine is set up with; the first build takes a minute or two. Several
// processes may ask at once: one builds, the others wait. A build that was interrupted leaves no binary, since the finished one is moved
// into place.
// Node built-ins only: it runs before `npm ci`.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  accessSync,
  constants,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { goEnvironment } from './go-toolchain.mjs';

const VERSION = '0.159.0';
const LOCK_STALE_MS = 30_000;
const LOCK_TOUCH_MS = 5_000;
const LOCK_WAIT_MS = 20 * 60_000;

const manifest = readFileSync(new URL('collector/builder.yaml', import.meta.url), 'utf8');
const cache = process.env.XDG_CACHE_HOME || join(homedir(), '.cache');
const folder = join(cache, 'undertrace', `collector-${VERSION}`);
const binary = join(folder, 'otelcol');
// The manifest's hash stands beside the binary: another set of components is another Collector.
const stamp = join(folder, 'manifest.sha256');
const wanted = createHash('sha256').update(manifest).digest('hex');

function isBuilt() {
  try {
    accessSync(binary, constants.X_OK);
    return readFileSync(stamp, 'utf8').trim() === wanted;
  } catch {
    return false;
  }
}

function sleep(ms) {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

/** Takes the lock, a directory whose owner touches it while it lives; gives back what releases it. Undefined: built by another meanwhile. */
function lock() {
  const path = join(folder, 'lock');
  const deadline = Date.now() + LOCK_WAIT_MS;
  for (let told = false; ; sleep(500)) {
    try {
      mkdirSync(path);
      break;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    if (isBuilt()) return undefined;
    if (isStale(path)) rmSync(path, { recursive: true, force: true });
    else if (Date.now() > deadline) fail(`another build holds ${path}; remove it if that build is dead`);
    else if (!told) {
      told = true;
      say(`waiting for another build of the Collector (${path})`);
    }
  }
  // A worker touches the lock, because the build blocks this thread.
  const heart = new Worker(
    `const { utimesSync } = require('node:fs');
     setInterval(() => { const now = new Date(); try { utimesSync(${JSON.stringify(path)}, now, now); } catch { /* released */ } }, ${LOCK_TOUCH_MS});`,
    { eval: true },
  );
  heart.unref();
  utimesSync(path, new Date(), new Date());
  return () => rmSync(path, { recursive: true, force: true });
}

function isStale(path) {
  try {
    return Date.now() - statSync(path).mtimeMs > LOCK_STALE_MS;
  } catch {
    return false;
  }
}

function say(text) {
  process.stderr.write(`build-collector: ${text}\n`);
}

function fail(text) {
  say(text);
  process.exit(1);
}

/** Of the Go that builds. */
function environment() {
  try {
    return goEnvironment(say);
  } catch (error) {
    return fail(error.message);
  }
}

function build() {
  const env = environment();
  const work = join(folder, `work-${process.pid}`);
  mkdirSync(work, { recursive: true });
  const config = join(work, 'builder.yaml');
  const output = join(work, 'out');
  writeFileSync(
    config,
    manifest
      .replaceAll('VERSION', VERSION)
      .replace('dist:\n', `dist:\n  output_path: ${JSON.stringify(output)}\n`),
  );
  say(`building OpenTelemetry Collector ${VERSION} with Go; this is done once and takes a minute or two`);
  try {
    const run = spawnSync(
      'go',
      ['run', `go.opentelemetry.io/collector/cmd/builder@v${VERSION}`, '--config', config],
      { cwd: work, stdio: ['ignore', 2, 2], env: { ...env, CGO_ENABLED: '0' } },
    );
    if (run.error) throw run.error;
    if (run.status !== 0) {
      fail(
        `the build failed (exit ${run.status ?? run.signal}); its output is above. It needs a reachable GOPROXY`,
      );
    }
    renameSync(join(output, 'otelcol'), binary);
    writeFileSync(stamp, `${wanted}\n`);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

if (process.argv.includes('--check')) {
  if (!isBuilt()) process.exit(1);
} else if (!isBuilt()) {
  mkdirSync(folder, { recursive: true });
  const release = lock();
  if (release) {
    process.on('exit', release);
    for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(1));
    if (!isBuilt()) build();
  }
}
console.log(binary);
process.exit(0);
