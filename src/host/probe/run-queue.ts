import { HISTOGRAM_WORDS, readHistogram } from '../kernel-histogram.ts';
import { counter, histogram, OURS } from './make-instrument.ts';
import { needKernel, type Probe, type Reading } from './probe.ts';

const BY_SERVICE = ['service.name', 'service.namespace'];
const WAITS = histogram(
  'system.cpu.run_queue.duration',
  `How long threads that could run waited for a CPU, each time they got one; where no service stands, those of everybody else. ${OURS}`,
  ...BY_SERVICE,
);
const ON_CPU = counter(
  'system.cpu.on_cpu.time',
  's',
  `How long threads had a CPU, counted when they leave it; where no service stands, those of everybody else. ${OURS}`,
  ...BY_SERVICE,
);

/** struct run (bpf/scheduler.bpf.h): the histogram, then nanoseconds on a CPU. */
export const RUN_WORDS = HISTOGRAM_WORDS + 1;

export const runQueue: Probe = {
  name: 'run_queue',
  purpose: 'how long threads wait for a CPU and have one, by service (eBPF)',
  instruments: [WAITS, ON_CPU],
  *read(source): Iterable<Reading> {
    const kernel = needKernel(source, 'run_queue');
    const { startMs } = kernel;
    const words = kernel.sums('runs');
    for (const [slot, attributes] of kernel.services.entries()) {
      const at = slot * RUN_WORDS;
      yield { instrument: WAITS, attributes, value: readHistogram(words, at), startMs };
      yield { instrument: ON_CPU, attributes, value: Number(words[at + HISTOGRAM_WORDS]) / 1e9, startMs };
    }
  },
};
