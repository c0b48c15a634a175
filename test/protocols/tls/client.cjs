// Node's tls: HOST PORT COUNT FOLDER. All handshakes at a time where the server takes so many ("together"), else one after the other.
const tls = require('node:tls');
const { once } = require('node:events');
const { readFileSync } = require('node:fs');
const assert = require('node:assert/strict');

const [host, port, count, folder, how] = process.argv.slice(2);
const ca = readFileSync(`${folder}/certificate.pem`);

async function ask() {
  const socket = tls.connect({ host, port, ca, servername: 'shop.example', ALPNProtocols: ['http/1.1'] });
  await once(socket, 'secureConnect');
  assert.equal(socket.getProtocol(), 'TLSv1.3');
  socket.write('GET / HTTP/1.0\r\n\r\n');
  let answer = '';
  for await (const chunk of socket.setEncoding('latin1')) answer += chunk;
  assert.match(answer, /200/);
}

async function main() {
  if (how === 'together') await Promise.all(Array.from({ length: Number(count) }, ask));
  else for (let i = 0; i < Number(count); i++) await ask();
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
