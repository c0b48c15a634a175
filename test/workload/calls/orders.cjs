// Serves GET /…/<order> on HOST PORT and asks PostgreSQL, memcached and Redis, whose ports are named by JSON, once for each request, one after the other,
// always with the number of the order in what it asks. Packages are found through NODE_PATH.
const { Resolver } = require('node:dns').promises;
const { createServer } = require('node:http');
const Redis = require('ioredis');
const Memcached = require('memcached');
const { Pool } = require('pg');

const [host, port, json] = process.argv.slice(2);
const at = JSON.parse(json);
const redis = new Redis(at.redis, at.host);
const database = new Pool({
  host: at.host,
  port: at.postgresql,
  user: 'shop',
  password: 'secret',
  database: 'shop',
  max: 32,
});
const cache = new Memcached(`${at.host}:${at.memcached}`, { poolSize: 32 });

createServer((request, response) => {
  const order = /\d+$/.exec(request.url)[0];
  serve(order)
    .then((text) => response.end(text))
    .catch((error) => response.writeHead(500).end(String(error)));
}).listen(Number(port), host);

async function serve(order) {
  const { rows } = await database.query(`SELECT 1 AS order_${order}`);
  const cached = await new Promise((resolve, reject) => {
    cache.get(`order-${order}`, (error, value) => (error ? reject(error) : resolve(value)));
  });
  const stored = await redis.get(`order-${order}`);
  return JSON.stringify({ rows, cached, stored });
}
