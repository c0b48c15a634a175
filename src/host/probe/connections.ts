import type { HostFiles } from '../host-files.ts';
import { needNetwork } from './host-network.ts';
import { gauge } from './make-instrument.ts';
import { Omitted, type Probe, type Told } from './probe.ts';
import { parseTitled } from './tables.ts';

const COUNT = gauge(
  'system.network.connection.count',
  '{connection}',
  'TCP sockets by state, and UDP sockets. Where there are more than 5000 of TCP they are not looked at one by one: established then has those in close_wait, too, and of the other states only time_wait is known.',
  'network.transport',
  'network.connection.state',
);

/** To read so many from /proc/net/tcp takes some 10 ms, in which the agent does nothing else. */
const MAX_SOCKETS = 5000;
/** By their numbers (include/net/tcp_states.h); 12 is a request that has not been answered. */
const STATES = [
  ...['', 'established', 'syn_sent', 'syn_received', 'fin_wait_1', 'fin_wait_2', 'time_wait', 'closed'],
  ...['close_wait', 'last_ack', 'listen', 'closing', 'syn_received'],
];

/** Sockets of the host. */
export const connections: Probe = {
  name: 'connections',
  purpose: 'TCP sockets by state, UDP sockets',
  instruments: [COUNT],
  *read({ files }): Iterable<Told> {
    const four = needNetwork(files, 'sockstat');
    const six = files.text('/proc/1/net/sockstat6') ?? files.text('/proc/net/sockstat6') ?? '';
    const timeWait = numberIn(four, /^TCP:.* tw (\d+)/m);
    const sockets = numberIn(four, /^TCP: inuse (\d+)/m) + numberIn(six, /^TCP6: inuse (\d+)/m) + timeWait;
    if (sockets > MAX_SOCKETS) {
      const established = parseTitled(needNetwork(files, 'snmp')).get('Tcp.CurrEstab')!;
      yield { instrument: COUNT, attributes: ['tcp', 'established'], value: established };
      yield { instrument: COUNT, attributes: ['tcp', 'time_wait'], value: timeWait };
      yield new Omitted(sockets - established - timeWait);
    } else {
      for (const [state, value] of countStates(files))
        yield { instrument: COUNT, attributes: ['tcp', state], value };
    }
    const datagram = numberIn(four, /^UDP: inuse (\d+)/m) + numberIn(six, /^UDP6: inuse (\d+)/m);
    yield { instrument: COUNT, attributes: ['udp', ''], value: datagram };
  },
};

function numberIn(text: string, pattern: RegExp): number {
  return Number(pattern.exec(text)?.[1] ?? 0);
}

function countStates(files: HostFiles): Map<string, number> {
  const counts = new Map(STATES.slice(1).map((state) => [state, 0]));
  const six = files.text('/proc/1/net/tcp6') ?? files.text('/proc/net/tcp6') ?? '';
  // "   0: 0100007F:1F90 00000000:0000 0A …": number, local, remote, state
  for (const [, hex] of `${needNetwork(files, 'tcp')}${six}`.matchAll(/^ *\d+: \S+ \S+ ([0-9A-F]{2}) /gm)) {
    const state = STATES[parseInt(hex!, 16)];
    if (state !== undefined) counts.set(state, counts.get(state)! + 1);
  }
  return counts;
}
