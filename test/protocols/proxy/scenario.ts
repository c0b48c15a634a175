import { writeFileSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { freePorts } from '../../support/collector.ts';
import {
  programsOf,
  type ExpectedSpans,
  type Place,
  type Scenario,
  type ScenarioClient,
} from '../../support/scenario.ts';
import { startHaproxy, startNginx, startRedis, together } from './server.ts';

const { program, runs } = programsOf('proxy');

/** Clients come from here, the proxy from 127.0.0.1: who has it for the client believes the header, or has no proxy in front of it. */
const CLIENT = { 'client.address': '127.0.0.9' };

/** Two hops: from the client to the proxy, from the proxy to the server. Both are named by the Host that the client has asked for. */
function who(count: number): ExpectedSpans {
  return {
    name: 'GET',
    servingName: 'GET /who',
    count: 2 * count,
    attributes: { 'http.response.status_code': 200, 'client.address': undefined },
    servingAttributes: { 'http.response.status_code': 200, ...CLIENT },
  };
}

const python = (kind: string, port: (at: { port: number; folder: string }) => number) =>
  ({
    name: 'python',
    command: (at) => [
      ...['python3', program('client.py'), kind, at.host, String(port(at)), String(at.count)],
    ],
  }) satisfies Partial<ScenarioClient>;

const ofHttp: readonly ScenarioClient[] = [
  {
    name: 'curl',
    count: 10,
    command: runs('sh', 'client.sh'),
    expects: (count) => [
      who(6 * count),
      {
        name: 'GET',
        count: 2 * count,
        errorType: '404',
        servingErrorType: null,
        servingAttributes: CLIENT,
      },
    ],
  },
  { ...python('http', ({ port }) => port), expects: (count) => [who(2 * count)] },
];

/** nginx behind a HAProxy that says who its client is. */
const http = (send: string): Scenario => ({
  protocol: 'http',
  async start(place: Place) {
    const [behind] = (await freePorts(1)) as [number];
    const nginx = await startNginx({ ...place, port: behind });
    return together([await startHaproxy(place, behind, { send }), nginx]);
  },
  clients: ofHttp,
});

const frontOf = (folder: string): string => path.join(folder, 'front');

/** Redis behind two: what the one in front says is what the one behind it believes. The spans are those between the two. */
const redis = (send: string): Scenario => ({
  protocol: 'redis',
  async start(place: Place) {
    const [front, behind] = (await freePorts(2)) as [number, number];
    writeFileSync(frontOf(place.folder), String(front));
    const server = await startRedis({ ...place, port: behind });
    const inner = await startHaproxy(place, behind, { send: '', accept: 'accept-proxy' });
    const outer = await startHaproxy({ ...place, port: front }, place.port, { send });
    return together([outer, inner, server]);
  },
  clients: [
    {
      ...python('redis', ({ folder }) => Number(readFileSync(frontOf(folder), 'utf8'))),
      expects: (count) => [
        { name: 'SET', count, servingAttributes: CLIENT },
        { name: 'INCR', count, servingAttributes: CLIENT },
        { name: 'LPUSH', count, errorType: 'WRONGTYPE', servingAttributes: CLIENT },
      ],
    },
  ],
});

export const scenarios: Readonly<Record<string, Scenario>> = {
  'nginx-v1': http('send-proxy'),
  'nginx-v2': http('send-proxy-v2'),
  'redis-v1': redis('send-proxy'),
  'redis-v2': redis('send-proxy-v2'),
};
