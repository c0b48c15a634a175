import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { freePorts } from '../../support/collector.ts';
import { ScenarioServer, programsOf, type Place, type Scenario } from '../../support/scenario.ts';

const { program, runs } = programsOf('kafka');

/** One node that is broker and controller. What nodes ask each other goes elsewhere than what clients ask. */
async function start(place: Place): Promise<ScenarioServer> {
  const { host, port, folder } = place;
  const [internal, controller] = (await freePorts(2)) as [number, number];
  const properties = {
    'process.roles': 'broker,controller',
    'node.id': 1,
    'controller.quorum.voters': `1@${host}:${controller}`,
    listeners: `CLIENT://${host}:${port},INTERNAL://${host}:${internal},CONTROLLER://${host}:${controller}`,
    'listener.security.protocol.map': 'CLIENT:PLAINTEXT,INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'inter.broker.listener.name': 'INTERNAL',
    'controller.listener.names': 'CONTROLLER',
    'log.dirs': path.join(folder, 'data'),
    'auto.create.topics.enable': false,
    'group.initial.rebalance.delay.ms': 0,
    'offsets.topic.num.partitions': 1,
    'offsets.topic.replication.factor': 1,
    'transaction.state.log.num.partitions': 1,
    'transaction.state.log.replication.factor': 1,
    'transaction.state.log.min.isr': 1,
    'num.io.threads': 2,
    'num.network.threads': 1,
    'log.cleaner.enable': false,
  };
  const file = path.join(folder, 'server.properties');
  writeFileSync(
    file,
    Object.entries(properties)
      .map(([name, value]) => `${name}=${value}\n`)
      .join(''),
  );
  return ScenarioServer.start(
    [
      ...['java', '-Xmx384m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1'],
      ...['-Dorg.slf4j.simpleLogger.defaultLogLevel=warn', program('Server.java')],
      ...[file, `${host}:${internal}`],
    ],
    place,
    { ready: /transactions are served/, timeoutMs: 120_000 },
  );
}

/** What clients ask to find their way, and to say that they are there. */
const FINDING = ['ApiVersions', 'Metadata', 'FindCoordinator', 'Heartbeat'];

export const scenario: Scenario = {
  protocol: 'kafka',
  start,
  clients: [
    {
      name: 'kafkajs',
      command: runs('node', 'client.cjs'),
      expects: (count) => [
        { name: 'CreateTopics', count: 1 },
        { name: 'DeleteTopics', count: 1, errorType: 'UNKNOWN_TOPIC_OR_PARTITION' },
        { name: 'send made', count: 3 * count + 1000, attributes: { 'messaging.batch.message_count': 1 } },
        { name: 'send narrow', count, errorType: 'MESSAGE_TOO_LARGE' },
        { name: 'send read', count: count + 1 },
        { name: 'JoinGroup', count: 1, errorType: 'MEMBER_ID_REQUIRED' },
        { name: 'JoinGroup', count: 1 },
        { name: 'SyncGroup', count: 1 },
        { name: 'OffsetFetch', count: 1 },
        { name: 'ListOffsets', count: 1 },
        { name: 'poll read', count: count + 1 },
        { name: 'commit read', count: 1, attributes: { 'messaging.consumer.group.name': 'readers' } },
        { name: 'LeaveGroup', count: 1 },
      ],
      tolerates: FINDING,
      before: (count) => 2 + 4 * count,
    },
    {
      name: 'java',
      before: (count) => 7 + 3 * count,
      command: ({ host, port, count }) => [
        ...['java', '-Xmx256m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1'],
        ...['-Dorg.slf4j.simpleLogger.defaultLogLevel=warn', program('Client.java')],
        ...[host, String(port), String(count)],
      ],
      expects: (count) => [
        { name: 'CreateTopics', count: 1 },
        { name: 'CreateTopics', count: 1, errorType: 'TOPIC_ALREADY_EXISTS' },
        { name: 'InitProducerId', count: 4 },
        { name: 'send kept', count: count + 1, attributes: { 'messaging.destination.partition.id': '0' } },
        { name: 'send burst', count: count + 1000, attributes: { 'messaging.batch.message_count': 1 } },
        { name: 'send batch', count: 1, attributes: { 'messaging.batch.message_count': 5 } },
        { name: 'send bought', count, attributes: { 'messaging.client.id': 'java' } },
        { name: 'EndTxn', count: 1 },
        { name: 'ListOffsets', count: 1 },
        { name: 'poll kept', count: count + 1, attributes: { 'messaging.batch.message_count': 1 } },
        // The one that ends the session.
        { name: 'poll', count: 1 },
      ],
    },
    {
      name: 'kafka-python',
      command: runs('python3', 'client.py'),
      expects: (count) => [
        { name: 'CreateTopics', count: 1 },
        { name: 'CreateTopics', count: 1, errorType: 'TOPIC_ALREADY_EXISTS' },
        { name: 'send shelf', count },
        { name: 'send slim', count, errorType: 'MESSAGE_TOO_LARGE' },
        { name: 'JoinGroup', count: 1, errorType: 'MEMBER_ID_REQUIRED' },
        { name: 'JoinGroup', count: 1 },
        { name: 'SyncGroup', count: 1 },
        { name: 'OffsetFetch', count: 1 },
        { name: 'ListOffsets', count: 1 },
        { name: 'poll shelf', count, attributes: { 'messaging.batch.message_count': 1 } },
        { name: 'commit shelf', count: 1, attributes: { 'messaging.consumer.group.name': 'pages' } },
        { name: 'LeaveGroup', count: 1 },
      ],
    },
  ],
};
