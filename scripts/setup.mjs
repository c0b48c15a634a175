/**
 * Makes a clone ready to run: what is missing is installed, fetched or compiled; what is there is left alone. Built-ins of Node only, since
 * nothing else may be there yet.
 *
 *   npm run setup
 *
 * What each step and its programs say goes to build/setup.log.
 */
import { accessSync, constants, mkdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { withLock } from './setup/lock.mjs';
import { Progress } from './setup/progress.mjs';
import { StepError } from './setup/run.mjs';
import { Stamps } from './setup/stamp.mjs';
import { makeSteps } from './setup/steps.mjs';

const ROOT = resolve(fileURLToPath(import.meta.url), '../..');
const LOG = join(ROOT, 'build/setup.log');

/** Runs the steps that are not done, and returns how many there were. Throws StepError. */
export async function setUp(progress = new Progress()) {
  const steps = loadSteps();
  if (steps.every((step) => step.isDone())) return 0;
  makeWritable();
  const onWait = (pid) => progress.say(`Waiting for another set-up of this checkout (process ${pid}).`);
  return withLock(join(ROOT, 'build/.setup.lock'), () => runSteps(progress), onWait);
}

/** The first write of all: who may not write here learns it from this and not from some step. */
function makeWritable() {
  try {
    mkdirSync(join(ROOT, 'build'), { recursive: true });
    accessSync(join(ROOT, 'build'), constants.W_OK);
  } catch (error) {
    throw new StepError(`${ROOT} cannot be written to (${error.code})`, {
      remedy: 'Run this as the owner of the checkout, or as root.',
    });
  }
}

function loadSteps() {
  const stamps = new Stamps(ROOT, join(ROOT, 'build/setup.json'));
  const prepare = ({ stamp }) => (stamp ? stamps.prepare(stamp) : () => {});
  return makeSteps({ root: ROOT, log: LOG, stamps }).map((step) => ({
    ...step,
    prepare: () => prepare(step),
  }));
}

/** Looks again at every step: whoever held the lock may have done it, and a step may undo a later one. */
async function runSteps(progress) {
  rmSync(LOG, { force: true });
  const steps = loadSteps();
  let count = 0;
  for (const [index, step] of steps.entries()) {
    if (step.isDone()) continue;
    if (count++ === 0) progress.say('Setting up; this takes a minute or two the first time.');
    progress.begin(`[${index + 1}/${steps.length}] ${step.title}`);
    const record = step.prepare();
    try {
      await step.run();
    } catch (error) {
      progress.end('failed');
      throw error;
    }
    record();
    progress.end('done');
  }
  return count;
}

/** What a failed set-up tells its user, whole. Never a stack trace. */
export function explain(error) {
  const { output = '', remedy = '' } = error instanceof StepError ? error : {};
  const quoted = output && output.replace(/^/gm, '  | ');
  const about = error instanceof StepError ? '' : `This is a fault of the set-up. What it did is in ${LOG}.`;
  return ['', `Set-up failed: ${error.message}`, quoted, remedy || about]
    .filter((part, i) => i === 0 || part)
    .join('\n');
}

if (process.argv[1] && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  try {
    const count = await setUp();
    const took = Math.round(performance.now());
    console.error(count > 0 ? 'Set-up is complete.' : `Set-up is complete: nothing to do (${took} ms).`);
  } catch (error) {
    console.error(explain(error));
    process.exitCode = 1;
  }
}
