// MQTT 5: COUNT messages of each QoS to itself, and 1,000 at once that nobody gets.
const assert = require('node:assert/strict');
const mqtt = require('mqtt');

const [host, port, count] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4])];
const TOPIC = 'undertrace/node';

async function main() {
  const client = await mqtt.connectAsync({ host, port, protocolVersion: 5, clientId: 'node', keepalive: 0 });
  let got = () => assert.fail('a message that nobody has sent');
  client.on('message', (topic, payload, { qos }) => got(`${topic} ${payload} ${qos}`));
  await client.subscribeAsync(TOPIC, { qos: 2 });
  for (let round = 0; round < count; round++) {
    for (const qos of [0, 1, 2]) {
      const message = new Promise((resolve) => (got = resolve));
      const properties = { userProperties: { round: String(round) } };
      await client.publishAsync(TOPIC, `message ${round}`, { qos, properties });
      assert.equal(await message, `${TOPIC} message ${round} ${qos}`);
    }
  }
  await Promise.all(
    Array.from({ length: 1000 }, (_, i) => client.publishAsync('undertrace/burst', `${i}`, { qos: 1 })),
  );
  await client.unsubscribeAsync(TOPIC);
  await client.endAsync();
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
