import { writeFileSync } from 'node:fs';
import path from 'node:path';
import {
  ScenarioServer,
  programsOf,
  type ExpectedSpans,
  type Place,
  type Scenario,
  type ScenarioClient,
} from '../../support/scenario.ts';

const { program, runs } = programsOf('dns');
const PORT = 53;

const found = (name: string, count: number): ExpectedSpans => ({
  name,
  count,
  attributes: { 'undertrace.dns.response.code': 'NOERROR' },
});
/** The asker's failure; the server has done its work. */
const notFound = (count: number): ExpectedSpans => ({
  name: 'DNS A',
  count,
  errorType: 'NXDOMAIN',
  servingErrorType: null,
});

/** It has an address for every name in orders.test, too. */
function startDnsmasq(place: Place): Promise<ScenarioServer> {
  const hosts = path.join(place.folder, 'hosts');
  writeFileSync(
    hosts,
    ['192.0.2.1', '192.0.2.2', '2001:db8::1'].map((each) => `${each} www.example.test\n`).join(''),
  );
  const records = [
    '--txt-record=txt.example.test,hello world',
    '--mx-host=example.test,mail.example.test,10',
    '--address=/orders.test/192.0.2.1',
  ];
  return ScenarioServer.start(
    [
      ...[
        'dnsmasq',
        '-k',
        `--port=${PORT}`,
        `--listen-address=${place.host}`,
        '--bind-interfaces',
        '--no-resolv',
      ],
      ...['--no-hosts', `--addn-hosts=${hosts}`, '--local=/test/', '--pid-file=', '--user=root', ...records],
    ],
    place,
  );
}

const ZONE = `$TTL 60
@ SOA ns hostmaster 1 60 60 60 60
@ NS ns
ns A 127.0.0.1
mail A 192.0.2.3
@ MX 10 mail
www A 192.0.2.1
www A 192.0.2.2
www AAAA 2001:db8::1
txt TXT "hello world"
`;

function startBind(place: Place): Promise<ScenarioServer> {
  const inFolder = (file: string): string => path.join(place.folder, file);
  writeFileSync(inFolder('zone'), ZONE);
  const settings = [
    ...[`directory "${place.folder}"`, `listen-on port ${PORT} { ${place.host}; }`, 'listen-on-v6 { none; }'],
    ...['recursion no', 'dnssec-validation no', 'pid-file none', 'session-keyfile none'],
  ];
  const zone = `zone "example.test" { type primary; file "${inFolder('zone')}"; };`;
  writeFileSync(inFolder('named.conf'), `options { ${settings.join('; ')}; };\ncontrols { };\n${zone}\n`);
  return ScenarioServer.start(['named', '-g', '-c', inFolder('named.conf')], place);
}

const clients: ScenarioClient[] = [
  {
    name: 'dig',
    count: 25,
    command: runs('sh', 'client.sh'),
    expects: (count) => [
      found('DNS A', 2 * count),
      found('DNS AAAA', count),
      found('DNS TXT', count),
      notFound(count),
    ],
  },
  {
    name: 'node',
    command: runs('node', 'client.cjs'),
    expects: (count) => [
      found('DNS A', count),
      found('DNS AAAA', count),
      notFound(count),
      found('DNS MX', 100),
    ],
  },
  {
    name: 'glibc',
    command: ({ count, folder }) => [
      ...['unshare', '-m', 'sh', '-c'],
      'mount --bind "$0" /etc/resolv.conf && exec python3 "$1" "$2"',
      ...[path.join(folder, 'resolv.conf'), program('client.py'), String(count)],
    ],
    expects: (count) => [found('DNS A', count), found('DNS AAAA', count)],
  },
  {
    name: 'go',
    command: ({ host, port, count, packages }) => [
      path.join(packages.go!, 'dns'),
      host,
      String(port),
      String(count),
    ],
    expects: (count) => [found('DNS A', count)],
  },
];

function served(host: string, start: Scenario['start']): Scenario {
  return {
    protocol: 'dns',
    // glibc asks port 53, and only that.
    at: { host, port: PORT },
    start(place) {
      writeFileSync(path.join(place.folder, 'resolv.conf'), `nameserver ${host}\n`);
      return start(place);
    },
    clients,
  };
}

export const scenarios: Readonly<Record<string, Scenario>> = {
  dnsmasq: served('127.0.0.53', startDnsmasq),
  // It listens on addresses that an interface has.
  bind: served('127.0.0.1', startBind),
};
