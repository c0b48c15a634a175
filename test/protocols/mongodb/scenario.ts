import { ScenarioServer, programsOf, type Scenario } from '../../support/scenario.ts';

const { program, runs } = programsOf('mongodb');
/** Greetings of connections, and what monitors ask. */
const GREETINGS = ['ismaster admin', 'isMaster admin', 'hello admin', 'endSessions admin'];

export const scenario: Scenario = {
  protocol: 'mongodb',
  start: (place) =>
    ScenarioServer.start(['java', '-Xmx256m', program('Server.java'), String(place.port)], place),
  clients: [
    {
      name: 'node',
      command: runs('node', 'client.cjs'),
      expects: (count) => [
        {
          name: 'insert orders',
          count,
          attributes: { 'db.operation.batch.size': 3, 'db.namespace': 'shop' },
        },
        { name: 'insert orders', count, errorType: '11000' },
        { name: 'find orders', count, attributes: { 'db.collection.name': 'orders' } },
        { name: 'getMore orders', count, attributes: { 'db.collection.name': 'orders' } },
        { name: 'update orders', count },
        { name: 'unheardOf shop', count, errorType: '59' },
        { name: 'delete orders', count },
        { name: 'distinct orders', count: 1000, attributes: { 'db.system.name': 'mongodb' } },
      ],
      tolerates: GREETINGS,
    },
    {
      name: 'pymongo',
      command: runs('python3', 'client.py'),
      expects: (count) => [
        { name: 'insert pages', count, attributes: { 'db.namespace': 'library' } },
        { name: 'find pages', count: count + 1 },
        { name: 'findAndModify pages', count },
        { name: 'aggregate pages', count },
        { name: 'getMore pages', count: count / 10 - 1 },
        { name: 'ping admin', count: 1 },
        { name: 'drop pages', count: 1 },
      ],
    },
  ],
};
