// HTTP/2 without TLS in Node: HOST PORT COUNT BURST SIZE FACES ("plain": the server has no trailers and breaks nothing off). Its frames are padded.
const http2 = require('node:http2');
const { once } = require('node:events');
const assert = require('node:assert/strict');

const [host, port, count, burst, size, faces] = process.argv.slice(2);
const { NGHTTP2_CANCEL, NGHTTP2_INTERNAL_ERROR, NGHTTP2_ENHANCE_YOUR_CALM, PADDING_STRATEGY_ALIGNED } =
  http2.constants;

async function connect() {
  const session = http2.connect(`http://${host}:${port}`, {
    paddingStrategy: PADDING_STRATEGY_ALIGNED,
    maxSendHeaderBlockLength: 100_000,
  });
  await once(session, 'remoteSettings');
  return session;
}

async function get(session, path, { status = 200, size, head = {} } = {}) {
  const stream = session.request({ ':path': path, ...head });
  const [response] = await once(stream, 'response');
  let length = 0;
  for await (const chunk of stream) length += chunk.length;
  assert.equal(response[':status'], status);
  if (size !== undefined) assert.equal(length, size);
}

async function echo(session, size) {
  const stream = session.request(
    { ':path': '/echo', ':method': 'POST', trailer: 'x-sent' },
    { waitForTrailers: faces !== 'plain' },
  );
  let trailers;
  stream.on('wantTrailers', () => stream.sendTrailers({ 'x-sent': 'all' }));
  stream.on('trailers', (got) => (trailers = got));
  stream.end('e'.repeat(size));
  let body = '';
  for await (const chunk of stream.setEncoding('latin1')) body += chunk;
  if (faces === 'plain') return;
  assert.equal(body.length, size);
  assert.equal(trailers['x-got'], 'all');
}

async function cancel(session) {
  const stream = session.request({ ':path': '/slow' });
  await once(stream, 'data');
  stream.close(NGHTTP2_CANCEL);
  await once(stream, 'close');
  assert.equal(stream.rstCode, NGHTTP2_CANCEL);
}

async function broken(session) {
  const stream = session.request({ ':path': '/broken' });
  stream.resume();
  const [error] = await once(stream, 'error');
  assert.equal(error.code, 'ERR_HTTP2_STREAM_ERROR');
  assert.equal(stream.rstCode, NGHTTP2_INTERNAL_ERROR);
}

async function calm() {
  const session = await connect();
  session.on('error', () => undefined); // it is what the server says
  const closed = new Promise((resolve) => session.once('close', resolve));
  const goaway = new Promise((resolve) => session.once('goaway', resolve));
  await get(session, '/small');
  const stream = session.request({ ':path': '/calm' });
  stream.on('error', () => undefined);
  assert.equal(await goaway, NGHTTP2_ENHANCE_YOUR_CALM);
  await closed;
}

async function last() {
  const session = await connect();
  const closed = once(session, 'close');
  await get(session, '/last', { size: 6 });
  await closed;
}

async function main() {
  const session = await connect();
  for (let i = 0; i < Number(count); i++) {
    await get(session, '/small', { size: 6 });
    await get(session, '/missing', { status: 404 });
  }
  await once(process.stdin.resume(), 'end');
  for (let i = 0; i < Number(count) / 10; i++) {
    await echo(session, 1000 * i);
    await get(session, '/small', { size: 6, head: { 'x-long': '~'.repeat(20_000) } });
    await get(session, '/big', { size: 300_000 });
    await cancel(session);
    if (faces === 'plain') continue;
    await get(session, '/head', { size: 6 });
    await broken(session);
  }
  await Promise.all(Array.from({ length: Number(size) }, () => get(session, burst, { size: 6 })));
  session.close();
  await once(session, 'close');
  if (faces !== 'goaway') return;
  for (let i = 0; i < Number(count) / 10; i++) {
    await last();
    await calm();
  }
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
