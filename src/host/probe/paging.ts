import { counter, gauge } from './make-instrument.ts';
import { readParts } from './parts.ts';
import type { HostSource, Probe, Reading } from './probe.ts';
import { parsePairs, unescaped } from './tables.ts';

const FAULT = 'system.paging.fault.type';
const STATE = 'system.paging.state';
const DEVICE = 'system.device';
const FAULTS = counter(
  'system.paging.faults',
  '{fault}',
  'Page faults; a major one had to wait for a disk.',
  FAULT,
);
const OPERATIONS = counter(
  'system.paging.operations',
  '{operation}',
  'Pages that were swapped in and out: all of them major.',
  FAULT,
  'system.paging.direction',
);
const USAGE = gauge('system.paging.usage', 'By', 'Swap space by device and state.', DEVICE, STATE);
const UTILIZATION = gauge(
  'system.paging.utilization',
  '1',
  'The same as a share of the device.',
  DEVICE,
  STATE,
);

const KIB = 1024;

/** Page faults and swap. */
export const paging: Probe = {
  name: 'paging',
  purpose: 'page faults, swapping, swap space',
  instruments: [FAULTS, OPERATIONS, USAGE, UTILIZATION],
  read: (source) => readParts(source, faults, swaps),
};

function* faults({ files }: HostSource): Iterable<Reading> {
  const vmstat = parsePairs(files.need('/proc/vmstat'));
  const all = vmstat.get('pgfault')!;
  const major = vmstat.get('pgmajfault')!;
  yield { instrument: FAULTS, attributes: ['major'], value: major };
  yield { instrument: FAULTS, attributes: ['minor'], value: all - major };
  for (const direction of ['in', 'out']) {
    // A kernel without swap has no such line.
    const value = vmstat.get(`pswp${direction}`);
    if (value !== undefined) yield { instrument: OPERATIONS, attributes: ['major', direction], value };
  }
}

/** `/dev/sda2  partition  1000  10  -2`: KiB in all, KiB in use. There are a few of them: the kernel takes no more than 32. */
function* swaps({ files }: HostSource): Iterable<Reading> {
  for (const line of files.need('/proc/swaps').split('\n').slice(1)) {
    const [device = '', , size, use] = line.split(/\s+/);
    if (size === undefined) continue;
    const [all, used] = [Number(size), Number(use)];
    for (const [state, value] of Object.entries({ used, free: all - used })) {
      yield { instrument: USAGE, attributes: [unescaped(device), state], value: value * KIB };
      yield { instrument: UTILIZATION, attributes: [unescaped(device), state], value: value / all };
    }
  }
}
