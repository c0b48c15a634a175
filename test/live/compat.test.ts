import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
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

  it('counts the data calls of 32-bit programs and reads none of them', async function () {
    const agent = await Agent.start();
    try {
      const counted = async (): Promise<number> => (await agent.status()).kernelCounters.compat_calls ?? 0;
      execFileSync(program); // the agent learns of 32-bit programs by the first one, which is counted in part
      await sleep(COUNTERS_MS);
      const before = await counted();
      execFileSync(program);
      await sleep(COUNTERS_MS);
      assert.equal((await counted()) - before, 200);
    } finally {
      const { ledger } = await agent.stop();
      assert.ok(ledger.balanced);
    }
  });
});
