import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { createClient } from '@redis/client';
import { redisUrl } from '../../src/base/config/format.ts';
import { RedisDirectory } from '../../src/directory/redis-directory.ts';
import { RedisServer } from '../support/redis.ts';

const TTL_MS = 10_000;

function settingsOf(url: string) {
  return { ...redisUrl.parse(url, () => undefined)!, ttlMs: TTL_MS };
}

describe('directory/redis-directory', function () {
  this.timeout(30_000);
  let redis: RedisServer;
  const errors = new EventEmitter<{ told: [Error] }>();
  const opened: RedisDirectory[] = [];

  before(async function () {
    redis = await RedisServer.start(this);
  });

  afterEach(() => {
    for (const directory of opened.splice(0)) directory.close();
  });

  after(() => redis?.kill());

  function open(url = redis.url): RedisDirectory {
    const directory = new RedisDirectory(settingsOf(url), (error) => errors.emit('told', error));
    opened.push(directory);
    return directory;
  }

  /** Asks until the connection stands. */
  async function lookUp(directory: RedisDirectory, ...keys: string[]) {
    for (const deadline = Date.now() + 20_000; ;) {
      try {
        return await directory.lookUp(keys);
      } catch (error) {
        if (Date.now() > deadline) throw error;
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
  }

  it('finds what another one has published, in its database, for as long as it lives', async () => {
    const [one, other] = [open(), open()];
    await lookUp(one, 'x');
    await one.publish([
      { key: 'a', value: '1' },
      { key: 'b', value: '2' },
    ]);
    assert.deepEqual(await lookUp(other, 'b', 'c', 'a'), [
      { key: 'b', value: '2' },
      { key: 'a', value: '1' },
    ]);
    const client = await createClient({ url: redis.url }).connect();
    const left = await client.pTTL('a');
    assert.ok(left > 0 && left <= TTL_MS, `${left} ms`);
    await client.set('long', 'x'.repeat(5000));
    assert.deepEqual(await lookUp(other, 'long'), []);
    client.destroy();
  });

  it('rejects at once what cannot be asked, and connects again by itself', async () => {
    const directory = open();
    await lookUp(directory, 'a');
    const told = once(errors, 'told');
    await redis.kill();
    await told;
    await assert.rejects(directory.lookUp(['a']));
    await assert.rejects(directory.publish([{ key: 'a', value: '1' }]));
    await redis.start();
    assert.deepEqual(await lookUp(directory, 'a'), []);
  });

  it('says what is wrong with a password without showing it', async () => {
    const told = once(errors, 'told') as Promise<[Error]>;
    open(redis.url.replace('hunter2', 'hunter3'));
    const [{ message }] = await told;
    assert.match(message, /WRONGPASS|invalid/i);
    assert.ok(!message.includes('hunter'));
  });
});
