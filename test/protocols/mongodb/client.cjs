// mongodb: HOST PORT COUNT. COUNT rounds one after another, then 1,000 queries at once over ten connections.
const assert = require('node:assert/strict');
const { MongoClient } = require('mongodb');

async function main([host, port, count]) {
  const client = new MongoClient(`mongodb://${host}:${port}/?maxPoolSize=10`);
  await client.connect();
  const orders = client.db('shop').collection('orders');
  for (let i = 0; i < count; i++) {
    const written = await orders.insertMany([0, 1, 2].map((k) => ({ _id: 3 * i + k, round: i })));
    assert.equal(written.insertedCount, 3);
    const found = await orders.find({ round: i }).batchSize(2).toArray();
    assert.equal(found.length, 3);
    assert.equal((await orders.updateOne({ _id: 3 * i }, { $set: { paid: true } })).modifiedCount, 1);
    await assert.rejects(orders.insertOne({ _id: 3 * i }), { code: 11000 });
    await assert.rejects(client.db('shop').command({ unheardOf: 1 }), { code: 59 });
    assert.equal((await orders.deleteOne({ _id: 3 * i + 2 })).deletedCount, 1);
  }
  const all = await Promise.all(
    Array.from({ length: 1000 }, (_, i) => orders.distinct('round', { _id: 3 * (i % count) })),
  );
  all.forEach((rounds, i) => assert.deepEqual(rounds, [i % count]));
  await client.close();
}

main(process.argv.slice(2)).catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
