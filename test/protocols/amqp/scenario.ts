import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { freePorts } from '../../support/collector.ts';
import { ScenarioServer, programsOf, type Place, type Scenario } from '../../support/scenario.ts';

const { runs } = programsOf('amqp');

/** RabbitMQ as a node of its own: name, ports, data and Erlang's name server are nobody else's. */
async function start(place: Place): Promise<{ stop(): Promise<void> }> {
  const { host, port, folder } = place;
  const [distribution, names] = (await freePorts(2)) as [number, number];
  const inFolder = (file: string): string => path.join(folder, file);
  writeFileSync(inFolder('rabbit.conf'), 'disk_free_limit.absolute = 10MB\n');
  writeFileSync(inFolder('plugins'), '[].\n');
  const env = {
    HOME: folder,
    RABBITMQ_NODENAME: `undertrace-${port}@localhost`,
    RABBITMQ_NODE_IP_ADDRESS: host,
    RABBITMQ_NODE_PORT: String(port),
    RABBITMQ_DIST_PORT: String(distribution),
    RABBITMQ_MNESIA_BASE: inFolder('data'),
    RABBITMQ_LOG_BASE: inFolder('log'),
    RABBITMQ_CONFIG_FILE: inFolder('rabbit.conf'),
    RABBITMQ_ENABLED_PLUGINS_FILE: inFolder('plugins'),
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '+S 1:1 +A 4 -kernel inet_dist_use_interface {127,0,0,1}',
    ERL_EPMD_PORT: String(names),
    ERL_EPMD_ADDRESS: '127.0.0.1',
  };
  const command = '/usr/lib/rabbitmq/bin/rabbitmq-server';
  const options = { env, ready: /Starting broker\.\.\. completed/, timeoutMs: 120_000 };
  const server = await ScenarioServer.start([command], place, options);
  return {
    async stop() {
      await server.stop();
      spawnSync('epmd', ['-port', String(names), '-kill'], { stdio: 'ignore' });
    },
  };
}

export const scenario: Scenario = {
  protocol: 'amqp',
  start,
  clients: [
    {
      name: 'amqplib',
      command: runs('node', 'client.cjs'),
      before: (count) => 4 * count + 8,
      expects: (count) => [
        { name: 'connect', count: 1 },
        { name: 'channel.open', count: 2 },
        { name: 'confirm.select', count: 1 },
        { name: 'exchange.declare undertrace', count: 1 },
        { name: 'queue.declare made', count: 1 },
        { name: 'queue.bind made', count: 1 },
        { name: 'basic.consume made', count: 1 },
        { name: 'send undertrace:made', count, attributes: { 'messaging.client.id': 'node' } },
        { name: 'deliver undertrace:made', servingName: 'process undertrace:made', count },
        { name: 'send undertrace:nowhere', count },
        { name: 'return undertrace:nowhere', count, errorType: '312' },
        { name: 'queue.declare burst', count: 1 },
        { name: 'send burst', count: 1000 },
        { name: 'queue.delete burst', count: 1 },
        { name: 'channel.close', count: 1 },
        { name: 'connection.close', count: 1 },
      ],
    },
    {
      name: 'pika',
      command: runs('python3', 'client.py'),
      // The broker delivers all messages in one run.
      before: (count) => 3 * count + 3,
      expects: (count) => [
        { name: 'connect', count: 1 },
        { name: 'channel.open', count: 1 },
        { name: 'queue.declare asked', count: 1 },
        { name: 'receive asked', count: 2 * count },
        { name: 'send asked', count: 2 * count, attributes: { 'messaging.operation.type': 'send' } },
        { name: 'basic.consume asked', count: 1 },
        { name: 'deliver asked', servingName: 'process asked', count },
        { name: 'basic.cancel', count: 1 },
        { name: 'queue.delete asked', count: 1 },
        { name: 'queue.declare missing', count: 1, errorType: '404' },
        { name: 'connection.close', count: 1 },
      ],
    },
  ],
};
