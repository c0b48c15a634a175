import type { Instrument } from '../../base/metric.ts';
import { COLLECTOR, counter, gauge } from './make-instrument.ts';
import { firstOf } from './parts.ts';
import type { Probe, Reading, Told } from './probe.ts';

const DEVICE = 'system.device';
const DIRECTION = 'disk.io.direction';
const IO = counter('system.disk.io', 'By', 'Bytes read, written and discarded.', DEVICE, DIRECTION);
const OPERATIONS = counter(
  'system.disk.operations',
  '{operation}',
  'Operations that are complete: read, write, discard, flush.',
  DEVICE,
  DIRECTION,
);
const MERGED = counter(
  'system.disk.merged',
  '{operation}',
  'Operations that were made one with a neighbour before they began.',
  DEVICE,
  DIRECTION,
);
const OPERATION_TIME = counter(
  'system.disk.operation_time',
  's',
  'Time that operations took, added up.',
  DEVICE,
  DIRECTION,
);
const IO_TIME = counter('system.disk.io_time', 's', 'Time in which a device had something to do.', DEVICE);
const WEIGHTED = counter(
  'system.disk.weighted_io_time',
  's',
  `The same, times the operations that were under way. ${COLLECTOR}`,
  DEVICE,
);
const PENDING = gauge(
  'system.disk.pending_operations',
  '{operation}',
  `Operations that are under way. ${COLLECTOR}`,
  DEVICE,
);
const LIMIT = gauge('system.disk.limit', 'By', 'Size of a device.', DEVICE);

/** Of everything that counts sectors, whatever the size of the device's own are. */
const SECTOR_BYTES = 512;
const MAX_DEVICES = 256;
/** Devices that pass on to another, where the same is counted once more, and memory. */
const NO_DISKS = /^(?:loop|ram|fd)\d/;

/**
 * Block devices (Documentation/admin-guide/iostats.rst): whole ones that ever did something. Partitions count within their disk; what a device mapper
 * or an md makes of disks is a device of its own.
 */
export const disk: Probe = {
  name: 'disk',
  purpose: 'operations, bytes and time of block devices',
  instruments: [IO, OPERATIONS, MERGED, OPERATION_TIME, IO_TIME, WEIGHTED, PENDING, LIMIT],
  *read({ files }): Iterable<Told> {
    const text = files.need('/proc/diskstats');
    // Partitions have no folder of their own there.
    const whole = new Set(files.list('/sys/block').map((name) => name.replaceAll('!', '/')));
    const all = text
      .split('\n')
      .map((line) => line.trim().split(/\s+/).slice(2))
      .filter(([name = '', ...fields]) => !NO_DISKS.test(name) && fields.some((field) => field !== '0'))
      .filter(([name]) => whole.size === 0 || whole.has(name!));
    const { read, omitted } = firstOf(all, MAX_DEVICES);
    yield* omitted;
    for (const [name, ...fields] of read) {
      yield* readDevice(name!, fields.map(Number));
      const sectors = files.text(`/sys/block/${name!.replaceAll('/', '!')}/size`);
      if (sectors !== undefined)
        yield { instrument: LIMIT, attributes: [name!], value: Number(sectors) * SECTOR_BYTES };
    }
  },
};

/** What a device has counted, as far as its kernel tells it: discards since 4.18, flushes since 5.5. */
function* readDevice(name: string, fields: readonly number[]): Iterable<Reading> {
  const directions = [
    ['read', 0],
    ['write', 4],
    ['discard', 11],
  ] as const;
  for (const [direction, first] of directions) {
    if (fields.length < first + 4) continue;
    const [operations, merged, sectors, ms] = fields.slice(first, first + 4) as [
      number,
      number,
      number,
      number,
    ];
    const of = (instrument: Instrument, value: number): Reading => {
      return { instrument, attributes: [name, direction], value };
    };
    yield of(IO, sectors * SECTOR_BYTES);
    yield of(OPERATIONS, operations);
    yield of(MERGED, merged);
    yield of(OPERATION_TIME, ms / 1000);
  }
  if (fields.length >= 17) {
    yield { instrument: OPERATIONS, attributes: [name, 'flush'], value: fields[15]! };
    yield { instrument: OPERATION_TIME, attributes: [name, 'flush'], value: fields[16]! / 1000 };
  }
  const [pending, ms, weighted] = fields.slice(8, 11) as [number, number, number];
  yield { instrument: PENDING, attributes: [name], value: pending };
  yield { instrument: IO_TIME, attributes: [name], value: ms / 1000 };
  yield { instrument: WEIGHTED, attributes: [name], value: weighted / 1000 };
}
