import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import {
  ScenarioServer,
  programsOf,
  type ExpectedSpans,
  type Place,
  type Scenario,
  type ScenarioClient,
} from '../../support/scenario.ts';

const { program } = programsOf('tls');
const COUNT = 10;

/** A key and a certificate of itself. */
function certify(folder: string): void {
  const { status, stderr } = spawnSync('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'],
    ...['-subj', '/CN=shop.example', '-addext', 'subjectAltName=DNS:shop.example'],
    ...['-keyout', path.join(folder, 'key.pem'), '-out', path.join(folder, 'certificate.pem')],
  ]);
  if (status !== 0) throw new Error(`openssl req: ${String(stderr)}`);
}

function startNginx(place: Place): Promise<ScenarioServer> {
  const { port, folder } = place;
  certify(folder);
  const config = path.join(folder, 'nginx.conf');
  const text = readFileSync(program('nginx.conf'), 'utf8');
  writeFileSync(config, text.replaceAll('PORT', String(port)).replaceAll('FOLDER', folder));
  return ScenarioServer.start(['nginx', '-c', config], place);
}

/** One connection at a time. */
const startOpenssl =
  (...options: string[]) =>
  (place: Place): Promise<ScenarioServer> => {
    const { host, port, folder } = place;
    certify(folder);
    return ScenarioServer.start(
      [
        ...['openssl', 's_server', '-accept', `${host}:${port}`, '-www', '-quiet', '-alpn', 'http/1.1'],
        ...['-cert', path.join(folder, 'certificate.pem'), '-key', path.join(folder, 'key.pem'), ...options],
      ],
      place,
    );
  };

function handshakes(count: number, attributes: Record<string, unknown>, errorType?: string): ExpectedSpans {
  const all = {
    'server.address': 'shop.example',
    'tls.established': errorType === undefined,
    ...attributes,
  };
  return {
    name: 'TLS handshake',
    count,
    ...(errorType === undefined ? {} : { errorType }),
    attributes: all,
    servingAttributes: { ...all, 'client.address': '127.0.0.1' },
  };
}

const agreed = (version: string, more: Record<string, unknown> = {}): Record<string, unknown> => ({
  'tls.protocol.name': 'tls',
  'tls.protocol.version': version,
  'tls.resumed': false,
  ...more,
});

/** Of TLS 1.3 the protocol that was chosen is encrypted. */
const MODES: Record<string, (count: number) => ExpectedSpans> = {
  '1.2': (count) =>
    handshakes(
      count,
      agreed('1.2', {
        'tls.cipher': 'TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384',
        'undertrace.tls.offered.versions': ['1.2'],
      }),
    ),
  '1.3': (count) => handshakes(count, agreed('1.3', { 'tls.cipher': 'TLS_AES_256_GCM_SHA384' })),
  'resumed-1.2': (count) => handshakes(count, agreed('1.2', { 'tls.resumed': true })),
  'resumed-1.3': (count) => handshakes(count, agreed('1.3', { 'tls.resumed': true })),
  version: (count) =>
    handshakes(
      count,
      { 'undertrace.tls.offered.versions': ['1.2'], 'undertrace.tls.alert.from': 'server' },
      'protocol_version',
    ),
  h2: (count) =>
    handshakes(
      count,
      agreed('1.2', {
        'tls.next_protocol': 'h2',
        'undertrace.tls.offered.protocols': ['h2', 'http/1.1'],
      }),
    ),
  http1: (count) => handshakes(count, agreed('1.2', { 'tls.next_protocol': 'http/1.1' })),
  trusted: (count) => handshakes(count, agreed('1.3', { 'undertrace.tls.offered.protocols': undefined })),
  'untrusted-1.2': (count) =>
    handshakes(count, agreed('1.2', { 'undertrace.tls.alert.from': 'client' }), 'unknown_ca'),
  'untrusted-1.3': (count) =>
    handshakes(count, agreed('1.3', { 'undertrace.tls.alert.from': 'client' }), 'unknown_ca'),
};

/** A client for each mode: all of its spans are the same. */
const inModes = (name: string, command: readonly string[], modes: readonly string[]): ScenarioClient[] =>
  modes.map((mode) => ({
    name: `${name}-${mode}`,
    count: COUNT,
    command: ({ host, port, count, folder }) => [
      ...command,
      ...[mode, host, String(port), String(count), folder],
    ],
    expects: (count) => [MODES[mode]!(count)],
  }));

const shell = ['sh', program('client.sh')];
const python = inModes(
  'python',
  ['python3', program('client.py')],
  ['trusted', 'untrusted-1.2', 'untrusted-1.3'],
);
const openssl = inModes('openssl', shell, ['1.2', '1.3', 'resumed-1.2', 'resumed-1.3']);
const node = (count: number, how: string): ScenarioClient => ({
  name: 'node',
  count,
  command: (at) => [
    ...['node', program('client.cjs'), at.host, String(at.port), String(count), at.folder, how],
  ],
  expects: () => [handshakes(count, agreed('1.3', { 'undertrace.tls.offered.protocols': ['http/1.1'] }))],
});

export const scenarios: Readonly<Record<string, Scenario>> = {
  nginx: {
    protocol: 'tls',
    start: startNginx,
    clients: [...openssl, ...inModes('curl', shell, ['h2', 'http1']), ...python, node(100, 'together')],
  },
  openssl: {
    protocol: 'tls',
    start: startOpenssl(),
    clients: [...openssl, ...inModes('curl', shell, ['http1']), ...python, node(COUNT, 'one by one')],
  },
  'openssl-1.3': {
    protocol: 'tls',
    start: startOpenssl('-tls1_3'),
    clients: inModes('openssl', shell, ['version', '1.3']),
  },
};
