#!/usr/bin/env node
// Installs OpenTelemetry's SDK for Python from PyPI, once per version, and prints on stdout the folder to put into PYTHONPATH.
//
//   node scripts/python-sdk.mjs            → ${XDG_CACHE_HOME:-~/.cache}/undertrace/python-sdk-<version>-cpython-311
//   node scripts/python-sdk.mjs --check    prints the folder if it is there; exit 1 if not
//
// Needs `python3` with pip. Nothing is installed into the system. Several processes may ask at once: each installs aside, and the first that has
// finished moves its folder into place.
// Node built-ins only: it runs before `npm ci`.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';

const VERSION = '1.45.2';
const PACKAGES = ['opentelemetry-sdk', 'opentelemetry-exporter-otlp-proto-http'];

function python(...args) {
  const { status, stdout, stderr, error } = spawnSync('python3', args, { encoding: 'utf8' });
  if (error || status !== 0) throw new Error(`python3 ${args.join(' ')}: ${error?.message ?? stderr.trim()}`);
  return stdout.trim();
}

function install(folder) {
  mkdirSync(dirname(folder), { recursive: true });
  const aside = mkdtempSync(join(dirname(folder), 'python-sdk.'));
  try {
    const wanted = PACKAGES.map((name) => `${name}==${VERSION}`);
    python('-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--target', aside, ...wanted);
    renameSync(aside, folder);
  } catch (error) {
    if (!existsSync(folder)) throw error; // else another one was first
  } finally {
    rmSync(aside, { recursive: true, force: true });
  }
}

try {
  const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'undertrace');
  const tag = python('-c', 'import sys; print(sys.implementation.cache_tag)');
  const folder = join(cache, `python-sdk-${VERSION}-${tag}`);
  if (!existsSync(folder)) {
    if (process.argv.includes('--check')) process.exit(1);
    install(folder);
  }
  console.log(folder);
} catch (error) {
  process.stderr.write(`python-sdk: ${error.message}\n`);
  process.exitCode = 1;
}
