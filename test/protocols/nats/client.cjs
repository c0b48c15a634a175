// A service and who asks it, each on a connection of its own: COUNT requests and messages one by one, a request that nobody answers, 1,000 at once.
const assert = require('node:assert/strict');
const { once } = require('node:events');
const { connect, headers, StringCodec } = require('nats');

const [servers, count] = [`${process.argv[2]}:${process.argv[3]}`, Number(process.argv[4])];
const { encode, decode } = StringCodec();

async function main() {
  const service = await connect({ servers, name: 'service' });
  service.subscribe('undertrace.ask', {
    callback: (_, message) => message.respond(encode(`${decode(message.data)}!`)),
  });
  let got = () => assert.fail('a message that nobody has sent');
  service.subscribe('undertrace.told', { callback: (_, { data }) => got(decode(data)) });
  await service.flush();
  const client = await connect({ servers, name: 'asker' });
  const ask = async (text) =>
    assert.equal(
      decode((await client.request('undertrace.ask', encode(text), { timeout: 20_000 })).data),
      `${text}!`,
    );
  for (let round = 0; round < count; round++) {
    await ask(`question ${round}`);
    const message = new Promise((resolve) => (got = resolve));
    const options = { headers: headers() };
    options.headers.set('round', String(round));
    client.publish('undertrace.told', encode(`message ${round}`), options);
    assert.equal(await message, `message ${round}`);
    await assert.rejects(client.request('undertrace.nobody', encode('?'), { timeout: 20_000 }), {
      code: '503',
    });
  }
  await once(process.stdin.resume(), 'end');
  await Promise.all(Array.from({ length: 1000 }, (_, i) => ask(`at once ${i}`)));
  await client.close();
  await service.close();
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
