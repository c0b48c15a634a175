import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { withLock } from '../../scripts/setup/lock.mjs';

const MODULE = resolve(import.meta.dirname, '../../scripts/setup/lock.mjs');

describe('setup/lock', () => {
  let directory: string;
  let lock: string;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'undertrace-lock-'));
    lock = join(directory, 'lock');
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  it('is held while the action runs and gone after it, also when it fails', async () => {
    assert.equal(await withLock(lock, () => existsSync(lock)), true);
    assert.equal(existsSync(lock), false);
    await assert.rejects(
      withLock(lock, () => Promise.reject(new Error('no'))),
      /no/,
    );
    assert.equal(existsSync(lock), false);
  });

  it('lets one process in at a time', async () => {
    const log = join(directory, 'log');
    const script = `
      import { appendFileSync } from 'node:fs';
      import { setTimeout as sleep } from 'node:timers/promises';
      const { withLock } = await import(${JSON.stringify(MODULE)});
      await withLock(${JSON.stringify(lock)}, async () => {
        appendFileSync(${JSON.stringify(log)}, 'in ');
        await sleep(30);
        appendFileSync(${JSON.stringify(log)}, 'out ');
      });`;
    const children = Array.from({ length: 4 }, () =>
      spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: 'inherit' }),
    );
    await Promise.all(children.map((child) => once(child, 'close')));
    assert.equal(readFileSync(log, 'utf8'), 'in out '.repeat(4));
  });

  it('says once whom it waits for', async () => {
    const waits: number[] = [];
    let release = (): void => undefined;
    const first = withLock(lock, () => new Promise<void>((done) => (release = done)));
    const second = withLock(
      lock,
      () => 'mine',
      (pid) => {
        waits.push(pid);
        setTimeout(release, 450);
      },
    );
    assert.equal(await second, 'mine');
    await first;
    assert.deepEqual(waits, [process.pid]);
  });

  it('takes the lock of a process that is gone, or whose number is another one’s', async () => {
    const gone = spawnSync('true').pid;
    for (const holder of [
      { pid: gone, started: '1' },
      { pid: process.pid, started: '1' },
    ]) {
      mkdirSync(lock);
      writeFileSync(join(lock, 'holder'), JSON.stringify(holder));
      assert.equal(await withLock(lock, () => 'mine'), 'mine');
    }
  });
});
