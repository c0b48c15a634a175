import { COLLECTOR, counter, gauge } from './make-instrument.ts';
import { readParts } from './parts.ts';
import type { HostSource, Probe, Reading } from './probe.ts';
import { parsePairs } from './tables.ts';

const AVERAGES = ['1m', '5m', '15m'].map((time) =>
  gauge(
    `system.cpu.load_average.${time}`,
    '{thread}',
    `Threads that run, want to run or wait for a disk, damped over ${time.slice(0, -1)} min. ${COLLECTOR}`,
  ),
);
const COUNT = gauge(
  'system.process.count',
  '{process}',
  'Threads that run or want to (running), and that wait for a disk (blocked): the kernel counts no processes here.',
  'process.state',
);
const CREATED = counter(
  'system.process.created',
  '{process}',
  'Processes and threads that were created since the host has started.',
);

/** How many there are that want to run. */
export const load: Probe = {
  name: 'load',
  purpose: 'load average, processes that run, wait and were created',
  instruments: [...AVERAGES, COUNT, CREATED],
  read: (source) => readParts(source, averages, processes),
};

/** `0.20 0.18 0.12 1/80 11206` */
function* averages({ files }: HostSource): Iterable<Reading> {
  const values = files.need('/proc/loadavg').split(' ');
  for (const [place, instrument] of AVERAGES.entries())
    yield { instrument, attributes: [], value: Number(values[place]) };
}

function* processes({ files }: HostSource): Iterable<Reading> {
  const stat = parsePairs(files.need('/proc/stat'));
  for (const state of ['running', 'blocked'])
    yield { instrument: COUNT, attributes: [state], value: stat.get(`procs_${state}`)! };
  yield { instrument: CREATED, attributes: [], value: stat.get('processes')! };
}
