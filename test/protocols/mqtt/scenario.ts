import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { ScenarioServer, programsOf, type ExpectedSpans, type Scenario } from '../../support/scenario.ts';

const { runs } = programsOf('mqtt');

function toItself(client: string, count: number): ExpectedSpans[] {
  const topic = `undertrace/${client}`;
  return [
    { name: 'connect', count: 1 },
    { name: `subscribe ${topic}`, count: 1 },
    { name: `send ${topic}`, count: 3 * count, attributes: { 'messaging.client.id': client } },
    { name: `deliver ${topic}`, servingName: `process ${topic}`, count: 3 * count },
    { name: `unsubscribe ${topic}`, count: 1 },
  ];
}

export const scenario: Scenario = {
  protocol: 'mqtt',
  start(place) {
    const file = path.join(place.folder, 'mosquitto.conf');
    const lines = [`listener ${place.port} ${place.host}`, 'allow_anonymous true', 'max_inflight_messages 0'];
    writeFileSync(file, `${lines.join('\n')}\n`);
    return ScenarioServer.start(['mosquitto', '-c', file], place);
  },
  clients: [
    {
      name: 'mqttjs',
      command: runs('node', 'client.cjs'),
      expects: (count) => [...toItself('node', count), { name: 'send undertrace/burst', count: 1000 }],
    },
    {
      name: 'paho',
      command: runs('python3', 'client.py'),
      expects: (count) => toItself('python', count),
    },
    {
      name: 'mosquitto',
      count: 50,
      command: runs('sh', 'tools.sh'),
      expects: (count) => [
        { name: 'connect', count: count + 1 },
        { name: 'subscribe undertrace/tools', count: 1 },
        { name: 'send undertrace/tools', count },
        { name: 'deliver undertrace/tools', servingName: 'process undertrace/tools', count },
      ],
    },
  ],
};
