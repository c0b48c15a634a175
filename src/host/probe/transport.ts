import type { Instrument } from '../../base/metric.ts';
import { needNetwork } from './host-network.ts';
import { counter, OURS } from './make-instrument.ts';
import { readParts } from './parts.ts';
import type { HostSource, Probe, Reading } from './probe.ts';
import { parsePairs, parseTitled } from './tables.ts';

const DIRECTION = 'network.io.direction';
const TYPE = 'network.type';
const ERROR = 'error.type';

function ours(name: string, unit: string, description: string, ...attributes: string[]): Instrument {
  return counter(`system.network.${name}`, unit, `${description} ${OURS}`, ...attributes);
}

const SEGMENTS = ours('tcp.segments', '{segment}', 'TCP segments.', DIRECTION);
const RETRANSMITS = ours('tcp.retransmissions', '{segment}', 'TCP segments that were sent again.');
const RESETS = ours('tcp.resets', '{segment}', 'TCP resets that were sent.');
const ABORTED = ours('tcp.connections.reset', '{connection}', 'TCP connections that ended with a reset.');
const OPENED = ours(
  'tcp.connections.opened',
  '{connection}',
  'TCP connections that were asked for by this host (transmit) and of it (receive).',
  DIRECTION,
);
const FAILED = ours('tcp.connections.failed', '{connection}', 'TCP connections that came to nothing.');
const TCP_ERRORS = ours('tcp.errors', '{error}', 'TCP segments that were received and are wrong.');
const OVERFLOWS = ours(
  'tcp.listen.overflows',
  '{connection}',
  'TCP connections for which the queue of the listening program had no room.',
);
const LISTEN_DROPS = ours(
  'tcp.listen.drops',
  '{connection}',
  'TCP connections that a listening socket dropped, for whatever reason; overflows are among them.',
);
const ZERO_WINDOWS = ours(
  'tcp.zero_windows',
  '{segment}',
  'Times that this host told a peer to stop sending, since a program did not read.',
);
const WINDOW_PROBES = ours(
  'tcp.window_probes',
  '{segment}',
  'Probes that were sent to peers that had told this host to stop sending.',
);
const DATAGRAMS = ours('udp.datagrams', '{datagram}', 'UDP datagrams.', TYPE, DIRECTION);
const UDP_ERRORS = ours(
  'udp.errors',
  '{datagram}',
  'UDP datagrams that were lost here: nobody at the port (no_port), a full buffer, a wrong checksum.',
  TYPE,
  ERROR,
);

/** By their names in /proc/net/snmp and /proc/net/netstat (RFC 4022; net/ipv4/proc.c). */
const TCP: ReadonlyArray<[key: string, instrument: Instrument, ...attributes: string[]]> = [
  ['InSegs', SEGMENTS, 'receive'],
  ['OutSegs', SEGMENTS, 'transmit'],
  ['RetransSegs', RETRANSMITS],
  ['OutRsts', RESETS],
  ['EstabResets', ABORTED],
  ['ActiveOpens', OPENED, 'transmit'],
  ['PassiveOpens', OPENED, 'receive'],
  ['AttemptFails', FAILED],
  ['InErrs', TCP_ERRORS],
];
const EXTENDED: ReadonlyArray<[key: string, instrument: Instrument]> = [
  ['ListenOverflows', OVERFLOWS],
  ['ListenDrops', LISTEN_DROPS],
  ['TCPToZeroWindowAdv', ZERO_WINDOWS],
  ['TCPWinProbe', WINDOW_PROBES],
];
const UDP: ReadonlyArray<[key: string, instrument: Instrument, attribute: string]> = [
  ['InDatagrams', DATAGRAMS, 'receive'],
  ['OutDatagrams', DATAGRAMS, 'transmit'],
  ['NoPorts', UDP_ERRORS, 'no_port'],
  ['RcvbufErrors', UDP_ERRORS, 'receive_buffer'],
  ['SndbufErrors', UDP_ERRORS, 'send_buffer'],
  ['InCsumErrors', UDP_ERRORS, 'checksum'],
];

/** What TCP and UDP count of themselves. */
export const transport: Probe = {
  name: 'transport',
  purpose: 'counters of TCP and UDP',
  instruments: [
    ...[SEGMENTS, RETRANSMITS, RESETS, ABORTED, OPENED, FAILED, TCP_ERRORS],
    ...[OVERFLOWS, LISTEN_DROPS, ZERO_WINDOWS, WINDOW_PROBES, DATAGRAMS, UDP_ERRORS],
  ],
  read: (source) => readParts(source, snmp, netstat, snmp6),
};

/** Of TCP over both versions of IP, of UDP over version 4. */
function* snmp({ files }: HostSource): Iterable<Reading> {
  const found = parseTitled(needNetwork(files, 'snmp'));
  for (const [key, instrument, ...attributes] of TCP) {
    const value = found.get(`Tcp.${key}`);
    if (value !== undefined) yield { instrument, attributes, value };
  }
  yield* udp('ipv4', (key) => found.get(`Udp.${key}`));
}

function* netstat({ files }: HostSource): Iterable<Reading> {
  const found = parseTitled(needNetwork(files, 'netstat'));
  for (const [key, instrument] of EXTENDED) {
    const value = found.get(`TcpExt.${key}`);
    if (value !== undefined) yield { instrument, attributes: [], value };
  }
}

/** `Udp6InDatagrams                 	12` */
function* snmp6({ files }: HostSource): Iterable<Reading> {
  const found = parsePairs(needNetwork(files, 'snmp6').replace(/[ \t]+/g, ' '));
  yield* udp('ipv6', (key) => found.get(`Udp6${key}`));
}

function* udp(type: string, valueOf: (key: string) => number | undefined): Iterable<Reading> {
  for (const [key, instrument, attribute] of UDP) {
    const value = valueOf(key);
    if (value !== undefined) yield { instrument, attributes: [type, attribute], value };
  }
}
