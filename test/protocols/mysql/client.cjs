// mysql2: HOST PORT COUNT. Text and prepared statements, several results, errors, a transaction, LOAD DATA LOCAL. Then mariadb: 50 queries in flight.
const assert = require('node:assert/strict');
const { Readable } = require('node:stream');
const mariadb = require('mariadb');
const mysql = require('mysql2/promise');

async function converse(settings, count) {
  const client = await mysql.createConnection({ ...settings, multipleStatements: true });
  await client.query('CREATE TABLE orders (id int PRIMARY KEY, note text)');
  for (let i = 0; i < count; i++) {
    await client.query(`INSERT INTO orders VALUES (${i}, 'it\\'s "secret" ${i}')`);
    const [rows] = await client.execute('SELECT note FROM orders WHERE id = ?', [i]);
    assert.equal(rows[0].note, `it's "secret" ${i}`);
    await assert.rejects(client.query(`INSERT INTO orders VALUES (${i}, NULL)`), {
      errno: 1062,
      sqlState: '23000',
    });
    await assert.rejects(client.query('SELEC 1'), { errno: 1064, sqlState: '42000' });
    const [results] = await client.query("UPDATE orders SET note = 'x' WHERE id < 0; SELECT id FROM orders");
    assert.equal(results[1].length, i + 1);
    await client.beginTransaction();
    await client.execute('DELETE FROM orders WHERE id = ?', [i]);
    await client.rollback();
    await client.ping();
    // More than is captured of one response.
    const [[{ big }]] = await client.query("SELECT repeat('y', 100000) AS big");
    assert.equal(big.length, 100_000);
  }
  // More packets than there are numbers.
  const lines = Array.from({ length: 300 }, (_, i) => Buffer.from(`${i + count}\tline ${i}\n`));
  const [loaded] = await client.query({
    sql: "LOAD DATA LOCAL INFILE 'lines' INTO TABLE orders",
    infileStreamFactory: () => Readable.from(lines),
  });
  assert.equal(loaded.affectedRows, 300);
  await client.changeUser({ database: 'mysql' });
  await client.query('USE shop');
  await client.query('DROP TABLE orders');
  await client.end();
}

/** What is sent at once must fit into what is captured of a connection that the agent has not looked at yet. */
async function pipeline(settings) {
  const client = await mariadb.createConnection({ ...settings, pipelining: true });
  for (let round = 0; round < 4; round++) {
    const numbers = Array.from({ length: 50 }, (_, i) => 50 * round + i);
    const answers = await Promise.all(numbers.map((i) => client.query(`SELECT ${i} AS number FROM dual`)));
    answers.forEach(([{ number }], i) => assert.equal(number, numbers[i]));
  }
  await client.end();
}

async function main([host, port, count]) {
  const settings = { host, port: Number(port), user: 'shop', password: 'secret', database: 'shop' };
  await converse(settings, Number(count));
  await pipeline(settings);
}

main(process.argv.slice(2)).catch((error) => {
  console.error(error);
  process.exit(1);
});
