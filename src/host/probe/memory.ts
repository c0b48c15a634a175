import type { Instrument } from '../../base/metric.ts';
import { gauge } from './make-instrument.ts';
import type { Probe, Reading } from './probe.ts';
import { parseKeyed } from './tables.ts';

const STATE = 'system.memory.state';
const HUGE_STATE = 'system.memory.linux.hugepages.state';
const USAGE = gauge(
  'system.memory.usage',
  'By',
  'Memory by state; used is what is not available, so the states overlap.',
  STATE,
);
const UTILIZATION = gauge('system.memory.utilization', '1', 'The same as a share of all memory.', STATE);
const LIMIT = gauge('system.memory.limit', 'By', 'All memory.');
const AVAILABLE = gauge(
  'system.memory.linux.available',
  'By',
  'Memory that programs can have without anything being swapped out, as the kernel estimates it.',
);
const SHARED = gauge('system.memory.linux.shared', 'By', 'Shared memory, most of it of tmpfs.');
const SLAB = gauge(
  'system.memory.linux.slab.usage',
  'By',
  'Memory of the kernel’s own objects.',
  'system.memory.linux.slab.state',
);
const HUGE_LIMIT = gauge('system.memory.linux.hugepages.limit', '{page}', 'Huge pages in the pool.');
const HUGE_SIZE = gauge('system.memory.linux.hugepages.page_size', 'By', 'Size of a huge page.');
const HUGE_RESERVED = gauge(
  'system.memory.linux.hugepages.reserved',
  '{page}',
  'Huge pages that are promised and not taken yet; they are free ones.',
);
const HUGE_SURPLUS = gauge(
  'system.memory.linux.hugepages.surplus',
  '{page}',
  'Huge pages beyond the size of the pool.',
);
const HUGE_USAGE = gauge('system.memory.linux.hugepages.usage', '{page}', 'Huge pages by state.', HUGE_STATE);
const HUGE_UTILIZATION = gauge(
  'system.memory.linux.hugepages.utilization',
  '1',
  'The same as a share of the pool.',
  HUGE_STATE,
);

const KIB = 1024;

/** Memory of the host (Documentation/filesystems/proc.rst, meminfo). */
export const memory: Probe = {
  name: 'memory',
  purpose: 'memory by state, slab, huge pages',
  instruments: [
    ...[USAGE, UTILIZATION, LIMIT, AVAILABLE, SHARED, SLAB],
    ...[HUGE_LIMIT, HUGE_SIZE, HUGE_RESERVED, HUGE_SURPLUS, HUGE_USAGE, HUGE_UTILIZATION],
  ],
  *read({ files }): Iterable<Reading> {
    const info = parseKeyed(files.need('/proc/meminfo'));
    yield* usage(info);
    yield* bytes(info, SHARED, 'Shmem');
    yield* bytes(info, SLAB, 'SReclaimable', 'reclaimable');
    yield* bytes(info, SLAB, 'SUnreclaim', 'unreclaimable');
    yield* hugePages(info);
  },
};

type Info = ReadonlyMap<string, number>;

function* usage(info: Info): Iterable<Reading> {
  const [all, free, buffers, cached] = ['MemTotal', 'MemFree', 'Buffers', 'Cached'].map((key) =>
    info.get(key)!,
  ) as [number, number, number, number];
  const available = info.get('MemAvailable');
  const used = all - (available ?? free + buffers + cached);
  yield { instrument: LIMIT, attributes: [], value: all * KIB };
  for (const [state, value] of Object.entries({ used, free, buffers, cached })) {
    yield { instrument: USAGE, attributes: [state], value: value * KIB };
    yield { instrument: UTILIZATION, attributes: [state], value: value / all };
  }
  yield* bytes(info, AVAILABLE, 'MemAvailable');
}

/** A line of the file; none where the kernel has not got it. */
function* bytes(info: Info, instrument: Instrument, key: string, ...attributes: string[]): Iterable<Reading> {
  const value = info.get(key);
  if (value !== undefined) yield { instrument, attributes, value: value * KIB };
}

/** Of the default size. A kernel without them has no such lines. */
function* hugePages(info: Info): Iterable<Reading> {
  const all = info.get('HugePages_Total');
  if (all === undefined) return;
  const free = info.get('HugePages_Free')!;
  yield { instrument: HUGE_LIMIT, attributes: [], value: all };
  yield* bytes(info, HUGE_SIZE, 'Hugepagesize');
  yield { instrument: HUGE_RESERVED, attributes: [], value: info.get('HugePages_Rsvd')! };
  yield { instrument: HUGE_SURPLUS, attributes: [], value: info.get('HugePages_Surp')! };
  for (const [state, value] of Object.entries({ used: all - free, free })) {
    yield { instrument: HUGE_USAGE, attributes: [state], value };
    if (all > 0) yield { instrument: HUGE_UTILIZATION, attributes: [state], value: value / all };
  }
}
