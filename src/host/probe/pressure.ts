import { counter, gauge, OURS } from './make-instrument.ts';
import { readParts } from './parts.ts';
import type { HostSource, Probe, Reading } from './probe.ts';

const RESOURCE = 'system.linux.pressure.resource';
const STALL = 'system.linux.pressure.stall_type';
const TIME = counter(
  'system.linux.pressure.time',
  's',
  `Time in which some task, or all of them at once (full), waited for a resource. ${OURS}`,
  RESOURCE,
  STALL,
);
const AVERAGE = gauge(
  'system.linux.pressure.average',
  '1',
  `The same as a share of the last 10, 60 and 300 s. ${OURS}`,
  RESOURCE,
  STALL,
  'system.linux.pressure.window',
);

/** As the kernel names its files (Documentation/accounting/psi.rst). */
const RESOURCES = ['cpu', 'io', 'memory'];
const LINE = /^(some|full) avg10=(\S+) avg60=(\S+) avg300=(\S+) total=(\d+)$/gm;

/** Pressure stall information. */
export const pressure: Probe = {
  name: 'pressure',
  purpose: 'time that tasks wait for CPU, memory and disks (PSI)',
  instruments: [TIME, AVERAGE],
  read: (source) => readParts(source, ...RESOURCES.map((resource) => readResource(resource))),
};

/** `some avg10=0.00 avg60=0.00 avg300=0.00 total=0`: percent, and microseconds. */
function readResource(resource: string): (source: HostSource) => Iterable<Reading> {
  return function* ({ files }) {
    const text = files.need(`/proc/pressure/${resource}`);
    for (const [, type, ten, sixty, threeHundred, total] of text.matchAll(LINE)) {
      yield { instrument: TIME, attributes: [resource, type!], value: Number(total) / 1e6 };
      for (const [window, percent] of Object.entries({ '10s': ten, '60s': sixty, '300s': threeHundred }))
        yield { instrument: AVERAGE, attributes: [resource, type!, window], value: Number(percent) / 100 };
    }
  };
}
