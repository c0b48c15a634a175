import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { ScenarioServer, programsOf, type ExpectedSpans, type Scenario } from '../../support/scenario.ts';

const { program, runs } = programsOf('dns');
const HOST = '127.0.0.53';
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

export const scenario: Scenario = {
  protocol: 'dns',
  // glibc asks port 53, and only that.
  at: { host: HOST, port: PORT },
  start(place) {
    const hosts = path.join(place.folder, 'hosts');
    writeFileSync(
      hosts,
      ['192.0.2.1', '192.0.2.2', '2001:db8::1'].map((each) => `${each} www.example.test\n`).join(''),
    );
    writeFileSync(path.join(place.folder, 'resolv.conf'), `nameserver ${HOST}\n`);
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
          `--listen-address=${HOST}`,
          '--bind-interfaces',
          '--no-resolv',
        ],
        ...[
          '--no-hosts',
          `--addn-hosts=${hosts}`,
          '--local=/test/',
          '--pid-file=',
          '--user=root',
          ...records,
        ],
      ],
      place,
    );
  },
  clients: [
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
  ],
};
