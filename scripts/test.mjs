#!/usr/bin/env node
// npm test: sets up what the product and the tests need, then runs the unit tests and the live tests. Works in a fresh clone.
// The last line is `N passed, N failed, N skipped`. Arguments go to mocha: npm test -- -g 'some title'.
// Node built-ins only, since there may be no node_modules yet.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = resolve(fileURLToPath(import.meta.url), '../..');
const folder = mkdtempSync(join(tmpdir(), 'undertrace-test-'));
const summary = join(folder, 'summary');

function node(args, env = {}) {
  const { status, signal, error } = spawnSync(process.execPath, args, {
    cwd: ROOT,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, ...env },
  });
  if (error) throw error;
  return signal ? 1 : status;
}

function mocha(...args) {
  return node(
    [
      'node_modules/mocha/bin/mocha.js',
      '--reporter',
      'scripts/mocha-summary.cjs',
      ...args,
      ...process.argv.slice(2),
    ],
    { UNDERTRACE_SUMMARY: summary },
  );
}

/** Adds up the runs; a run that ended without a summary counts as a failure. */
function readSummary(runs) {
  let text = '';
  try {
    text = readFileSync(summary, 'utf8');
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
  }
  const done = text
    .trimEnd()
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));
  return {
    passed: done.reduce((sum, { passed }) => sum + passed, 0),
    failed: done.reduce((sum, { failed }) => sum + failed, runs - done.length),
    skipped: done.flatMap(({ skipped }) => skipped),
  };
}

for (const script of ['scripts/setup.mjs', 'scripts/test-setup.mjs']) {
  const status = node([script]);
  if (status !== 0) {
    console.log('0 passed, 1 failed, 0 skipped');
    process.exit(status);
  }
}
const statuses = [mocha(), mocha('--config', 'test/live/.mocharc.json')];
const { passed, failed, skipped } = readSummary(statuses.length);
rmSync(folder, { recursive: true, force: true });
for (const title of skipped) console.log(`skipped: ${title}`);
console.log(`${passed} passed, ${failed} failed, ${skipped.length} skipped`);
process.exitCode = failed > 0 || statuses.some((status) => status !== 0) ? 1 : 0;
