import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { freePorts } from '../../support/collector.ts';
import { ScenarioServer, programsOf, type Place, type Scenario } from '../../support/scenario.ts';

const { program, runs } = programsOf('fastcgi');
const SITE = program('site.php');

/** Writes a file of configuration with what `{name}` stands for. */
function configure(folder: string, file: string, values: Record<string, string | number>): void {
  const text = readFileSync(program(file), 'utf8').replaceAll(/\{(\w+)\}/g, (whole, name: string) =>
    String(values[name] ?? whole),
  );
  writeFileSync(path.join(folder, file), text);
}

/** PHP, and what the nginx is configured by that one of the clients starts in front of it. */
async function start(place: Place): Promise<ScenarioServer> {
  const { host, port, folder } = place;
  const [front] = (await freePorts(1)) as [number];
  configure(folder, 'php-fpm.conf', { folder, host, port });
  configure(folder, 'nginx.conf', { folder, port: front, upstream: port, site: SITE });
  writeFileSync(path.join(folder, 'front'), String(front));
  const asRoot = ['-R', '-n', '-F', '-y', path.join(folder, 'php-fpm.conf')];
  return ScenarioServer.start(['php-fpm8.2', ...asRoot], place);
}

export const scenario: Scenario = {
  protocol: 'fastcgi',
  start,
  clients: [
    {
      name: 'nginx',
      count: 30,
      command: ({ count, folder }) => [
        'sh',
        program('nginx.sh'),
        String(count),
        folder,
        readFileSync(path.join(folder, 'front'), 'utf8'),
      ],
      expects: (count) => [
        { name: 'GET', servingName: 'GET /ready', count: 1 },
        {
          name: 'GET',
          servingName: 'GET /hello',
          count,
          attributes: { 'network.protocol.name': 'fastcgi', 'server.address': 'shop.example' },
        },
        { name: 'GET', servingName: 'GET /kept/hello', count },
        { name: 'GET', count, errorType: '404', servingErrorType: null },
        { name: 'GET', servingName: 'GET /kept/broken', count, errorType: '500' },
        { name: 'GET', servingName: 'GET /kept/noted', count },
        {
          name: 'POST',
          servingName: 'POST /kept/sent',
          count,
          attributes: { 'http.request.body.size': 5000, 'http.response.body.size': 5010 },
        },
      ],
    },
    {
      name: 'node',
      count: 50,
      command: runs('node', 'client.cjs', SITE),
      expects: (count) => [
        { name: 'GET', servingName: 'GET /node', count },
        {
          name: 'POST',
          servingName: 'POST /node/sent',
          count,
          attributes: { 'url.full': 'https://node.example:443/node/sent?size=1' },
        },
        { name: 'GET', servingName: 'GET /node/none', count, errorType: '503' },
      ],
    },
    {
      name: 'cgi-fcgi',
      count: 20,
      command: runs('sh', 'tools.sh', SITE),
      expects: (count) => [
        {
          name: 'GET',
          servingName: 'GET /tool',
          count,
          attributes: { 'url.full': 'http://tool.example/tool?size=4' },
        },
      ],
    },
  ],
};
