// node-postgres: HOST PORT COUNT. Simple and extended queries, statements with a name, errors, a transaction, notifications.
const assert = require('node:assert/strict');
const { once } = require('node:events');
const { Client } = require('pg');

async function main([host, port, count]) {
  const settings = { host, port: Number(port), user: 'shop', password: 'secret', database: 'shop' };
  const client = new Client(settings);
  const listener = new Client(settings);
  await Promise.all([client.connect(), listener.connect()]);
  await client.query('CREATE TABLE orders (id int PRIMARY KEY, note text)');
  await listener.query('LISTEN news');
  for (let i = 0; i < count; i++) {
    await client.query('INSERT INTO orders VALUES ($1, $2)', [i, `note ${i}`]);
    const { rows } = await client.query(`SELECT note FROM orders WHERE id = ${i} OR note = 'x'`);
    assert.deepEqual(rows, [{ note: `note ${i}` }]);
    const named = { name: 'by-id', text: 'SELECT id FROM orders o WHERE o.id <= $1', values: [i] };
    assert.equal((await client.query(named)).rowCount, i + 1);
    await assert.rejects(client.query('INSERT INTO orders VALUES ($1, NULL)', [i]), { code: '23505' });
    await assert.rejects(client.query('SELEC 1'), { code: '42601' });
    await client.query('BEGIN');
    await client.query("UPDATE orders SET note = note || 'x'");
    await client.query('ROLLBACK');
    const heard = once(listener, 'notification');
    await client.query(`NOTIFY news, 'order ${i}'`);
    assert.equal((await heard)[0].payload, `order ${i}`);
    // More than is captured of one response.
    const big = await client.query("SELECT repeat('y', 300000) AS big");
    assert.equal(big.rows[0].big.length, 300_000);
  }
  await client.query('DROP TABLE orders');
  await Promise.all([client.end(), listener.end()]);
}

main(process.argv.slice(2)).catch((error) => {
  console.error(error);
  process.exit(1);
});
