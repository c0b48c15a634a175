// HOST PORT COUNT FOLDER PROTOCOL TRANSPORT: COUNT rounds of calls, then 1,000 in flight over ten connections.
const assert = require('node:assert/strict');
const path = require('node:path');
const thrift = require('thrift');

const [host, port, count, folder, protocol, transport] = process.argv.slice(2);
const Newer = require(path.join(folder, 'Newer.js'));
const { DivisionByZero, Point } = require(path.join(folder, 'calculator_types.js'));

function connect() {
  const connection = thrift.createConnection(host, Number(port), {
    protocol: protocol === 'compact' ? thrift.TCompactProtocol : thrift.TBinaryProtocol,
    transport: transport === 'framed' ? thrift.TFramedTransport : thrift.TBufferedTransport,
  });
  connection.on('error', (error) => {
    console.error(error);
    process.exit(1);
  });
  return { connection, client: thrift.createClient(Newer, connection) };
}

const { connection, client } = connect();
const points = Array.from({ length: 20 }, (_, n) => new Point({ x: n, y: n / 3, visible: true, more: {} }));

async function main() {
  for (let i = 0; i < Number(count); i++) {
    assert.equal(await client.add(i, 2), i + 2);
    assert.equal((await client.mirror(points, { 1: -1 }, ['a'])).length, points.length);
    client.note(`nobody answers ${i}`);
    await client.ping();
    await assert.rejects(client.divide(1, 0), (error) => error instanceof DivisionByZero);
    await assert.rejects(client.broken(), (error) => error instanceof thrift.Thrift.TApplicationException);
    await assert.rejects(client.missing(1), (error) => error instanceof thrift.Thrift.TApplicationException);
  }
  const big = 'x'.repeat(200_000);
  assert.equal(await client.echo(big), big);
  const others = Array.from({ length: 10 }, connect);
  const sums = await Promise.all(
    others.flatMap((each) => Array.from({ length: 100 }, (_, i) => each.client.add(i, i % 3))),
  );
  sums.forEach((sum, i) => assert.equal(sum, (i % 100) + ((i % 100) % 3)));
  for (const each of [connection, ...others.map((other) => other.connection)]) each.end();
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
