import { spawn } from 'node:child_process';
import { createWriteStream, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';

/** Lines of a failed program's output that are shown; the whole of it is in the log file. */
const TAIL_LINES = 25;

/** A step failed for a reason the user can act on. `remedy` is one sentence; `output` is what the failing program said last. */
export class StepError extends Error {
  constructor(message, { remedy = '', output = '' } = {}) {
    super(message);
    this.name = 'StepError';
    this.remedy = remedy;
    this.output = output;
  }
}

/**
 * Runs a program to its end, its output going to `log` and not to the terminal, and returns what it wrote to stdout.
 * Throws StepError with the end of all output when it fails or cannot be started. `as` is the command's name in that error.
 */
export function run(command, args, { cwd, log, env = process.env, remedy = '', as } = {}) {
  const label = as ?? `${command} ${args[0] ?? ''}`;
  return new Promise((resolve, reject) => {
    const said = [];
    const answer = [];
    const file = log ? openLog(log) : undefined;
    file?.write(`$ ${command} ${args.join(' ')}\n`);
    const fail = (message) =>
      reject(new StepError(message, { remedy, output: tail(Buffer.concat(said).toString()) }));
    const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.on('data', (chunk) => (said.push(chunk), answer.push(chunk), file?.write(chunk)));
    child.stderr.on('data', (chunk) => (said.push(chunk), file?.write(chunk)));
    child.on('error', (error) => fail(`${command} cannot be started: ${error.message}`));
    child.on('close', (code, signal) => {
      file?.end();
      if (code === 0) resolve(Buffer.concat(answer).toString());
      else fail(`${label} ended with ${signal ?? `exit code ${code}`}`);
    });
  });
}

function openLog(path) {
  mkdirSync(dirname(path), { recursive: true });
  return createWriteStream(path, { flags: 'a' });
}

export function tail(text) {
  return text.trimEnd().split('\n').slice(-TAIL_LINES).join('\n');
}
