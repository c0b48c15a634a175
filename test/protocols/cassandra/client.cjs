// cassandra-driver: HOST PORT COUNT. Protocol v4: COUNT rounds one after another, then 1,000 queries in flight on one connection.
const assert = require('node:assert/strict');
const { once } = require('node:events');
const { Client, types } = require('cassandra-driver');

async function main([host, port, count]) {
  const client = new Client({
    contactPoints: [host],
    protocolOptions: { port: Number(port) },
    localDataCenter: 'datacenter1',
    pooling: { coreConnectionsPerHost: { [types.distance.local]: 1 } },
    isMetadataSyncEnabled: false,
  });
  await client.connect();
  await client.execute(
    "CREATE KEYSPACE shop WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}",
  );
  await client.execute('CREATE TABLE shop.orders (id int PRIMARY KEY, total int)');
  const insert = 'INSERT INTO shop.orders (id, total) VALUES (?, ?)';
  const select = 'SELECT total FROM shop.orders WHERE id = ?';
  for (let i = 0; i < count; i++) {
    await client.execute(insert, [i, 2 * i], { prepare: true, consistency: types.consistencies.quorum });
    assert.equal((await client.execute(select, [i], { prepare: true })).first().total, 2 * i);
    await client.execute(`UPDATE shop.orders SET total = ${3 * i} WHERE id = ${i}`);
    const deletions = [i + 1000, i + 2000].map((id) => ({
      query: 'DELETE FROM shop.orders WHERE id = ?',
      params: [id],
    }));
    await client.batch(deletions, { prepare: false, logged: false, hints: [['int'], ['int']] });
    await assert.rejects(client.execute(`SELECT price FROM shop.orders WHERE id = ${i}`), { code: 0x2200 });
  }
  await once(process.stdin.resume(), 'end');
  const rows = await Promise.all(
    Array.from({ length: 1000 }, (_, i) =>
      client.execute('SELECT id FROM shop.orders WHERE id = ?', [i % count], { prepare: true }),
    ),
  );
  rows.forEach((row, i) => assert.equal(row.first().id, i % count));
  await client.shutdown();
}

main(process.argv.slice(2)).catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
