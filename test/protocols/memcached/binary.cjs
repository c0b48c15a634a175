// memjs: HOST PORT COUNT. COUNT rounds of the binary protocol, then 100 in flight over one connection.
const assert = require('node:assert/strict');
const { Client } = require('memjs');

const [host, port, count] = process.argv.slice(2);
const client = Client.create(`${host}:${port}`, { retries: 1, timeout: 60, conntimeout: 60 });

async function main() {
  for (let i = 0; i < count; i++) {
    assert.equal(await client.set(`b:${i}`, `value ${i}`, { expires: 60 }), true);
    assert.equal((await client.get(`b:${i}`)).value.toString(), `value ${i}`);
    assert.equal((await client.get(`nothing:${i}`)).value, null);
    assert.equal(await client.add(`b:${i}`, 'x', {}), false);
    assert.equal(await client.replace(`b:${i}`, 'text', {}), true);
    assert.equal(await client.append(`b:${i}`, ' and more'), true);
    await assert.rejects(client.increment(`b:${i}`, 1, { initial: 0 }), /non-numeric/);
    assert.equal((await client.increment(`i:${i}`, 1, { initial: 40 })).value, 40);
    assert.equal(await client.touch(`i:${i}`, 60), true);
    assert.equal(await client.delete(`i:${i}`), true);
  }
  await client.set('many', 'value', {});
  const values = await Promise.all(Array.from({ length: 100 }, () => client.get('many')));
  assert.ok(values.every(({ value }) => value.toString() === 'value'));
  client.close();
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
