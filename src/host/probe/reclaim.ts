import { HISTOGRAM_WORDS, readHistogram } from '../kernel-histogram.ts';
import { histogram, OURS } from './make-instrument.ts';
import { needKernel, type Probe, type Told } from './probe.ts';

const STALLS = histogram(
  'system.memory.reclaim.duration',
  `How long threads had to free memory before they got some: for want of it on the host, or since their cgroup was at its limit; where no service stands, those of everybody else. ${OURS}`,
  ...['service.name', 'service.namespace', 'system.memory.reclaim.cause'],
);

/** enum reclaim_cause (bpf/reclaim.bpf.h), and the programs that measure it. */
const CAUSES = [
  ['host', 'reclaim_begin', 'reclaim_end'],
  ['cgroup', 'cgroup_begin', 'cgroup_end'],
] as const;
/** struct reclaim_stat. */
export const RECLAIM_WORDS = CAUSES.length * HISTOGRAM_WORDS;

export const reclaim: Probe = {
  name: 'reclaim',
  purpose: 'how long threads are held up to free memory, by service (eBPF)',
  instruments: [STALLS],
  *read(source): Iterable<Told> {
    const kernel = needKernel(source, 'reclaim_begin', 'reclaim_end');
    yield* kernel.missing('cgroup_begin', 'cgroup_end');
    const { startMs } = kernel;
    const words = kernel.sums('reclaim_stats');
    for (const [slot, service] of kernel.services.entries()) {
      for (const [place, [cause, begin, end]] of CAUSES.entries()) {
        const value = readHistogram(words, slot * RECLAIM_WORDS + place * HISTOGRAM_WORDS);
        if (!kernel.has(begin) || !kernel.has(end) || (slot > 0 && value.count === 0)) continue;
        yield { instrument: STALLS, attributes: [...service, cause], value, startMs };
      }
    }
  },
};
