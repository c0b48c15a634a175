import type { Instrument } from '../../base/metric.ts';
import type { Probe, Reading } from './probe.ts';

const TIME: Instrument = {
  name: 'system.cpu.time',
  unit: 's',
  description: 'Seconds each logical CPU spent on each mode.',
  type: 'counter',
  attributes: ['cpu.logical_number', 'cpu.mode'],
};
const LOGICAL: Instrument = {
  name: 'system.cpu.logical.count',
  unit: '{cpu}',
  description: 'Logical CPUs that are online.',
  type: 'gauge',
  attributes: [],
};

/** USER_HZ, the unit of /proc/stat, is 100 on every architecture that is supported. */
const TICKS_A_SECOND = 100;
/** The columns of a `cpu` line (proc_stat(5)). Guest time is within user and nice time already. */
const MODES = ['user', 'nice', 'system', 'idle', 'iowait', 'interrupt', 'softirq', 'steal'];

export const cpu: Probe = {
  name: 'cpu',
  purpose: 'time of each CPU by mode',
  instruments: [TIME, LOGICAL],
  *read({ files }): Iterable<Reading> {
    const lines = files.need('/proc/stat').split('\n');
    let online = 0;
    for (const line of lines) {
      const [, number, columns] = /^cpu(\d+) (.*)/.exec(line) ?? [];
      if (number === undefined) continue;
      online++;
      const ticks = columns!.split(' ').map(Number);
      for (const [place, mode] of MODES.entries())
        yield { instrument: TIME, attributes: [number, mode], value: ticks[place]! / TICKS_A_SECOND };
    }
    yield { instrument: LOGICAL, attributes: [], value: online };
  },
};
