// memcached: HOST PORT COUNT. COUNT rounds of the text protocol, then 1,000 in flight over ten connections.
const assert = require('node:assert/strict');
const { promisify } = require('node:util');
const Memcached = require('memcached');

const [host, port, count] = process.argv.slice(2);
const connect = () => new Memcached(`${host}:${port}`, { poolSize: 1, retries: 0, timeout: 60_000 });
const client = connect();
const does = Object.fromEntries(
  ['set', 'get', 'getMulti', 'add', 'replace', 'incr', 'decr', 'del'].map((name) => [
    name,
    promisify(client[name]).bind(client),
  ]),
);

async function main() {
  for (let i = 0; i < count; i++) {
    assert.equal(await does.set(`n:${i}`, `VALUE x 0 3\r\nabc\r\nEND\r\n${i}`, 60), true);
    assert.equal(await does.get(`n:${i}`), `VALUE x 0 3\r\nabc\r\nEND\r\n${i}`);
    assert.equal(await does.get(`nothing:${i}`), undefined);
    assert.deepEqual(await does.getMulti([`n:${i}`, `nothing:${i}`]), {
      [`n:${i}`]: `VALUE x 0 3\r\nabc\r\nEND\r\n${i}`,
    });
    await assert.rejects(does.add(`n:${i}`, 'x', 60), /not stored/);
    await assert.rejects(does.incr(`n:${i}`, 1), /non-numeric/);
    assert.equal(await does.replace(`n:${i}`, '7', 60), true);
    assert.equal(await does.decr(`n:${i}`, 2), 5);
    assert.equal(await does.del(`n:${i}`), true);
  }
  await does.set('many', 'value', 60);
  const clients = Array.from({ length: 10 }, connect);
  const get = (each) => promisify(each.get).call(each, 'many');
  for (const each of clients) assert.equal(await get(each), 'value'); // once it is connected it takes many
  const asked = clients.flatMap((each) => Array.from({ length: 100 }, () => get(each)));
  assert.ok((await Promise.all(asked)).every((value) => value === 'value'));
  for (const each of [client, ...clients]) each.end();
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
