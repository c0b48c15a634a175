import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Agent, sleep } from '../support/agent.ts';
import { inCheckout, needMachine, needRoot } from '../support/programs.ts';

/** The agent reads the kernel's counters once a second. */
const COUNTERS_MS = 1500;

describe('live/compat', () => {
  const directory = mkdtempSync(join(tmpdir(), 'compat-'));
  const program = join(directory, 'compat');

  before(function () {
    needRoot(this);
    needMachine(this, process.arch === 'x64', 'not x86-64: there are no i386 calls');
    const flags = ['-m32', '-nostdlib', '-static', '-fno-pic', '-O1', '-Wall', '-Werror'];
    execFileSync('gcc', [...flags, '-o', program, inCheckout('test', 'workload', 'i386', 'compat.c')]);
  });
  after(() => rmSync(directory, { recursive: true }));

  /** The counter of their data calls over what `action` does. */
  async function counted(agent: Agent, action: () => unknown): Promise<number> {
    const read = async (): Promise<number> => (await agent.status()).kernelCounters.compat_calls ?? 0;
    const before = await read();
    await action();
    await sleep(COUNTERS_MS);
    return (await read()) - before;
  }

  it('counts the data calls of 32-bit programs, from the first on, and reads none of them', async function () {
    const agent = await Agent.start();
    for (let i = 0; i < 2; i++) assert.equal(await counted(agent, () => execFileSync(program)), 200);
    assert.ok((await agent.stop()).ledger.balanced);
  });

  it('counts those of a 32-bit program that is older than the agent', async function () {
    const gate = join(directory, 'gate');
    execFileSync('mkfifo', [gate]);
    const input = openSync(gate, 'r+');
    const child = spawn(program, { stdio: [input, 'ignore', 'ignore'] });
    const agent = await Agent.start();
    const open = async (): Promise<void> => {
      writeSync(input, '.');
      await once(child, 'exit');
    };
    assert.equal(await counted(agent, open), 200);
    closeSync(input);
    assert.ok((await agent.stop()).ledger.balanced);
  });
});
