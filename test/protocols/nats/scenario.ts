import path from 'node:path';
import { writeFileSync } from 'node:fs';
import { ScenarioServer, programsOf, type ExpectedSpans, type Scenario } from '../../support/scenario.ts';

const { runs } = programsOf('nats');

function delivered(subject: string, count: number): ExpectedSpans {
  return { name: `deliver ${subject}`, servingName: `process ${subject}`, count };
}

/** A request, or message, from its sender to the broker and from there to who gets it. */
function relayed(operation: string, subject: string, count: number): ExpectedSpans[] {
  return [{ name: `${operation} ${subject}`, count }, delivered(subject, count)];
}

export const scenario: Scenario = {
  protocol: 'nats',
  start(place) {
    const file = path.join(place.folder, 'nats.conf');
    const jetStream = `jetstream { store_dir: ${place.folder}, max_mem: 16M, max_file: 64M }`;
    writeFileSync(file, `listen: "${place.host}:${place.port}"\n${jetStream}\n`);
    return ScenarioServer.start(['nats-server', '-c', file], place);
  },
  clients: [
    {
      name: 'nats.js',
      command: runs('node', 'client.cjs'),
      before: (count) => 5 * count + 5,
      expects: (count) => [
        { name: 'connect', count: 2 },
        { name: 'subscribe undertrace.ask', count: 1 },
        { name: 'subscribe undertrace.told', count: 1 },
        { name: 'subscribe', count: 1, attributes: { 'messaging.destination.temporary': true } },
        ...relayed('request', 'undertrace.ask', count + 1000),
        ...relayed('send', 'undertrace.told', count),
        { name: 'request undertrace.nobody', count, errorType: '503' },
      ],
    },
    {
      name: 'nats-py',
      command: runs('python3', 'client.py'),
      expects: (count) => [
        { name: 'connect', count: 2 },
        { name: 'subscribe', count: 2 },
        { name: 'request $JS.API.STREAM.CREATE.UNDERTRACE', count: 1 },
        { name: 'request $JS.API.STREAM.NAMES', count: 1 },
        { name: 'request $JS.API.CONSUMER.INFO.UNDERTRACE.worker', count: 1, errorType: '404' },
        { name: 'request $JS.API.CONSUMER.CREATE.UNDERTRACE.worker.undertrace.kept', count: 1 },
        { name: 'request undertrace.kept', count },
        { name: 'send $JS.API.CONSUMER.MSG.NEXT.UNDERTRACE.worker', count },
        delivered('undertrace.kept', count),
        { name: 'request $JS.API.STREAM.DELETE.UNDERTRACE', count: 1 },
        { name: 'subscribe undertrace.python', count: 1 },
        ...relayed('send', 'undertrace.python', count),
      ],
    },
  ],
};
