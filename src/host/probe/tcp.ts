import { constants } from 'node:os';
import type { Instrument } from '../../base/metric.ts';
import { HISTOGRAM_WORDS, readHistogram } from '../kernel-histogram.ts';
import type { KernelTables } from '../kernel-tables.ts';
import { counter, histogram, OURS } from './make-instrument.ts';
import { needKernel, type Probe, type Reading, type Told } from './probe.ts';

const BY_PEER = ['service.name', 'service.namespace', 'service.peer.name'];
const PEER = 'The peer is named where it is a service of the same network namespace.';
const PREFIX = 'system.network.connection';
const OPENED = counter(
  `${PREFIX}.opened`,
  '{connection}',
  `TCP connections that a service has made. ${PEER} ${OURS}`,
  ...BY_PEER,
);
const ACCEPTED = counter(
  `${PREFIX}.accepted`,
  '{connection}',
  `TCP connections made to a service. ${OURS}`,
  ...BY_PEER,
);
const FAILED = counter(
  `${PREFIX}.failed`,
  '{connection}',
  `TCP connections that a service could not make: error.type is the name of the errno, or cancelled where it has given up. ${PEER} ${OURS}`,
  ...BY_PEER,
  'error.type',
);
const CONNECT = histogram(
  `${PREFIX}.connect.duration`,
  `How long it took to make a TCP connection. ${PEER} ${OURS}`,
  ...BY_PEER,
);
const IO = counter(
  `${PREFIX}.io`,
  'By',
  `Bytes of TCP connections, each counted once: now and then while a connection is open, and at its end. ${PEER} ${OURS}`,
  ...BY_PEER,
  'network.io.direction',
);
const RETRANSMITS = counter(
  `${PREFIX}.retransmits`,
  '{segment}',
  `TCP segments that were sent again. ${OURS}`,
  ...BY_PEER,
);
const RESETS = counter(
  `${PREFIX}.resets`,
  '{reset}',
  `Resets of TCP connections, sent and received. ${OURS}`,
  ...BY_PEER,
  'network.io.direction',
);
const ROUND_TRIP = histogram(
  `${PREFIX}.round_trip.duration`,
  `The smoothed round trip time of TCP connections, looked at in one receive of sixteen and at their end. ${OURS}`,
  ...BY_PEER,
);

/** struct peer_stat (bpf/tcp.bpf.h): seven counters, and two histograms. */
const PLACES = { opened: 0, accepted: 1, received: 2, sent: 3, retransmits: 4, resetsIn: 5, resetsOut: 6 };
const CONNECT_AT = 7;
const ROUND_TRIP_AT = CONNECT_AT + HISTOGRAM_WORDS;
export const PEER_WORDS = ROUND_TRIP_AT + HISTOGRAM_WORDS;

const ERRORS = new Map(Object.entries(constants.errno).map(([name, number]) => [number, name]));

export const tcp: Probe = {
  name: 'tcp',
  purpose: 'TCP connections by service and peer (eBPF)',
  instruments: [OPENED, ACCEPTED, FAILED, CONNECT, IO, RETRANSMITS, RESETS, ROUND_TRIP],
  *read(source): Iterable<Told> {
    const kernel = needKernel(source, 'tcp_state');
    yield* kernel.missing('tcp_receive', 'tcp_synack', 'tcp_reset_in', 'tcp_reset_out');
    const peers = kernel.entries('peers');
    const failures = kernel.entries('failures');
    for (const [key, words] of peers) yield* ofPeer(kernel, attributesOf(kernel, key[0]!), words);
    for (const [key, words] of failures) {
      const error = key[1] === 0 ? 'cancelled' : (ERRORS.get(key[1]!) ?? String(key[1]));
      const attributes = [...attributesOf(kernel, key[0]!), error];
      yield { instrument: FAILED, attributes, value: Number(words[0]), startMs: kernel.startMs };
    }
  },
};

/** `owner`: slot of the service, and below it that of the peer. */
function attributesOf({ services }: KernelTables, owner: number): readonly string[] {
  return [...services[owner >>> 16]!, services[owner & 0xffff]![0]];
}

function* ofPeer(
  kernel: KernelTables,
  attributes: readonly string[],
  words: BigUint64Array,
): Iterable<Reading> {
  const { startMs } = kernel;
  const count = (place: number): number => Number(words[place]);
  const counted: Array<[Instrument, number, string?]> = [
    [OPENED, PLACES.opened],
    [ACCEPTED, PLACES.accepted],
    [IO, PLACES.received, 'receive'],
    [IO, PLACES.sent, 'transmit'],
  ];
  if (kernel.has('tcp_synack')) counted.push([RETRANSMITS, PLACES.retransmits]);
  if (kernel.has('tcp_reset_in')) counted.push([RESETS, PLACES.resetsIn, 'receive']);
  if (kernel.has('tcp_reset_out')) counted.push([RESETS, PLACES.resetsOut, 'transmit']);
  for (const [instrument, place, direction] of counted) {
    const all = direction === undefined ? attributes : [...attributes, direction];
    yield { instrument, attributes: all, value: count(place), startMs };
  }
  yield { instrument: CONNECT, attributes, value: readHistogram(words, CONNECT_AT), startMs };
  yield { instrument: ROUND_TRIP, attributes, value: readHistogram(words, ROUND_TRIP_AT), startMs };
}
