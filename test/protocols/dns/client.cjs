// Node's resolver (c-ares): HOST PORT COUNT, in ever new sockets and a hundred names at once.
const assert = require('node:assert/strict');
const { Resolver } = require('node:dns').promises;

async function main([host, port, count]) {
  const resolver = new Resolver({ timeout: 10_000, tries: 1 });
  resolver.setServers([`${host}:${port}`]);
  for (let i = 0; i < count; i++) {
    assert.deepEqual((await resolver.resolve4('www.example.test')).sort(), ['192.0.2.1', '192.0.2.2']);
    assert.deepEqual(await resolver.resolve6('www.example.test'), ['2001:db8::1']);
    await assert.rejects(resolver.resolve4('nope.example.test'), { code: 'ENOTFOUND' });
  }
  const answers = await Promise.all(Array.from({ length: 100 }, () => resolver.resolveMx('example.test')));
  assert.equal(answers[99][0].exchange, 'mail.example.test');
}

main(process.argv.slice(2)).catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
