/**
 * The second service of the demo: counts visits in Redis. No telemetry of its own: that is the point.
 *
 *   GET /visits/<name>   counts one more, and says how many there were
 *   GET /fail            asks Redis for what it refuses, and answers 500
 *
 * Speaks Redis' protocol itself (https://redis.io/docs/latest/develop/reference/protocol-spec/), so that it needs no package.
 */
import { createServer } from 'node:http';
import { connect } from 'node:net';

const { REDIS_HOST = 'redis', REDIS_PORT = '6379', PORT = '3000' } = process.env;

/** One command on a connection of its own; the reply is one line: `:17` or `-ERR …`. */
function redis(...words) {
  const bulk = words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(REDIS_PORT), REDIS_HOST, () => {
      socket.write(`*${words.length}\r\n${bulk.join('')}`);
    });
    socket.setEncoding('utf8').on('error', reject);
    socket.once('data', (reply) => {
      socket.end();
      if (reply.startsWith('-')) reject(new Error(reply.slice(1).trim()));
      else resolve(reply.slice(1).trim());
    });
  });
}

const server = createServer(async (request, response) => {
  const [, page, name] = request.url.split('/');
  try {
    if (page === 'visits' && name) return response.end(`${await redis('INCR', `visits:${name}`)}\n`);
    if (page === 'fail') return response.end(await redis('INCRBY', 'visits:all', 'many'));
    response.writeHead(404).end('Known: /visits/<name> /fail\n');
  } catch (error) {
    response.writeHead(500).end(`${error.message}\n`);
  }
});
server.listen(Number(PORT), () => console.log(`listening on port ${PORT}`));
process.on('SIGTERM', () => process.exit(0));
