import { ScenarioServer, programsOf, type Scenario } from '../../support/scenario.ts';

const { runs } = programsOf('redis');

export const scenario: Scenario = {
  protocol: 'redis',
  start: (place) =>
    ScenarioServer.start(
      ['redis-server', '--port', String(place.port), '--save', '', '--dir', place.folder],
      place,
    ),
  clients: [
    {
      name: 'ioredis',
      command: runs('node', 'client.cjs'),
      // Until it is known that the connection is pipelined, the kernel copies the head of a run alone.
      before: (count) => 7 * count,
      expects: (count) => [
        { name: 'SET', count },
        { name: 'GET', count },
        { name: 'LPUSH', count, errorType: 'WRONGTYPE' },
        { name: 'MULTI', count },
        { name: 'INCR', count },
        { name: 'HSET', count, attributes: { 'db.system.name': 'redis' } },
        { name: 'EXEC', count, attributes: { 'db.operation.batch.size': 2 } },
        { name: 'ECHO', count: 1000, attributes: { 'db.query.text': 'ECHO ?' } },
        { name: 'QUIT', count: 1 },
      ],
    },
    {
      name: 'redis-py',
      command: runs('python3', 'client.py'),
      expects: (count) => [
        { name: 'HELLO', count: 2 },
        { name: 'CLIENT', count: 2, errorType: 'ERR' },
        { name: 'SELECT', count: 2 },
        { name: 'HSET', count, attributes: { 'db.namespace': '1' } },
        { name: 'HGETALL', count },
        { name: 'SET', count },
        { name: 'GET', count },
        { name: 'DEL', count },
        { name: 'EVAL', count },
        { name: 'EVALSHA', count, errorType: 'NOSCRIPT' },
        { name: 'BLPOP', count },
        { name: 'SUBSCRIBE', count: 1 },
        { name: 'PUBLISH', count },
      ],
    },
    {
      name: 'redis-cli',
      count: 25,
      command: runs('sh', 'cli.sh'),
      expects: (count) => [
        { name: 'SET', count },
        { name: 'HELLO', count },
        { name: 'GET', count },
        { name: 'INCR', count },
        { name: 'LPUSH', count, errorType: 'WRONGTYPE' },
      ],
    },
    {
      name: 'redis-benchmark',
      command: ({ host, port }) => [
        ...['redis-benchmark', '-h', host, '-p', String(port), '-t', 'get', '-n', '2000', '-c', '10'],
        ...['-P', '16', '-q'],
      ],
      expects: () => [
        { name: 'GET', count: 2000 },
        { name: 'CONFIG', count: 2 },
      ],
    },
  ],
};
