// ioredis: HOST PORT COUNT. COUNT rounds of commands, then, when its standard input ends, 1,000 in flight on one connection.
const { once } = require('node:events');
const assert = require('node:assert/strict');
const Redis = require('ioredis');

async function main([host, port, count]) {
  const redis = new Redis({
    host,
    port: Number(port),
    lazyConnect: true,
    enableReadyCheck: false,
    disableClientInfo: true,
  });
  await redis.connect();
  for (let i = 0; i < count; i++) {
    await redis.set(`user:${i}`, `name-${i}`);
    assert.equal(await redis.get(`user:${i}`), `name-${i}`);
    await assert.rejects(redis.lpush(`user:${i}`, 'x'), /WRONGTYPE/);
    const results = await redis.multi().incr('visits').hset(`h:${i}`, 'field', 'value').exec();
    assert.equal(results.length, 2);
  }
  await once(process.stdin.resume(), 'end');
  const answers = await Promise.all(Array.from({ length: 1000 }, (_, i) => redis.echo(`text ${i}`)));
  assert.deepEqual(answers[999], 'text 999');
  await redis.quit();
}

main(process.argv.slice(2)).catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
