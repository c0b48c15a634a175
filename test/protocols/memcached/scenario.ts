import { ScenarioServer, programsOf, type Scenario } from '../../support/scenario.ts';

const { runs } = programsOf('memcached');

const hits = (hit: number, miss: number): Record<string, unknown> => ({
  'undertrace.memcached.hit.count': hit,
  'undertrace.memcached.miss.count': miss,
});

export const scenario: Scenario = {
  protocol: 'memcached',
  start: (place) =>
    ScenarioServer.start(['memcached', '-u', 'nobody', '-l', place.host, '-p', String(place.port)], place),
  clients: [
    {
      name: 'pymemcache',
      command: runs('python3', 'client.py'),
      expects: (count) => [
        { name: 'set', count: 3 * count + 1, attributes: { 'db.system.name': 'memcached' } },
        { name: 'get', count: 2 * count + 1 },
        { name: 'add', count },
        { name: 'append', count },
        { name: 'gets', count, attributes: hits(1, 0) },
        { name: 'cas', count: 2 * count },
        { name: 'incr', count },
        { name: 'incr', count, errorType: 'CLIENT_ERROR' },
        { name: 'touch', count },
        { name: 'delete', count: 2 * count },
        { name: 'memcached', count, errorType: 'ERROR' },
        { name: 'quit', count: 1 },
      ],
    },
    {
      name: 'node-memcached',
      command: runs('node', 'client.cjs'),
      expects: (count) => [
        { name: 'set', count: count + 1 },
        { name: 'get', count: 3 * count + 1010 },
        { name: 'add', count },
        { name: 'incr', count, errorType: 'CLIENT_ERROR' },
        { name: 'replace', count },
        { name: 'decr', count },
        { name: 'delete', count },
      ],
    },
    {
      name: 'meta-memcache',
      command: runs('python3', 'meta.py'),
      expects: (count) => [
        { name: 'ms', count: 3 * count },
        { name: 'mg', count: 5 * count },
        { name: 'ma', count: 2 * count },
        { name: 'md', count: 2 * count },
      ],
    },
    {
      name: 'memjs',
      command: runs('node', 'binary.cjs'),
      expects: (count) => [
        { name: 'set', count: count + 1 },
        { name: 'get', count: 2 * count + 100 },
        { name: 'add', count },
        { name: 'replace', count },
        { name: 'append', count },
        { name: 'incr', count },
        { name: 'incr', count, errorType: '0x0006' },
        { name: 'touch', count },
        { name: 'delete', count },
      ],
    },
    {
      name: 'python-binary-memcached',
      command: runs('python3', 'binary.py'),
      expects: (count) => [
        { name: 'BATCH set', count, attributes: { 'db.operation.batch.size': 5 } },
        { name: 'BATCH get', count, attributes: hits(5, 1) },
        { name: 'delete', count: 2 * count },
        { name: 'get', count, attributes: hits(1, 0) },
      ],
    },
    {
      name: 'libmemcached',
      count: 10,
      command: runs('sh', 'tools.sh'),
      expects: (count) => [
        { name: 'set', count: 2 * count },
        { name: 'get', count: 3 * count },
        { name: 'add', count },
        { name: 'delete', count },
        { name: 'quit', count: 7 * count },
      ],
    },
  ],
};
