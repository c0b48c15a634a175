import {
  ScenarioServer,
  programsOf,
  type ExpectedSpans,
  type Scenario,
  type ScenarioClient,
} from '../../support/scenario.ts';

const { program } = programsOf('websocket');

/** What a connection carries: messages and bytes of the client and of the server, undefined where they are not determined; and how it is closed. */
interface Talk {
  client: [number, number | undefined];
  server: [number, number | undefined];
  closeCode: number | undefined;
  errorType?: string;
  more?: Record<string, unknown>;
}

const SUM_OF_SIZES = 0 + 1 + 125 + 126 + 65_535 + 65_536 + 1_000_000;
const HELLO: Pick<Talk, 'client' | 'server'> = { client: [1, 5], server: [1, 5] };
const TALKS: Record<string, Talk> = {
  sizes: { client: [7, SUM_OF_SIZES], server: [7, SUM_OF_SIZES], closeCode: 1000 },
  // Three fragments are one message, and a ping is none.
  fragments: { client: [1, 13], server: [1, 13], closeCode: 1000 },
  deflate: {
    client: [3, undefined],
    server: [3, undefined],
    closeCode: 1001,
    more: { 'undertrace.websocket.compressed': true },
  },
  pings: { client: [1, 4], server: [0, 0], closeCode: 1005 },
  policy: { client: [1, 6], server: [0, 0], closeCode: 1008, errorType: '1008' },
  own: { ...HELLO, closeCode: 4001, errorType: '4001' },
  pushed: { client: [1, 3], server: [10, 80], closeCode: 1000 },
  torn: { ...HELLO, closeCode: undefined, errorType: 'connection_closed' },
  many: { ...HELLO, closeCode: 1000 },
};

function attributesOf({ client, server, closeCode, more }: Talk, ofClient: boolean): Record<string, unknown> {
  const [sent, received] = ofClient ? [client, server] : [server, client];
  const bytes = (key: string, count: number | undefined): Record<string, unknown> =>
    count === undefined ? {} : { [`undertrace.websocket.bytes.${key}`]: count };
  return {
    'http.response.status_code': 101,
    'undertrace.websocket.messages.sent': sent[0],
    'undertrace.websocket.messages.received': received[0],
    ...bytes('sent', sent[1]),
    ...bytes('received', received[1]),
    'undertrace.websocket.close_code': closeCode,
    ...more,
  };
}

function expected(mode: string, talk: Talk, count: number): ExpectedSpans[] {
  return [
    {
      name: 'GET',
      servingName: `GET /${mode}`,
      count,
      ...(talk.errorType === undefined ? {} : { errorType: talk.errorType }),
      attributes: attributesOf(talk, true),
      servingAttributes: attributesOf(talk, false),
    },
  ];
}

const REFUSED: ExpectedSpans = {
  name: 'GET',
  servingName: 'GET /refused',
  count: 10,
  errorType: '403',
  servingErrorType: null,
  attributes: { 'undertrace.websocket.messages.sent': undefined },
};

/** A client for each mode: all of its spans are the same. */
function clientsOf(
  name: string,
  command: readonly string[],
  modes: readonly string[],
  own: Record<string, Partial<Talk>> = {},
): ScenarioClient[] {
  return modes.map((mode) => ({
    name: `${name}-${mode}`,
    count: mode === 'many' ? 1 : 10,
    command: ({ host, port, count }) => [...command, mode, host, String(port), String(count)],
    expects: (count) => {
      if (mode === 'refused') return [REFUSED];
      return expected(mode, { ...TALKS[mode]!, ...own[mode] }, mode === 'many' ? 100 * count : count);
    },
  }));
}

const MODES = ['sizes', 'fragments', 'deflate', 'pings', 'policy', 'own', 'pushed', 'refused'];
const clients: readonly ScenarioClient[] = [
  ...clientsOf('ws', ['node', program('client.cjs')], [...MODES, 'torn', 'many']),
  // websockets says 1000 where its user gives no code.
  ...clientsOf('websockets', ['python3', program('client.py')], MODES, { pings: { closeCode: 1000 } }),
];

const served = (...command: string[]): Scenario => ({
  protocol: 'websocket',
  start: (place) => ScenarioServer.start([...command, place.host, String(place.port)], place),
  clients,
});

export const scenarios: Readonly<Record<string, Scenario>> = {
  ws: served('node', program('server.cjs')),
  websockets: served('python3', program('server.py')),
};
