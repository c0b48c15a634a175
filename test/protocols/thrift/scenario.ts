import { execFileSync } from 'node:child_process';
import {
  ScenarioServer,
  programsOf,
  type ExpectedSpans,
  type Place,
  type Scenario,
  type ScenarioClient,
} from '../../support/scenario.ts';

/** There are many clients. */
const COUNT = 40;

const { program } = programsOf('thrift');

/** Code of both languages for what the interface says. */
function generate({ folder }: Place): void {
  for (const language of ['py', 'js:node,es6'])
    execFileSync('thrift', ['--gen', language, '-out', folder, program('calculator.thrift')]);
}

function startPython(place: Place): Promise<ScenarioServer> {
  const { host, port, folder } = place;
  generate(place);
  return ScenarioServer.start(['python3', program('server.py'), host, String(port), folder], place);
}

function startNode(protocol: string, transport: string): Scenario['start'] {
  return (place) => {
    const { host, port, folder } = place;
    generate(place);
    const command = ['node', program('server.cjs'), host, String(port), folder, protocol, transport];
    return ScenarioServer.start(command, place);
  };
}

function runs(
  interpreter: string,
  file: string,
  protocol: string,
  transport: string,
  ...more: string[]
): ScenarioClient['command'] {
  return ({ host, port, count, folder }) => [
    ...[interpreter, program(file), host, String(port), String(count), folder, protocol, transport],
    ...more,
  ];
}

/** Node.js servers say no type of what they throw themselves. */
function thrown(count: number, byNode: boolean): ExpectedSpans[] {
  const errorType = byNode ? '_OTHER' : 'UNKNOWN_METHOD';
  return [
    { name: 'broken', count, errorType: byNode ? '_OTHER' : 'INTERNAL_ERROR' },
    byNode
      ? { name: 'missing', count, errorType }
      : { name: 'missing', servingName: 'thrift', count, errorType },
    {
      name: 'divide',
      count,
      errorType: '_OTHER',
      attributes: { 'undertrace.thrift.exception.id': 1 },
    },
  ];
}

function ofPython(service: boolean, byNode: boolean): ScenarioClient['expects'] {
  return (count) => [
    { name: 'add', count: service ? count : 2 * count, attributes: { 'rpc.system.name': 'thrift' } },
    ...(service ? [{ name: 'Calculator/add', count, attributes: { 'rpc.method': 'Calculator/add' } }] : []),
    { name: 'echo', count: count + 1 },
    { name: 'mirror', count },
    { name: 'note', count },
    { name: 'ping', count },
    { name: 'divide', count },
    ...thrown(count, byNode),
  ];
}

function ofNode(byNode: boolean): ScenarioClient['expects'] {
  return (count) => [
    { name: 'add', count: count + 1000, attributes: { 'rpc.method': 'add' } },
    { name: 'mirror', count },
    { name: 'note', count },
    { name: 'ping', count },
    { name: 'echo', count: 1 },
    ...thrown(count, byNode),
  ];
}

function python(protocol: string, transport: string, byNode: boolean, ...service: string[]): ScenarioClient {
  return {
    name: `python-${protocol}-${transport}`,
    count: COUNT,
    command: runs('python3', 'client.py', protocol, transport, ...service),
    expects: ofPython(service.length > 0, byNode),
  };
}

function node(protocol: string, transport: string, byNode: boolean): ScenarioClient {
  return {
    name: `node-${protocol}-${transport}`,
    count: COUNT,
    command: runs('node', 'client.cjs', protocol, transport),
    expects: ofNode(byNode),
  };
}

export const scenarios: Record<string, Scenario> = {
  python: {
    protocol: 'thrift',
    start: startPython,
    clients: [
      python('binary', 'buffered', false, 'Calculator'),
      python('compact', 'framed', false, 'Calculator'),
      node('binary', 'framed', false),
    ],
  },
  'node-framed': {
    protocol: 'thrift',
    start: startNode('binary', 'framed'),
    clients: [node('binary', 'framed', true), python('binary', 'framed', true)],
  },
  'node-unframed': {
    protocol: 'thrift',
    start: startNode('compact', 'buffered'),
    clients: [node('compact', 'buffered', true), python('compact', 'buffered', true)],
  },
};
