import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import type { ComponentLog } from '../../src/base/log.ts';
import type { Directory, DirectoryEntry } from '../../src/directory/directory.ts';
import { DirectoryMail, type DirectoryMailOptions } from '../../src/directory/directory-mail.ts';

/** A directory that answers when it is told to. */
class Told implements Directory {
  readonly published: DirectoryEntry[][] = [];
  readonly asked: string[][] = [];
  closed = false;
  #waiting: Array<{ resolve: () => void; reject: (error: Error) => void }> = [];
  #called: (() => void) | undefined;

  async publish(batch: readonly DirectoryEntry[]): Promise<void> {
    this.published.push([...batch]);
    await this.#told();
  }

  async lookUp(keys: readonly string[]): Promise<DirectoryEntry[]> {
    this.asked.push([...keys]);
    await this.#told();
    return keys.filter((key) => key.startsWith('known')).map((key) => ({ key, value: 'v' }));
  }

  close(): void {
    this.closed = true;
  }

  get underWay(): number {
    return this.#waiting.length;
  }

  /** Resolves with the next call. */
  called(): Promise<void> {
    return new Promise((resolve) => {
      this.#called = resolve;
    });
  }

  async settle(error?: Error): Promise<void> {
    for (const { resolve, reject } of this.#waiting.splice(0)) {
      if (error) reject(error);
      else resolve();
    }
    await turn();
  }

  #told(): Promise<void> {
    this.#called?.();
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
    });
  }
}

function makeMail(change: Partial<DirectoryMailOptions> = {}) {
  const directory = new Told();
  const answers: DirectoryEntry[][] = [];
  const warnings: object[] = [];
  const log = {
    repeated: (_level: string, _key: string, fields: object) => warnings.push(fields),
  } as unknown as ComponentLog;
  const mail = new DirectoryMail({
    directory,
    onAnswers: (found) => answers.push([...found]),
    log,
    ...{ intervalMs: 1, maxTimes: 1 },
    ...change,
  });
  return { mail, directory, answers, warnings };
}

const entry = (key: string): DirectoryEntry => ({ key, value: 'v' });

describe('directory/directory-mail', () => {
  it('sends what has gathered in one batch, both kinds at once, and tells of what was found', async () => {
    const { mail, directory, answers } = makeMail();
    for (const key of ['a', 'b']) mail.publish(entry(key));
    for (const key of ['known-1', 'c', 'known-2']) mail.lookUp(key);
    await directory.called();
    await turn();
    assert.deepEqual(directory.published, [[entry('a'), entry('b')]]);
    assert.deepEqual(directory.asked, [['known-1', 'c', 'known-2']]);
    await directory.settle();
    assert.deepEqual(answers, [[entry('known-1'), entry('known-2')]]);
    const { published, lookedUp, found, missed } = mail.figures;
    assert.deepEqual(
      { published, lookedUp, found, missed },
      { published: 2, lookedUp: 3, found: 2, missed: 1 },
    );
    await mail.close(100);
  });

  it('has one batch on its way, however slow the directory is, and keeps what comes meanwhile within bounds', async () => {
    const { mail, directory } = makeMail({ maxWaiting: 100, maxBatch: 40 });
    mail.publish(entry('first'));
    await directory.called();
    for (let i = 0; i < 1000; i++) {
      mail.publish(entry(`${i}`));
      mail.lookUp(`${i}`);
      assert.ok(mail.waiting <= 200);
    }
    assert.equal(directory.underWay, 1);
    const { dropped } = mail.figures;
    assert.equal(dropped.publish + dropped.lookUp + mail.waiting, 2000);
    const next = directory.called();
    await directory.settle();
    await next;
    await turn();
    assert.deepEqual([directory.published[1]!.length, directory.asked[0]!.length], [40, 40]);
    assert.equal(directory.published[1]![0]!.key, String(dropped.publish), 'the oldest have gone');
    directory.settle().catch(() => undefined);
    await mail.close(0);
  });

  it('asks again for what is not there yet, so many times', async () => {
    const { mail, directory, answers } = makeMail({ againMs: 1, maxTimes: 3 });
    mail.lookUp('late');
    for (let times = 0; times < 3; times++) {
      await directory.called();
      await directory.settle();
    }
    assert.deepEqual(directory.asked, [['late'], ['late'], ['late']]);
    assert.deepEqual([answers.length, mail.figures.missed, mail.waiting], [0, 3, 0]);
    mail.lookUp('known');
    await directory.called();
    await directory.settle();
    assert.equal(mail.waiting, 0);
    await mail.close(100);
  });

  it('counts and tells what fails, and goes on', async () => {
    const { mail, directory, warnings } = makeMail();
    mail.publish(entry('a'));
    mail.lookUp('known');
    await directory.called();
    await turn();
    await directory.settle(new Error('gone'));
    assert.deepEqual(mail.figures.failed, { publish: 1, lookUp: 1 });
    assert.deepEqual(warnings, [{ error: 'gone' }, { error: 'gone' }]);
    mail.publish(entry('b'));
    await directory.called();
    await directory.settle();
    assert.equal(mail.figures.published, 1);
    await mail.close(100);
  });

  it('gives up what takes too long, and sends nothing more before the directory is done with it', async () => {
    const { mail, directory, answers, warnings } = makeMail({ timeoutMs: 5 });
    const warned = new Promise<void>((resolve) => {
      warnings.push = (...items) => {
        resolve();
        return Array.prototype.push.apply(warnings, items);
      };
    });
    mail.lookUp('known');
    await directory.called();
    await warned;
    assert.deepEqual(mail.figures.failed, { publish: 0, lookUp: 1 });
    mail.lookUp('other');
    await turn();
    assert.equal(directory.asked.length, 1);
    const next = directory.called();
    await directory.settle();
    assert.deepEqual(answers, []);
    await next;
    assert.deepEqual(directory.asked[1], ['other']);
    await directory.settle();
    await mail.close(100);
  });

  it('publishes what waits when it is closed, and waits no longer than it may', async () => {
    const quick = makeMail({ intervalMs: 10_000 });
    quick.mail.publish(entry('a'));
    quick.mail.lookUp('b');
    const called = quick.directory.called();
    const closed = quick.mail.close(10_000);
    await called;
    await quick.directory.settle();
    await closed;
    assert.deepEqual([quick.mail.figures.published, quick.mail.figures.dropped.lookUp], [1, 1]);
    assert.ok(quick.directory.closed);

    const slow = makeMail({ intervalMs: 10_000 });
    slow.mail.publish(entry('a'));
    await slow.mail.close(5);
    assert.ok(slow.directory.closed);
  });
});
