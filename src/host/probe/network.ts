import type { Instrument } from '../../base/metric.ts';
import { needNetwork } from './host-network.ts';
import { counter } from './make-instrument.ts';
import { firstOf } from './parts.ts';
import type { Probe, Told } from './probe.ts';

const KEYS = ['network.interface.name', 'network.io.direction'];
const IO = counter('system.network.io', 'By', 'Bytes through an interface.', ...KEYS);
const PACKETS = counter(
  'system.network.packet.count',
  '{packet}',
  'Packets through an interface, whose attribute is that of the other figures here.',
  ...KEYS,
);
const DROPPED = counter(
  'system.network.packet.dropped',
  '{packet}',
  'Packets that an interface dropped without anything being wrong with them.',
  ...KEYS,
);
const ERRORS = counter('system.network.errors', '{error}', 'Errors of an interface.', ...KEYS);

const MAX_INTERFACES = 128;
/** The host's ends of containers and virtual machines: they come and go, and so they are the ones to be left out. */
const OF_GUESTS = /^(?:veth|cali|lxc|tap|vnet)/;

/** Interfaces of the host. */
export const network: Probe = {
  name: 'network',
  purpose: 'bytes, packets, drops and errors of interfaces',
  instruments: [IO, PACKETS, DROPPED, ERRORS],
  *read({ files }): Iterable<Told> {
    const all = [...needNetwork(files, 'dev').matchAll(/^ *(\S+):(.*)$/gm)];
    const guests = all.filter(([, name]) => OF_GUESTS.test(name!));
    const hosts = all.filter(([, name]) => !OF_GUESTS.test(name!));
    const { read, omitted } = firstOf([...hosts, ...guests], MAX_INTERFACES);
    yield* omitted;
    for (const [, name, rest] of read) {
      // Eight columns of what was received, eight of what was sent.
      const columns = rest!.trim().split(/\s+/).map(Number);
      for (const [direction, first] of [['receive', 0] as const, ['transmit', 8] as const])
        for (const [place, instrument] of [IO, PACKETS, ERRORS, DROPPED].entries() as Iterable<
          [number, Instrument]
        >)
          yield { instrument, attributes: [name!, direction], value: columns[first + place]! };
    }
  },
};
