import { counter, OURS } from './make-instrument.ts';
import { needKernel, type Probe, type Reading } from './probe.ts';

const KILLS = counter(
  'system.memory.oom.kills',
  '{process}',
  `Processes that the kernel has killed for want of memory, on the host or in a cgroup. The log of the agent names each with its process id. ${OURS}`,
  ...['service.name', 'service.namespace', 'process.executable.name'],
);

export const oom: Probe = {
  name: 'oom',
  purpose: 'who is killed for want of memory (eBPF)',
  instruments: [KILLS],
  *read(source): Iterable<Reading> {
    const kernel = needKernel(source, 'oom_mark');
    const { startMs, services } = kernel;
    for (const { comm, slot, kills } of kernel.oomKills())
      yield { instrument: KILLS, attributes: [...services[slot]!, comm], value: kills, startMs };
  },
};
