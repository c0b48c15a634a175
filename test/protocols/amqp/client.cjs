// Two channels: COUNT messages that are confirmed, delivered and acknowledged, and returned ones; 1,000 publishes at once.
const assert = require('node:assert/strict');
const { once } = require('node:events');
const amqp = require('amqplib');

const [hostname, port, count] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4])];

async function main() {
  const connection = await amqp.connect(
    { hostname, port, heartbeat: 0 },
    { clientProperties: { connection_name: 'node' } },
  );
  const publisher = await connection.createConfirmChannel();
  const consumer = await connection.createChannel();
  await publisher.assertExchange('undertrace', 'direct', { durable: false });
  await consumer.assertQueue('made', { durable: false });
  await consumer.bindQueue('made', 'undertrace', 'made');
  let got = () => assert.fail('a message that nobody has sent');
  await consumer.consume('made', (message) => {
    consumer.ack(message);
    got(message.content.toString());
  });
  let returned = 0;
  publisher.on('return', () => returned++);
  for (let round = 0; round < count; round++) {
    const message = new Promise((resolve) => (got = resolve));
    publisher.publish('undertrace', 'made', Buffer.from(`message ${round}`), { headers: { round } });
    assert.equal(await message, `message ${round}`);
    publisher.publish('undertrace', 'nowhere', Buffer.from('?'), { mandatory: true });
    await publisher.waitForConfirms();
    assert.equal(returned, round + 1);
  }
  await once(process.stdin.resume(), 'end');
  await consumer.assertQueue('burst', { durable: false });
  for (let i = 0; i < 1000; i++) publisher.sendToQueue('burst', Buffer.from(`at once ${i}`));
  await publisher.waitForConfirms();
  assert.deepEqual(await consumer.deleteQueue('burst'), { messageCount: 1000 });
  await consumer.close();
  await connection.close();
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
