// Calls of all kinds: HOST PORT COUNT.
const grpc = require('@grpc/grpc-js');
const assert = require('node:assert/strict');
const { once } = require('node:events');

const [host, port, count] = process.argv.slice(2);
const same = (bytes) => bytes;
const open = (options) => new grpc.Client(`${host}:${port}`, grpc.credentials.createInsecure(), options);
const client = open({});
const { status } = grpc;

function unary(name, message, options = {}, by = client) {
  return new Promise((resolve, reject) => {
    const answer = (error, value) => (error ? reject(error) : resolve(value));
    by.makeUnaryRequest(
      `/shop.Orders/${name}`,
      same,
      same,
      Buffer.from(message),
      new grpc.Metadata(),
      options,
      answer,
    );
  });
}

const fails = (call, ...codes) => assert.rejects(call, (error) => codes.includes(error.code));

function collect() {
  return new Promise((resolve, reject) => {
    const answer = (error, value) => (error ? reject(error) : resolve(value));
    const call = client.makeClientStreamRequest('/shop.Orders/Collect', same, same, answer);
    for (let i = 0; i < 5; i++) call.write(Buffer.from(`part ${i}`));
    call.end();
  });
}

async function messages(call) {
  const all = [];
  for await (const message of call) all.push(message);
  return all.length;
}

function talk() {
  const call = client.makeBidiStreamRequest('/shop.Orders/Talk', same, same);
  for (let i = 0; i < 4; i++) call.write(Buffer.from(`part ${i}`));
  call.end();
  return messages(call);
}

async function cancelled() {
  const call = client.makeServerStreamRequest('/shop.Orders/Endless', same, same, Buffer.from('go'));
  call.on('data', () => call.cancel());
  const [error] = await once(call, 'error');
  assert.equal(error.code, status.CANCELLED);
}

/** Only the first call of a channel is compressed: the list in the response's grpc-accept-encoding has spaces that grpc-js does not expect. */
async function squeeze() {
  const squeezing = open({
    'grpc.default_compression_algorithm': grpc.compressionAlgorithms.gzip,
    'grpc.use_local_subchannel_pool': 1,
  });
  assert.equal((await unary('Squeeze', 'x'.repeat(5000), {}, squeezing)).length, 5000);
  squeezing.close();
}

async function main() {
  for (let i = 0; i < Number(count); i++) assert.equal(String(await unary('Get', `${i}`)), `${i}`);
  await once(process.stdin.resume(), 'end');
  for (let i = 0; i < Number(count) / 10; i++) {
    await fails(unary('Missing', '?'), status.NOT_FOUND);
    await fails(unary('Broken', '?'), status.INTERNAL);
    await fails(unary('Late', '?', { deadline: Date.now() + 60_000 }), status.DEADLINE_EXCEEDED);
    // A server in Go resets the stream, too, perhaps first.
    const late = [status.DEADLINE_EXCEEDED, status.CANCELLED];
    await fails(unary('Wait', '?', { deadline: Date.now() + 200 }), ...late);
    await fails(unary('Unheard', '?'), status.UNIMPLEMENTED);
    assert.equal(String(await collect()), '30');
    assert.equal(
      await messages(client.makeServerStreamRequest('/shop.Orders/List', same, same, Buffer.from('7'))),
      7,
    );
    assert.equal(await talk(), 4);
    await squeeze();
    await cancelled();
  }
  await Promise.all(Array.from({ length: 1000 }, () => unary('Gather', 'g')));
  client.close();
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
