import { execFileSync } from 'node:child_process';
import { inCheckout } from '../../support/programs.ts';
import {
  ScenarioServer,
  type ExpectedSpans,
  type Place,
  type Scenario,
  type ScenarioClient,
} from '../../support/scenario.ts';

/** There are many clients. */
const COUNT = 40;

const program = (file: string): string => inCheckout('test', 'protocols', 'thrift', file);

/** Code of both languages for what the interface says. */
function generate({ folder }: Place): void {
  for (const language of ['py', 'js:node,es6'])
    execFileSync('thrift', ['--gen', language, '-out', folder, program('calculator.thrift')]);
}

function startPython(place: Place): Promise<ScenarioServer> {
  const { host, port, folder } = place;
  return ScenarioServer.start(['python3', program('server.py'), host, String(port), folder], place);
}

function startNode(protocol: string, transport: string): Scenario['start'] {
  return (place) => {
    const { host, port, folder } = place;
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

export const scenario: Scenario = {
  protocol: 'thrift',
  start: (place) => {
    generate(place);
    return startPython(place);
  },
  clients: [
    {
      name: 'python-binary',
      count: COUNT,
      command: runs('python3', 'client.py', 'binary', 'buffered', 'Calculator'),
      expects: ofPython(true, false),
    },
    {
      name: 'python-compact-framed',
      count: COUNT,
      command: runs('python3', 'client.py', 'compact', 'framed', 'Calculator'),
      expects: ofPython(true, false),
    },
    {
      name: 'node-binary-framed',
      count: COUNT,
      command: runs('node', 'client.cjs', 'binary', 'framed'),
      expects: ofNode(false),
    },
    {
      name: 'node-binary-framed-to-node',
      count: COUNT,
      start: startNode('binary', 'framed'),
      command: runs('node', 'client.cjs', 'binary', 'framed'),
      expects: ofNode(true),
    },
    {
      name: 'python-binary-framed-to-node',
      count: COUNT,
      command: runs('python3', 'client.py', 'binary', 'framed'),
      expects: ofPython(false, true),
    },
    {
      name: 'node-compact-to-node',
      count: COUNT,
      start: startNode('compact', 'buffered'),
      command: runs('node', 'client.cjs', 'compact', 'buffered'),
      expects: ofNode(true),
    },
    {
      name: 'python-compact-to-node',
      count: COUNT,
      command: runs('python3', 'client.py', 'compact', 'buffered'),
      expects: ofPython(false, true),
    },
  ],
};
