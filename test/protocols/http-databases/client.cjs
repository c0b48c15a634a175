// Elasticsearch and ClickHouse by their own clients: HOST PORT COUNT.
const assert = require('node:assert/strict');
const { Client } = require('@elastic/elasticsearch');
const { createClient } = require('@clickhouse/client');

async function main() {
  const [host, port, count] = process.argv.slice(2);
  const url = `http://${host}:${port}`;
  const search = new Client({ node: url, maxRetries: 0 });
  const house = createClient({ url, database: 'shop', keep_alive: { enabled: true } });
  await search.indices.create({ index: 'products' });
  for (let i = 0; i < Number(count); i++) {
    await search.index({ index: 'products', id: '1', document: { price: 5, name: 'secret' } });
    const { hits } = await search.search({ index: 'products', query: { term: { name: 'secret' } } });
    assert.equal(hits.total.value, 1);
    await search.bulk({ operations: [{ delete: { _index: 'products', _id: '2' } }] });
    await assert.rejects(search.get({ index: 'products', id: '99' }), { name: 'ResponseError' });
    await house.insert({ table: 'visits', values: [{ n: i }], format: 'JSONEachRow' });
    const rows = await house.query({
      query: "SELECT n FROM visits WHERE who = 'secret'",
      format: 'JSONEachRow',
    });
    assert.deepEqual(await rows.json(), [{ n: 1 }]);
    await assert.rejects(house.query({ query: 'SELECT 1 FROM missing' }), { code: '60' });
  }
  await house.close();
  await search.close();
}

main();
