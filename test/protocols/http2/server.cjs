// HTTP/2 without TLS in Node: HOST PORT. Its frames are padded.
const http2 = require('node:http2');

const [host, port] = process.argv.slice(2);
const { NGHTTP2_ENHANCE_YOUR_CALM, PADDING_STRATEGY_ALIGNED } = http2.constants;
const server = http2.createServer({
  settings: { maxConcurrentStreams: 2000 },
  paddingStrategy: PADDING_STRATEGY_ALIGNED,
  maxHeaderListPairs: 1000,
});

let gathered = [];
const FACES = {
  '/small': (stream) => answer(stream),
  // Answers nobody before 1,000 are there.
  '/gather'(stream) {
    gathered.push(stream);
    if (gathered.length < 1000) return;
    for (const each of gathered) answer(each);
    gathered = [];
  },
  '/big': (stream) => answer(stream, 'x'.repeat(300_000)),
  '/head': (stream) => answer(stream, 'hello\n', { 'x-long': '~'.repeat(20_000) }),
  '/echo'(stream, head) {
    let got = '';
    stream.on('trailers', (trailers) => (got = trailers['x-sent']));
    stream.respond({ ':status': 200 }, { waitForTrailers: head.trailer !== undefined });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'x-got': got }));
    stream.pipe(stream);
  },
  '/slow'(stream) {
    stream.respond({ ':status': 200 });
    stream.write('part');
  },
  '/broken'(stream) {
    stream.respond({ ':status': 200 });
    stream.write('part', () => stream.destroy(new Error('broken off')));
  },
  // This one and those behind it are refused, and the connection with them.
  '/calm': (stream) => (
    stream.session.goaway(NGHTTP2_ENHANCE_YOUR_CALM, stream.id - 2),
    stream.session.destroy()
  ),
  '/last'(stream) {
    answer(stream);
    stream.session.close();
  },
};

function answer(stream, body = 'hello\n', head = {}) {
  stream.respond({ ':status': 200, ...head });
  stream.end(body);
}

server.on('stream', (stream, head) => {
  stream.on('error', () => undefined); // the client's doing, or what was asked for
  const face = FACES[head[':path']];
  if (face) return face(stream, head);
  stream.respond({ ':status': 404 }, { endStream: true });
});
server.listen(Number(port), host);
process.on('SIGTERM', () => process.exit(0));
