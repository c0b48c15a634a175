import { HISTOGRAM_WORDS, readHistogram } from '../kernel-histogram.ts';
import type { KernelTables } from '../kernel-tables.ts';
import { counter, histogram, OURS } from './make-instrument.ts';
import { needKernel, type Probe, type Reading } from './probe.ts';

const BY_DISK = ['system.device', 'disk.io.direction'];
const DIRECTIONS = 'Directions are read and write, and besides those of the conventions flush and discard.';
const TOTAL = histogram(
  'system.disk.request.duration',
  `How long requests to a block device took, from when they were made until they were done. ${DIRECTIONS} ${OURS}`,
  ...BY_DISK,
);
const QUEUED = histogram(
  'system.disk.request.queue.duration',
  `The part of system.disk.request.duration before the request was handed to the driver. ${OURS}`,
  ...BY_DISK,
);
const SERVED = histogram(
  'system.disk.request.service.duration',
  `The part of system.disk.request.duration after the request was handed to the driver. ${OURS}`,
  ...BY_DISK,
);
const ERRORS = counter(
  'system.disk.request.errors',
  '{request}',
  `Requests to a block device that have failed. ${DIRECTIONS} ${OURS}`,
  ...BY_DISK,
);
const BY_SERVICE = ['service.name', 'service.namespace', 'disk.io.direction'];
const OF_SERVICE = histogram(
  'process.disk.request.duration',
  `How long requests to block devices took that threads of a service have made themselves; where no service stands, all others, those of the kernel on its own account included. ${OURS}`,
  ...BY_SERVICE,
);
const BYTES = counter(
  'process.disk.request.io',
  'By',
  `Bytes of the requests of process.disk.request.duration. ${OURS}`,
  ...BY_SERVICE,
);

/** enum disk_kind (bpf/block.bpf.h). */
const KINDS = ['read', 'write', 'flush', 'discard'];
/** struct disk_kind_stat: three histograms, and errors. */
export const KIND_WORDS = 3 * HISTOGRAM_WORDS + 1;
/** struct service_io: a histogram, and bytes. */
export const SERVICE_IO_WORDS = HISTOGRAM_WORDS + 1;

export const diskRequests: Probe = {
  name: 'disk_requests',
  purpose: 'how long requests to disks take, by disk and by service (eBPF)',
  instruments: [TOTAL, QUEUED, SERVED, ERRORS, OF_SERVICE, BYTES],
  *read(source): Iterable<Reading> {
    const kernel = needKernel(source, 'disk_issue', 'disk_complete');
    const disks = kernel.sums('disk_stats');
    const services = kernel.sums('service_disks');
    yield* ofDisks(kernel, disks);
    yield* ofServices(kernel, services);
  },
};

function* ofDisks(kernel: KernelTables, words: BigUint64Array): Iterable<Reading> {
  const { startMs } = kernel;
  for (const [slot, name] of kernel.diskNames()) {
    for (const [kind, direction] of KINDS.entries()) {
      const at = (slot * KINDS.length + kind) * KIND_WORDS;
      const total = readHistogram(words, at);
      const errors = Number(words[at + 3 * HISTOGRAM_WORDS]);
      if (total.count + errors === 0) continue;
      const attributes = [name, direction];
      yield { instrument: TOTAL, attributes, value: total, startMs };
      for (const [place, instrument] of [QUEUED, SERVED].entries()) {
        const value = readHistogram(words, at + (1 + place) * HISTOGRAM_WORDS);
        yield { instrument, attributes, value, startMs };
      }
      yield { instrument: ERRORS, attributes, value: errors, startMs };
    }
  }
}

function* ofServices({ startMs, services }: KernelTables, words: BigUint64Array): Iterable<Reading> {
  for (const [slot, service] of services.entries()) {
    for (const place of [0, 1]) {
      const at = (2 * slot + place) * SERVICE_IO_WORDS;
      const bytes = Number(words[at + HISTOGRAM_WORDS]);
      if (bytes === 0) continue;
      const attributes = [...service, KINDS[place]!];
      yield { instrument: OF_SERVICE, attributes, value: readHistogram(words, at), startMs };
      yield { instrument: BYTES, attributes, value: bytes, startMs };
    }
  }
}
