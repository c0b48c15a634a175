import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { freePorts } from '../../support/collector.ts';
import { ScenarioServer, programsOf, type Place, type Scenario } from '../../support/scenario.ts';

const { program } = programsOf('rocketmq');
const TOPICS = ['orders', 'told', 'burst', 'gone', 'large'];
const java = (folder: string, megabytes: number, file: string): string[] => [
  ...['java', `-Xmx${megabytes}m`, '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1'],
  ...[`-Duser.home=${folder}`, '-Dtls.server.mode=disabled', program(file)],
];
/** Where clients find the address of the name server. */
const namesIn = (folder: string): string => path.join(folder, 'names');

async function start(place: Place): Promise<ScenarioServer> {
  const { host, port, folder } = place;
  const [names, replication] = (await freePorts(2)) as [number, number];
  writeFileSync(namesIn(folder), `${host}:${names}`);
  return ScenarioServer.start(
    [
      ...java(folder, 384, 'Server.java'),
      ...[String(port), String(names), String(replication), path.join(folder, 'store'), ...TOPICS],
    ],
    place,
    { ready: /topics are served/, timeoutMs: 120_000 },
  );
}

export const scenario: Scenario = {
  protocol: 'rocketmq',
  start,
  clients: [
    {
      name: 'java',
      before: (count) => 4 * count,
      command: ({ count, folder }) => [
        ...java(folder, 256, 'Client.java'),
        ...[namesIn(folder), String(count)],
      ],
      expects: (count) => [
        { name: 'send orders', count: 2 * count, attributes: { 'messaging.destination.partition.id': '0' } },
        { name: 'send told', count, attributes: { 'messaging.rocketmq.message.tag': 'java' } },
        { name: 'send missing', count, errorType: 'TOPIC_NOT_EXIST' },
        { name: 'send burst', count: 1000, attributes: { 'messaging.operation.type': 'send' } },
        { name: 'GET_MAX_OFFSET', count: 1 },
        { name: 'pull orders', count: count + 1, attributes: { 'messaging.consumer.group.name': 'readers' } },
        { name: 'commit orders', count: 1 },
        { name: 'UNREGISTER_CLIENT', count: 4 },
      ],
      tolerates: ['HEART_BEAT', 'GET_CONSUMER_LIST_BY_GROUP'],
    },
    {
      name: 'go',
      before: (count) => 5 * count,
      command: ({ count, folder, packages }) => [
        path.join(packages.go!, 'rocketmq'),
        ...[namesIn(folder), String(count)],
      ],
      expects: (count) => [
        { name: 'send gone', count: 2 * count, attributes: { 'messaging.destination.partition.id': '0' } },
        { name: 'send told', count, attributes: { 'messaging.rocketmq.message.tag': 'go' } },
        { name: 'send large', count, errorType: 'MESSAGE_ILLEGAL' },
        { name: 'send burst', count: count + 1000, attributes: { 'messaging.operation.type': 'send' } },
      ],
    },
  ],
};
