import path from 'node:path';
import {
  ScenarioServer,
  programsOf,
  type ExpectedSpans,
  type Scenario,
  type ScenarioClient,
} from '../../support/scenario.ts';

const { program, runs } = programsOf('grpc');

const SENT = 'undertrace.rpc.messages.sent';
const RECEIVED = 'undertrace.rpc.messages.received';

/** A call with so many messages of both ends; `status`: what the client gets. */
function call(
  method: string,
  count: number,
  [asked, answered]: [number, number],
  status = 'OK',
  more: Record<string, unknown> = {},
): ExpectedSpans {
  const both = {
    'rpc.system.name': 'grpc',
    'rpc.method': `shop.Orders/${method}`,
    'rpc.response.status_code': status,
    ...more,
  };
  return {
    name: `shop.Orders/${method}`,
    count,
    ...(status === 'OK' ? {} : { errorType: status }),
    attributes: { ...both, [SENT]: asked, [RECEIVED]: answered },
    servingAttributes: { ...both, [SENT]: answered, [RECEIVED]: asked },
  };
}

/** A call whose stream the client resets: what had been sent by then differs. */
function reset(method: string, count: number, status: string): ExpectedSpans {
  const attributes = { 'rpc.method': `shop.Orders/${method}`, 'rpc.response.status_code': status };
  return {
    name: `shop.Orders/${method}`,
    count,
    errorType: status,
    attributes,
    servingAttributes: attributes,
  };
}

function expects(count: number): ExpectedSpans[] {
  const few = count / 10;
  const unheard = call('Unheard', few, [1, 0], 'UNIMPLEMENTED');
  return [
    call('Get', count, [1, 1]),
    // The asker's doing: the server has done its work.
    { ...call('Missing', few, [1, 0], 'NOT_FOUND'), servingErrorType: null },
    call('Broken', few, [1, 0], 'INTERNAL'),
    call('Late', few, [1, 0], 'DEADLINE_EXCEEDED'),
    // Whose limit passes: the stream is reset, or the server says so first.
    reset('Wait', few, 'DEADLINE_EXCEEDED'),
    // Anything may be asked for: what the server does not know has no name there.
    {
      ...unheard,
      servingName: 'grpc',
      servingAttributes: { 'rpc.method': '_OTHER', 'rpc.method_original': 'shop.Orders/Unheard' },
    },
    call('Collect', few, [5, 1]),
    call('List', few, [1, 7]),
    call('Talk', few, [4, 4]),
    call('Squeeze', few, [1, 1], 'OK', { 'undertrace.rpc.compressed': true }),
    { ...reset('Endless', few, 'CANCELLED'), servingErrorType: null },
    call('Gather', 1000, [1, 1]),
  ];
}

const go: ScenarioClient['command'] = ({ host, port, count, packages }) => [
  path.join(packages.go!, 'grpc'),
  ...['ask', host, String(port), String(count)],
];
const clients: readonly ScenarioClient[] = [
  { name: 'grpcio', command: runs('python3', 'client.py'), before: (count) => count, expects },
  { name: 'grpc-js', command: runs('node', 'client.cjs'), before: (count) => count, expects },
  { name: 'grpc-go', command: go, before: (count) => count, expects },
];

/** Either end may be the first to end a call whose time limit passes. */
const raced = (client: ScenarioClient): ScenarioClient => ({
  ...client,
  tolerates: ['shop.Orders/Wait'],
  expects: (count) => expects(count).filter(({ name }) => name !== 'shop.Orders/Wait'),
});

export const scenarios: Readonly<Record<string, Scenario>> = {
  grpcio: {
    protocol: 'http2',
    start: (place) =>
      ScenarioServer.start(['python3', program('server.py'), place.host, String(place.port)], place),
    clients,
  },
  'grpc-go': {
    protocol: 'http2',
    start: (place) =>
      ScenarioServer.start(
        [path.join(place.packages.go!, 'grpc'), 'serve', place.host, String(place.port)],
        place,
      ),
    clients: clients.map(raced),
  },
};
