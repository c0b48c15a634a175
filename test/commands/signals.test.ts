import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { needCommand } from '../support/programs.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
/** Says into a pipe (descriptor 3) what a SIGHUP makes it do. */
const PROGRAM = `
import { writeSync } from 'node:fs';
import { endIfHungUp, onHangup } from './src/commands/signals.ts';
const tell = (what) => writeSync(3, what + '\\n');
onHangup({ reload: () => tell('reload'), stop: () => { tell('stop'); endIfHungUp(); } });
setInterval(() => {}, 1000);
tell(String(process.pid));
`;
const NODE = [process.execPath, '--import', 'tsx', '--input-type=module', '-e', PROGRAM];
/** Runs its arguments on a terminal, which is closed when standard input ends. */
const ON_TERMINAL = `
import os, pty, sys
pid, terminal = pty.fork()
if pid == 0: os.execv(sys.argv[1], sys.argv[1:])
sys.stdin.read()
os.close(terminal)
_, status = os.waitpid(pid, 0)
os._exit(os.WTERMSIG(status) if os.WIFSIGNALED(status) else 100)
`;

describe('commands/signals', function () {
  this.timeout(30_000);
  let started: ChildProcess | undefined;
  let pid = 0;

  afterEach(() => {
    if (pid !== 0 && started?.exitCode === null) process.kill(pid, 'SIGKILL');
    started?.kill('SIGKILL');
  });

  /** What the program says, line by line, after its process id. */
  async function start(command: string, args: string[]): Promise<() => Promise<string>> {
    started = spawn(command, args, { cwd: ROOT, stdio: ['pipe', 'ignore', 'ignore', 'pipe'] });
    const lines = createInterface({ input: started.stdio[3] as NodeJS.ReadableStream })[
      Symbol.asyncIterator
    ]();
    const next = async (): Promise<string> => String((await lines.next()).value);
    pid = Number(await next());
    return next;
  }

  it('a hang-up means to read the configuration again where there is no terminal', async () => {
    const next = await start(NODE[0]!, NODE.slice(1));
    process.kill(pid, 'SIGHUP');
    assert.equal(await next(), 'reload');
  });

  it('on a terminal it means the same while that is there, and the end when it is closed', async function () {
    needCommand(this, 'python3', 'a terminal is made with it');
    // Descriptors above 2 are inherited by pty.fork().
    const next = await start('python3', ['-c', ON_TERMINAL, ...NODE]);
    process.kill(pid, 'SIGHUP');
    assert.equal(await next(), 'reload');
    started!.stdin!.end();
    assert.equal(await next(), 'stop');
    if (started!.exitCode === null) await once(started!, 'exit');
    assert.equal(started!.exitCode, constants.signals.SIGHUP, 'ends by the signal');
  });
});
