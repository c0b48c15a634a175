// WebSocket with ws: MODE HOST PORT COUNT, a connection for each round.
const WebSocket = require('ws');
const { once } = require('node:events');
const assert = require('node:assert/strict');

const [mode, host, port, count] = process.argv.slice(2);
const SIZES = [0, 1, 125, 126, 65_535, 65_536, 1_000_000];

async function open(path, perMessageDeflate = false) {
  const socket = new WebSocket(`ws://${host}:${port}${path}`, { perMessageDeflate, maxPayload: 4_000_000 });
  await once(socket, 'open');
  return socket;
}

async function close(socket, code) {
  socket.close(code);
  const [got] = await once(socket, 'close');
  assert.equal(got, code ?? 1005);
}

async function echo(socket, message, options = {}) {
  const answer = once(socket, 'message');
  socket.send(message, options);
  const [got, isBinary] = await answer;
  assert.equal(isBinary, typeof message !== 'string');
  assert.ok(Buffer.from(message).equals(got));
}

const MODES = {
  async sizes() {
    const socket = await open('/sizes');
    for (const size of SIZES) await echo(socket, Buffer.alloc(size, 'b'));
    await close(socket, 1000);
  },
  /** A message in three fragments, with a ping between them. */
  async fragments() {
    const socket = await open('/fragments');
    const answer = once(socket, 'message');
    socket.send('one ', { fin: false });
    socket.ping('between');
    socket.send('two ', { fin: false });
    socket.send('three', { fin: true });
    assert.equal(String((await answer)[0]), 'one two three');
    await close(socket, 1000);
  },
  async deflate() {
    const socket = await open('/deflate', { threshold: 0 });
    assert.match(socket.extensions, /permessage-deflate/);
    for (let i = 0; i < 3; i++) await echo(socket, 'squeeze '.repeat(1000));
    await close(socket, 1001);
  },
  async pings() {
    const socket = await open('/pings');
    const pinged = once(socket, 'ping');
    socket.send('ping');
    await pinged;
    const pong = once(socket, 'pong');
    socket.ping('and you');
    await pong;
    await close(socket, undefined);
  },
  async policy() {
    const socket = await open('/policy');
    const closed = once(socket, 'close');
    socket.send('policy');
    assert.equal((await closed)[0], 1008);
  },
  async own() {
    const socket = await open('/own');
    await echo(socket, 'hello');
    await close(socket, 4001);
  },
  async pushed() {
    const socket = await open('/pushed');
    let got = 0;
    const all = new Promise((resolve) => socket.on('message', () => ++got === 10 && resolve()));
    socket.send('ten');
    await all;
    await close(socket, 1000);
  },
  /** The connection ends without a Close frame. */
  async torn() {
    const socket = await open('/torn');
    await echo(socket, 'hello');
    socket._socket.end();
    await once(socket, 'close');
  },
  async refused() {
    const socket = new WebSocket(`ws://${host}:${port}/refused`);
    const [error] = await once(socket, 'error');
    assert.match(error.message, /403/);
  },
  /** A hundred connections, all open at a time. */
  async many() {
    const sockets = await Promise.all(Array.from({ length: 100 }, () => open('/many')));
    await Promise.all(sockets.map((socket) => echo(socket, 'hello')));
    await Promise.all(sockets.map((socket) => close(socket, 1000)));
  },
};

async function main() {
  for (let i = 0; i < Number(count); i++) await MODES[mode]();
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
