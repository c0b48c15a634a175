import { ScenarioServer, programsOf, type Scenario } from '../../support/scenario.ts';

const { program } = programsOf('dubbo');
const java = (...args: string[]): string[] => [
  ...['java', '-Xmx256m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1'],
  ...['-Dorg.slf4j.simpleLogger.defaultLogLevel=warn', program('Greetings.java'), ...args],
];
const SERVICE = 'Greetings$Greeter';

export const scenario: Scenario = {
  protocol: 'dubbo',
  start: (place) =>
    ScenarioServer.start(java('serve', String(place.port)), place, {
      ready: /greetings are served/,
      timeoutMs: 120_000,
    }),
  clients: [
    {
      name: 'dubbo2',
      command: ({ host, port, count }) => java('dubbo', host, String(port), String(count)),
      expects: (count) => [
        { name: `${SERVICE}/greet`, count, attributes: { 'rpc.system.name': 'dubbo' } },
        { name: `${SERVICE}/fail`, count, errorType: 'java.lang.IllegalStateException' },
        { name: `${SERVICE}/tell`, count },
        // The answer comes all the same, when nobody waits for it any more.
        { name: `${SERVICE}/greetSlowly`, count: 5 },
        { name: `${SERVICE}/greetLater`, count: 1000, attributes: { 'rpc.response.status_code': 'OK' } },
      ],
      before: (count) => 3 * count + 5,
    },
    {
      name: 'triple',
      command: ({ host, port, count }) => java('tri', host, String(port), String(count)),
      expects: (count) => [
        { name: `${SERVICE}/greet`, count, attributes: { 'rpc.system.name': 'grpc' } },
        { name: `${SERVICE}/fail`, count, errorType: '_OTHER' },
        { name: `${SERVICE}/greetLater`, count: 100, attributes: { 'rpc.response.status_code': 'OK' } },
      ],
      before: (count) => 2 * count,
    },
    {
      name: 'python',
      command: ({ host, port, count }) => [
        'python3',
        program('client.py'),
        ...[host, String(port), SERVICE, String(count)],
      ],
      expects: (count) => [
        { name: `${SERVICE}/greet`, count, attributes: { 'rpc.method': `${SERVICE}/greet` } },
        { name: `${SERVICE}/fail`, count, errorType: 'java.lang.IllegalStateException' },
        { name: `${SERVICE}/unheardOf`, count, errorType: 'BAD_REQUEST', servingErrorType: null },
      ],
    },
  ],
};
