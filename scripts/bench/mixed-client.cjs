// Asks each server so many times a second, whatever the answers take: JSON of {seconds, rates, ports, dns}. Prints how often each was asked and answered.
const { Resolver } = require('node:dns').promises;
const Redis = require('ioredis');
const Memcached = require('memcached');
const mqtt = require('mqtt');
const { connect } = require('nats');

/** How often it looks how many are due. */
const TICK_MS = 5;
const HOST = '127.0.0.1';

/** By protocol: what asks once, and what ends the connection. */
async function open({ ports, dns }) {
  const redis = new Redis(ports.redis, HOST);
  await redis.set('user:1', 'alice');
  const cache = new Memcached(`${HOST}:${ports.memcached}`, { poolSize: 4 });
  const cached = (...args) =>
    new Promise((resolve, reject) =>
      cache[args.shift()](...args, (e, value) => (e ? reject(e) : resolve(value))),
    );
  await cached('set', 'user:1', 'alice', 600);
  const queue = await mqtt.connectAsync(`mqtt://${HOST}:${ports.mqtt}`);
  const bus = await connect({ servers: `${HOST}:${ports.nats}` });
  const service = await connect({ servers: `${HOST}:${ports.nats}` });
  service.subscribe('ask', { callback: (_, message) => message.respond('answer') });
  await service.flush();
  const resolver = new Resolver();
  resolver.setServers([dns]);
  return {
    asks: {
      redis: () => redis.get('user:1'),
      memcached: () => cached('get', 'user:1'),
      mqtt: () => queue.publishAsync('news', 'text', { qos: 1 }),
      nats: () => bus.request('ask', 'question', { timeout: 60_000 }),
      dns: () => resolver.resolve4('www.example.test'),
    },
    async close() {
      redis.disconnect();
      cache.end();
      await queue.endAsync();
      await bus.close();
      await service.close();
    },
  };
}

async function main() {
  const plan = JSON.parse(process.argv[2]);
  const { asks, close } = await open(plan);
  const asked = Object.fromEntries(Object.keys(asks).map((name) => [name, 0]));
  const pending = new Set();
  const started = performance.now();
  await new Promise((resolve) => {
    const timer = setInterval(() => {
      const seconds = Math.min(plan.seconds, (performance.now() - started) / 1000);
      for (const [name, ask] of Object.entries(asks))
        for (const due = Math.floor(seconds * plan.rates[name]); asked[name] < due; asked[name]++) {
          const answer = ask();
          pending.add(answer);
          answer.then(() => pending.delete(answer), resolve);
        }
      if (seconds < plan.seconds) return;
      clearInterval(timer);
      resolve();
    }, TICK_MS);
  });
  await Promise.all(pending);
  await close();
  process.stdout.write(JSON.stringify(asked));
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
