import { inCheckout } from '../../support/programs.ts';
import { ScenarioServer, type Scenario } from '../../support/scenario.ts';

const program = (file: string): string => inCheckout('test', 'protocols', 'redis', file);

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
      command: ({ host, port, count }) => ['node', program('client.cjs'), host, String(port), String(count)],
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
      command: ({ host, port, count }) => [
        'python3',
        program('client.py'),
        host,
        String(port),
        String(count),
      ],
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
