import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { freePorts } from '../../support/collector.ts';
import {
  ScenarioServer,
  programsOf,
  type ExpectedSpans,
  type Place,
  type Scenario,
  type ScenarioClient,
} from '../../support/scenario.ts';

const { program } = programsOf('http2');

async function startNginx(place: Place): Promise<ScenarioServer> {
  const [upstream] = (await freePorts(1)) as [number];
  const config = path.join(place.folder, 'nginx.conf');
  const text = readFileSync(program('nginx.conf'), 'utf8')
    .replaceAll('PORT', String(place.port))
    .replaceAll('UPSTREAM', String(upstream))
    .replaceAll('FOLDER', place.folder);
  writeFileSync(config, text);
  writeFileSync(path.join(place.folder, 'big'), 'x'.repeat(300_000));
  return ScenarioServer.start(['nginx', '-c', config], place);
}

const OK = { 'network.protocol.version': '2', 'http.response.status_code': 200 };

/** An exchange that went well. */
const good = (method: string, route: string, count: number): ExpectedSpans => ({
  name: method,
  servingName: `${method} ${route}`,
  count,
  attributes: OK,
  servingAttributes: { ...OK, 'http.route': route },
});
/** No error of the server's, and no route. */
const missing = (count: number): ExpectedSpans => ({
  name: 'GET',
  count,
  errorType: '404',
  servingErrorType: null,
  attributes: { 'http.response.status_code': 404 },
  servingAttributes: { 'http.response.status_code': 404 },
});
/** A response that one of both has broken off behind its head. */
const ended = (route: string, errorType: string, count: number): ExpectedSpans => ({
  name: 'GET',
  servingName: `GET ${route}`,
  count,
  errorType,
  attributes: OK,
  servingAttributes: OK,
});

interface Kind {
  /** Where so many requests go at a time. All of their responses may be in one run, and of that 64 KiB are seen. */
  burst: string;
  size: number;
  /** `plain`: without trailers, long heads and streams that the server breaks off; `goaway`: sends GOAWAY where it is asked to. */
  faces: 'plain' | 'usual' | 'goaway';
}

/** What client.cjs and go/client.go ask. */
function expectedOfPrograms({ burst, size, faces }: Kind, count: number): ExpectedSpans[] {
  const few = count / 10;
  return [
    good('GET', '/small', count + few),
    missing(count),
    good('POST', '/echo', few),
    good('GET', '/big', few),
    ended('/slow', 'cancel', few),
    good('GET', burst, size),
    ...(faces === 'plain' ? [] : [good('GET', '/head', few), ended('/broken', 'internal_error', few)]),
  ];
}

type At = Parameters<ScenarioClient['command']>[0];
const what = (at: At, { burst, size, faces }: Kind): string[] => [
  ...[at.host, String(at.port), String(at.count), burst, String(size), faces],
];

const node = (kind: Kind): ScenarioClient => ({
  name: 'node',
  command: (at) => ['node', program('client.cjs'), ...what(at, kind)],
  before: (count) => 2 * count,
  expects: (count) => [
    ...expectedOfPrograms(kind, count),
    ...(kind.faces !== 'goaway'
      ? []
      : [
          good('GET', '/last', count / 10),
          good('GET', '/small', count / 10),
          { name: 'GET', errorType: 'enhance_your_calm', count: count / 10 },
        ]),
  ],
});

const go = (kind: Kind): ScenarioClient => ({
  name: 'go',
  command: (at) => [path.join(at.packages.go!, 'http2'), 'ask', ...what(at, kind)],
  before: (count) => 2 * count,
  expects: (count) => expectedOfPrograms(kind, count),
});

const shell = (
  name: string,
  how: string,
  count: number,
  expects: ScenarioClient['expects'],
): ScenarioClient => ({
  name,
  count,
  command: ({ host, port, count }) => ['sh', program(`${name}.sh`), host, String(port), String(count), how],
  expects,
});

const h2load = shell('h2load', '', 100, (count) => [good('GET', '/small', 20 * count)]);
const nghttp = (how: string): ScenarioClient =>
  shell('nghttp', how, 40, (count) => [
    good('GET', '/small', count),
    missing(count),
    good('POST', '/echo', 5),
  ]);
const curl = (how: string): ScenarioClient =>
  shell('curl', how, 20, (count) => {
    const few = count / 10;
    const upgrades = how === 'upgrade' ? count / 20 : 0;
    return [
      good('GET', '/small', few + 10 * upgrades),
      missing(few + upgrades),
      good('POST', '/echo', few + 2 * upgrades),
      good('GET', '/big', few),
    ];
  });

const kinds = {
  nginx: { burst: '/small', size: 500, faces: 'plain' },
  go: { burst: '/gather', size: 1000, faces: 'usual' },
  node: { burst: '/gather', size: 1000, faces: 'goaway' },
} satisfies Record<string, Kind>;

export const scenarios: Readonly<Record<string, Scenario>> = {
  nginx: {
    protocol: 'http2',
    start: startNginx,
    clients: [h2load, nghttp('plain'), curl('prior'), node(kinds.nginx), go(kinds.nginx)],
  },
  nghttpd: {
    protocol: 'http2',
    start(place) {
      writeFileSync(path.join(place.folder, 'small'), 'hello\n');
      writeFileSync(path.join(place.folder, 'big'), 'x'.repeat(300_000));
      const how = ['--no-tls', '--echo-upload', '--max-concurrent-streams=1000'];
      return ScenarioServer.start(
        ['nghttpd', ...how, '-a', place.host, '-d', place.folder, String(place.port)],
        place,
      );
    },
    clients: [h2load, nghttp('trailers'), curl('prior')],
  },
  go: {
    protocol: 'http2',
    start: (place) =>
      ScenarioServer.start(
        [path.join(place.packages.go!, 'http2'), 'serve', place.host, String(place.port)],
        place,
      ),
    clients: [h2load, nghttp('trailers'), curl('upgrade'), node(kinds.go), go(kinds.go)],
  },
  node: {
    protocol: 'http2',
    start: (place) =>
      ScenarioServer.start(['node', program('server.cjs'), place.host, String(place.port)], place),
    clients: [h2load, nghttp('trailers'), curl('prior'), node(kinds.node), go(kinds.node)],
  },
};
