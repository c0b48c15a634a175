// kafkajs: HOST PORT COUNT. COUNT messages of each kind of acknowledgement, one after another; 1,000 in flight; a group that gets a message at a time.
const assert = require('node:assert/strict');
const { once } = require('node:events');
const { Kafka, logLevel } = require('kafkajs');

const [host, port, count] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4])];

/** What is retried, if never, has the broker's error as its cause. */
const isOf = (type) => (error) => (error.cause ?? error).type === type;

/** Each message is sent when the one before has come: so one answer has one message. */
async function consume(kafka, send) {
  const consumer = kafka.consumer({ groupId: 'readers', maxWaitTimeInMs: 60_000 });
  await consumer.connect();
  await consumer.subscribe({ topic: 'read', fromBeginning: true });
  let got;
  await consumer.run({
    autoCommit: false,
    eachMessage: async ({ message }) => got(message.value.toString()),
  });
  for (let i = 0; i < count; i++) {
    const message = new Promise((resolve) => (got = resolve));
    await send(`message ${i}`);
    assert.equal(await message, `message ${i}`);
  }
  const offset = String(count);
  await consumer.commitOffsets([{ topic: 'read', partition: 0, offset }]);
  // It waits for the answer to its last fetch.
  const stopped = consumer.stop();
  await send('last');
  await stopped;
  await consumer.disconnect();
}

async function main() {
  const kafka = new Kafka({
    clientId: 'node',
    brokers: [`${host}:${port}`],
    requestTimeout: 90_000,
    retry: { retries: 0 },
    logLevel: logLevel.NOTHING,
  });
  const admin = kafka.admin();
  await admin.connect();
  const topics = ['made', 'read'].map((topic) => ({ topic, numPartitions: 1 }));
  topics.push({ topic: 'narrow', configEntries: [{ name: 'max.message.bytes', value: '500' }] });
  assert.equal(await admin.createTopics({ topics }), true);
  await assert.rejects(admin.deleteTopics({ topics: ['missing'] }), isOf('UNKNOWN_TOPIC_OR_PARTITION'));
  const producer = kafka.producer({ idempotent: false });
  await producer.connect();
  const send = (topic, acks, value) => producer.send({ topic, acks, messages: [{ value }] });
  for (let i = 0; i < count; i++) {
    assert.equal((await send('made', 1, `one ${i}`))[0].baseOffset, String(3 * i));
    assert.equal((await send('made', -1, `all ${i}`))[0].baseOffset, String(3 * i + 1));
    await send('made', 0, `none ${i}`);
    await assert.rejects(send('narrow', 1, 'x'.repeat(600)), isOf('MESSAGE_TOO_LARGE'));
  }
  await once(process.stdin.resume(), 'end');
  const sent = await Promise.all(Array.from({ length: 1000 }, (_, i) => send('made', 1, `at once ${i}`)));
  const offsets = sent.map(([{ baseOffset }]) => Number(baseOffset) - 3 * count);
  assert.deepEqual(
    offsets.sort((a, b) => a - b),
    Array.from({ length: 1000 }, (_, i) => i),
  );
  await consume(kafka, (value) => send('read', 1, value));
  await producer.disconnect();
  await admin.disconnect();
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
